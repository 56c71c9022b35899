#pragma once

#include <spmd/detail/views/gather.hpp>
#include <spmd/detail/views/scatter.hpp>
#include <spmd/handles.hpp>
#include <spmd/rank.hpp>
#include <spmd/view.hpp>

#include <concepts>
#include <cstddef>
#include <ranges>
#include <source_location>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

// Definitions of the member functions of view for state that stays with its ranks (handles.hpp).
namespace spmd {

template <std::ranges::input_range Range, partition_rule Rule>
scattered<std::ranges::range_value_t<Range>> view::scatter(Range&& items, const Rule& rule) const {
    return detail::scatter_items(group_, options_, std::forward<Range>(items), rule);
}
template <std::ranges::input_range Range>
local<std::ranges::range_value_t<Range>> view::scatter(Range&& items, flatten_t) const {
    return detail::scatter_one_each(group_, options_, std::forward<Range>(items));
}
template <class T, class... Args>
    requires constructible_by_rank<T, Args...>
local<T> view::make_local(Args&&... args) const {
    return [&](const auto&... bound) {
        return detail::construct_objects<T>(
            group_, options_, [&](rank me) { return T(detail::bound_argument_of(me.engine(), bound)...); });
    }(detail::bind(group_, std::forward<Args>(args))...);
}
template <class T>
replicated<std::decay_t<T>> view::replicate(const T& value) const {
    return detail::replicate_value<std::decay_t<T>>(group_, options_, value);
}

template <class Task, class Handle>
auto view::run(const char* verb, const Task& task, Handle& handle) const {
    run_options named = options_;
    named.name = verb;
    return detail::submit_broadcast(group_, named, task, handle).get(std::source_location());
}
template <class T>
results<T> view::gather(const local<T>& from) const {
    return run("gather", [](rank, const T& mine) { return mine; }, from);
}
template <class T>
// NOLINTNEXTLINE(cppcoreguidelines-rvalue-reference-param-not-moved): keeps the objects of other ranks
results<T> view::gather(local<T>&& from) const {
    return run("gather", [](rank, T& mine) { return T(std::move(mine)); }, from);
}
template <class T>
results<T> view::gather(const scattered<T>& from) const {
    return detail::gather_items(group_, options_, from);
}
template <class T>
// NOLINTNEXTLINE(cppcoreguidelines-rvalue-reference-param-not-moved): keeps the objects of other ranks
results<T> view::gather(scattered<T>&& from) const {
    return detail::gather_items(group_, options_, from);
}
template <class T>
results<T> view::pull(const local<T>& from) const {
    return gather(from);
}
template <class T>
std::vector<std::vector<T>> view::pull(const scattered<T>& from) const {
    return run(
        "pull", [](rank, std::span<const T> mine) { return std::vector<T>(mine.begin(), mine.end()); }, from);
}
template <class T, class Value>
    requires std::assignable_from<T&, const Value&>
void view::push(local<T>& to, const Value& value) const {
    run("push", [&](rank, T& mine) { mine = value; }, to);
}
template <class T, std::ranges::random_access_range Range>
    requires std::ranges::sized_range<Range>
void view::push(local<T>& to, Range&& values, flatten_t) const {
    detail::require_one_each("push", static_cast<std::size_t>(std::ranges::size(values)), size());
    const auto first = detail::taking<Range>(std::ranges::begin(values));
    run(
        "push",
        [&](rank me, T& mine) { mine = first[static_cast<std::ranges::range_difference_t<Range>>(me.id())]; },
        to);
}

} // namespace spmd
