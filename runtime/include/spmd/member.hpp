#pragma once

#include <spmd/detail/ranks/rank_context.hpp>
#include <spmd/partition.hpp>

#include <cstddef>
#include <iterator>
#include <ranges>
#include <span>
#include <utility>

namespace spmd {

/// Who a rank is in its group, and what part of the work is its own; see rank.
class group_member {
public:
    group_member(const detail::rank_context& rank_context, std::size_t id) noexcept
        : context_(rank_context), id_(id) {}
    group_member(detail::context_reference rank_context, std::size_t id) noexcept
        : context_(std::move(rank_context)), id_(id) {}

    /// This rank's number in its group: 0 … size() - 1.
    std::size_t id() const noexcept { return id_; }
    /// How many ranks the group has.
    std::size_t size() const noexcept { return context_->size; }
    /// This rank's number in its pool; id() unless the group was chosen by `on` or `split`.
    std::size_t engine() const noexcept {
        return context_->engines == nullptr ? id_ : context_->engines[id_];
    }
    /// True once the broadcast was cancelled or its result dropped, or a rank failed under
    /// `on_error::stop`: a long task looks at it now and then, and returns.
    bool stop_requested() const noexcept { return context_->flags->stop_requested(); }
    /// Adds to what async_result::progress() tells as `items`: what this rank has done of its part, in a unit of the
    /// caller's choice. From any thread, at any time while the rank runs; it costs about 2 ns. Throws: std::bad_alloc
    /// when a broadcast's first report finds no memory.
    void advance(std::size_t items = 1) const { context_->reported_items->add(items); }

    /// The indices of 0 … n-1 that are this rank's, by a rule of partition.hpp.
    template <partition_rule Rule = decltype(balanced)>
    auto part(std::size_t n, const Rule& rule = balanced) const {
        return rule(n, id_, context_->size);
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

protected:
    const detail::rank_context& rank_context() const noexcept { return *context_; }

private:
    detail::context_reference context_;
    std::size_t id_;
};

} // namespace spmd
