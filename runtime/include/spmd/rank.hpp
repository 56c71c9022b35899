#pragma once

#include <spmd/detail/job.hpp>
#include <spmd/partition.hpp>

#include <concepts>
#include <cstddef>
#include <iterator>
#include <ranges>
#include <span>
#include <type_traits>

namespace spmd {
namespace detail {

/// What the ranks of one broadcast have in common.
struct team {
    std::size_t size = 0;
    const std::size_t* engines = nullptr; ///< of each id; null: id and engine are the same
    const attention* attention_of_ranks = nullptr;
};

} // namespace detail

/// In a task: this member's handle on its group. A small value; valid while the task runs.
///
///     pool.broadcast([&](spmd::rank me) {
///         std::size_t bytes = 0;
///         for (const auto& path : me.part(paths)) bytes += std::filesystem::file_size(path);
///         return bytes;
///     });
class rank {
public:
    rank(const detail::team& team, std::size_t id) noexcept : team_(&team), id_(id) {}

    /// This rank's number in its group: 0 … size() - 1.
    std::size_t id() const noexcept { return id_; }
    /// How many ranks the group has.
    std::size_t size() const noexcept { return team_->size; }
    /// This rank's number in its pool; id() unless the group was chosen by `on`.
    std::size_t engine() const noexcept { return team_->engines == nullptr ? id_ : team_->engines[id_]; }
    /// True once the broadcast was cancelled or its result dropped, or a rank failed under
    /// `on_error::stop`: a long task looks at it now and then, and returns.
    bool stop_requested() const noexcept { return team_->attention_of_ranks->stop_requested(); }

    /// The indices of 0 … n-1 that are this rank's, by a rule of partition.hpp.
    template <partition_rule Rule = decltype(balanced)>
    auto part(std::size_t n, const Rule& rule = balanced) const {
        return rule(n, id_, team_->size);
    }

    /// This rank's part of a range: a span of an array, else a view. The range must outlive it.
    template <std::ranges::random_access_range Range, partition_rule Rule = decltype(balanced)>
        requires std::ranges::sized_range<Range> && std::ranges::borrowed_range<Range>
    auto part(Range&& range, const Rule& rule = balanced) const {
        const auto mine = part(static_cast<std::size_t>(std::ranges::size(range)), rule);
        const auto first = std::ranges::begin(range);
        using distance = std::ranges::range_difference_t<Range>;
        if constexpr (!contiguous_partition_rule<Rule>) {
            return mine.indices() | std::views::transform([first](std::size_t i) -> decltype(auto) {
                       return first[static_cast<distance>(i)];
                   });
        } else if constexpr (std::ranges::contiguous_range<Range>) {
            return std::span(first + static_cast<distance>(mine.begin), mine.size());
        } else {
            return std::ranges::subrange(first + static_cast<distance>(mine.begin),
                                         first + static_cast<distance>(mine.end));
        }
    }

private:
    const detail::team* team_;
    std::size_t id_;
};

} // namespace spmd
