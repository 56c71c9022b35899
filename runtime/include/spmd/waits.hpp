#pragma once

#include <spmd/awaitable.hpp>
#include <spmd/detail/ranks/joint_awaitables.hpp>
#include <spmd/pending.hpp>
#include <spmd/rank.hpp>

#include <chrono>
#include <cstddef>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

namespace spmd {

/// Waits until one of the started operations is complete; returns the index of the first that is. All of them
/// are still to be awaited, now or later. (MPI_Waitany)
///
///     auto left = me.receive<row>(west).start(), right = me.receive<row>(east).start();
///     if (co_await spmd::when_any(left, right) == 0) update(co_await left);
///
/// Throws, at the wait: what the wait for one of them would throw, if none can complete.
template <class... T>
    requires(sizeof...(T) > 0)
awaitable<std::size_t> auto when_any(pending<T>&... started) {
    return detail::any_awaitable({detail::started_operations::of(started)...});
}
/// As when_any(), of a range, such as a std::vector<pending<int>>, which outlives the wait.
/// Throws: std::invalid_argument, at the wait, if it is empty.
template <class Range>
    requires detail::range_of_pendings<Range&>
awaitable<std::size_t> auto when_any(Range& started) {
    std::vector<detail::started_operation*> operations;
    for (const auto& each : started) operations.push_back(detail::started_operations::of(each));
    return detail::any_awaitable(std::move(operations));
}

/// Waits for all of some operations, and returns their results as a tuple, in which std::monostate stands for
/// void. Operations that are not started begin at the call, from the left: two collectives are best
/// passed so, since `.start()`s among a call's arguments run in any order. (MPI_Waitall)
///
///     auto [sum, near] = co_await spmd::when_all(me.all_reduce(mine, spmd::plus), me.receive<row>(east));
///
/// Throws, at the wait: what the wait for one of them throws; the results of others are lost then, except for
/// those of pendings that are passed as lvalues and were not taken yet.
template <detail::combinable... Operations>
    requires(sizeof...(Operations) > 0)
auto when_all(Operations&&... operations) {
    // Braces, so that they begin from the left.
    return detail::all_awaitable<detail::begun<Operations>...>{
        detail::started_operations::begin(std::forward<Operations>(operations))...};
}
/// As when_all(), of a range of pendings, which outlives the wait; returns a vector, or nothing for void.
template <class Range>
    requires detail::range_of_pendings<Range&> && (!std::is_const_v<Range>)
auto when_all(Range& started) {
    using result = decltype(detail::result_type_of(*std::ranges::begin(started)));
    return detail::all_of_range_awaitable<Range, result>(started);
}

template <class Operation>
auto rank::within(std::chrono::nanoseconds time, Operation&& operation) const {
    using type = std::remove_cvref_t<Operation>;
    static_assert(detail::startable<Operation> || detail::is_joint_awaitable<type>,
                  "within() takes an operation of a rank, a pending, when_any() or when_all()");
    if constexpr (detail::is_joint_awaitable<type>) {
        static_assert(!std::is_lvalue_reference_v<Operation>,
                      "write the when_any() or when_all() within the call of within(), or move it there");
        operation.limit(time);
        return type(std::forward<Operation>(operation));
    } else {
        return detail::within_awaitable<detail::begun<Operation>>(
            detail::started_operations::begin(std::forward<Operation>(operation)), time);
    }
}

} // namespace spmd
