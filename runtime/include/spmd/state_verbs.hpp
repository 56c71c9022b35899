#pragma once

#include <spmd/detail/views/gather.hpp>
#include <spmd/detail/views/scatter.hpp>
#include <spmd/rank.hpp>
#include <spmd/rank_state.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <ranges>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace spmd {

/// What a view does with state that stays with its ranks (see rank_state.hpp): deals it out, makes it where it is to
/// be, and moves it to and fro.
///
///     auto ids = pool.scatter(std::views::iota(std::size_t{0}, pool.size()), spmd::flatten);
///     auto count = pool.on({0, 2}).make_local<histogram>(256);
///     std::vector<histogram> both = pool.on({2, 0}).gather(std::move(count));
///
/// Each verb runs once per rank, in the rank's arena, and blocks until all have run.
/// Throws: composite_error naming the ranks whose constructor or assignment threw; of what was being made, nothing is
/// left then, and of the items of a temporary some have been moved from. std::invalid_argument as rank_state.hpp says.
class state_verbs {
public:
    /// Deals the items out to the ranks by a rule of partition.hpp. Those of a temporary container are moved, others
    /// copied. A rule whose parts are not contiguous costs a pointer per item.
    template <std::ranges::input_range Range, partition_rule Rule = decltype(balanced)>
    scattered<std::ranges::range_value_t<Range>> scatter(Range&& items, const Rule& rule = balanced) const {
        return detail::scatter_items(group_, options_, std::forward<Range>(items), rule);
    }
    /// One item for each rank. Throws: std::invalid_argument unless there are as many.
    template <std::ranges::input_range Range>
    local<std::ranges::range_value_t<Range>> scatter(Range&& items, flatten_t) const {
        return detail::scatter_one_each(group_, options_, std::forward<Range>(items));
    }
    /// T(args…) for each rank; handles among the arguments are seen as the rank's own piece.
    template <class T, class... Args>
        requires std::constructible_from<T, detail::bound_argument<detail::bound<Args>>...>
    local<T> make_local(Args&&... args) const {
        return [&](const auto&... kept) {
            return detail::construct_objects<T>(group_, options_, [&](rank me) {
                return T(detail::bound_argument_of(me.engine(), kept)...);
            });
        }(detail::bind(group_, std::forward<Args>(args))...);
    }
    /// A copy of the value for each arena.
    template <class T>
    replicated<std::decay_t<T>> replicate(const T& value) const {
        return detail::replicate_value<std::decay_t<T>>(group_, options_, value);
    }

    /// Copies of the ranks' objects, or of a temporary handle the objects themselves, by id.
    template <class T>
    results<T> gather(const local<T>& from) const {
        return run("gather", [](rank, const T& mine) { return mine; }, from);
    }
    template <class T>
    // NOLINTNEXTLINE(cppcoreguidelines-rvalue-reference-param-not-moved): those of other ranks stay in it
    results<T> gather(local<T>&& from) const {
        return run("gather", [](rank, T& mine) { return T(std::move(mine)); }, from);
    }
    /// The items of these ranks, in the order in which they came, whatever rule dealt them.
    template <class T>
    results<T> gather(const scattered<T>& from) const {
        return detail::gather_items(group_, options_, from);
    }
    template <class T>
    // NOLINTNEXTLINE(cppcoreguidelines-rvalue-reference-param-not-moved): the same
    results<T> gather(scattered<T>&& from) const {
        return detail::gather_items(group_, options_, from);
    }
    /// Copies of what each rank has, by id: its object, or its slice as a vector.
    template <class T>
    results<T> pull(const local<T>& from) const {
        return gather(from);
    }
    template <class T>
    std::vector<std::vector<T>> pull(const scattered<T>& from) const {
        return run(
            "pull", [](rank, std::span<const T> mine) { return std::vector<T>(mine.begin(), mine.end()); },
            from);
    }
    /// Assigns the value to each of these ranks' objects.
    template <class T, class Value>
        requires std::assignable_from<T&, const Value&>
    void push(local<T>& to, const Value& value) const {
        run("push", [&](rank, T& mine) { mine = value; }, to);
    }
    /// One value for each rank. Throws: std::invalid_argument unless there are as many.
    template <class T, std::ranges::random_access_range Range>
        requires std::ranges::sized_range<Range>
    void push(local<T>& to, Range&& values, flatten_t) const {
        detail::require_one_each("push", static_cast<std::size_t>(std::ranges::size(values)), *group_);
        const auto first = detail::taking<Range>(std::ranges::begin(values));
        run(
            "push",
            [&](rank me, T& mine) {
                mine = first[static_cast<std::ranges::range_difference_t<Range>>(me.id())];
            },
            to);
    }

protected:
    explicit state_verbs(std::shared_ptr<const detail::group> group) noexcept : group_(std::move(group)) {}

    // NOLINTBEGIN(misc-non-private-member-variables-in-classes,readability-identifier-naming): a view's own, in two parts
    std::shared_ptr<const detail::group> group_;
    run_options options_;
    // NOLINTEND(misc-non-private-member-variables-in-classes,readability-identifier-naming)

private:
    template <class Task, class Handle>
    auto run(std::string_view verb, const Task& task, Handle& handle) const {
        run_options named = options_;
        named.name = verb;
        return detail::submit_broadcast(group_, named, {}, task, handle).get();
    }
};

} // namespace spmd
