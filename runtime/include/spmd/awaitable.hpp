#pragma once

#include <concepts>
#include <coroutine>

namespace spmd {

/// An operation that a rank can `co_await`, with a Result.
template <class A, class Result>
concept awaitable = requires(A& operation, std::coroutine_handle<> rank) {
    operation.await_ready();
    operation.await_suspend(rank);
    { operation.await_resume() } -> std::same_as<Result>;
};

} // namespace spmd
