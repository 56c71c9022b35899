#pragma once

namespace spmd {

template <class T>
class task;

namespace detail {

/// True for spmd::task, what a coroutine rank returns.
template <class T>
inline constexpr bool is_task = false;
template <class T>
inline constexpr bool is_task<task<T>> = true;

/// The type of a rank's result: of a coroutine, what it `co_return`s.
template <class T>
struct result_of_task {
    using type = T;
};
template <class T>
struct result_of_task<task<T>> {
    using type = T;
};

} // namespace detail
} // namespace spmd
