#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

namespace spmd::detail {

template <class T>
struct parameter {
    using type = T;
};

/// The parameters of a callable that is not generic, as a tuple `type` of parameter; no member where
/// they are not known.
template <class Signature>
struct parameters_of_signature {};
template <class R, class... Ps>
struct parameters_of_signature<R (*)(Ps...)> {
    using type = std::tuple<parameter<Ps>...>;
};
template <class R, class... Ps>
struct parameters_of_signature<R (*)(Ps...) noexcept> : parameters_of_signature<R (*)(Ps...)> {};
template <class R, class F, class... Ps>
struct parameters_of_signature<R (F::*)(Ps...) const> : parameters_of_signature<R (*)(Ps...)> {};
template <class R, class F, class... Ps>
struct parameters_of_signature<R (F::*)(Ps...) const noexcept> : parameters_of_signature<R (*)(Ps...)> {};

template <class Task>
struct parameters_of : parameters_of_signature<Task> {};
template <class Task>
    requires requires { &Task::operator(); }
struct parameters_of<Task> : parameters_of_signature<decltype(&Task::operator())> {};

/// True unless a parameter P refers to a temporary that the argument Arg, a reference, is converted to.
template <class P, class Arg>
inline constexpr bool needs_no_temporary =
    !std::is_reference_v<P> ||
    std::is_convertible_v<std::remove_reference_t<Arg>*, std::remove_reference_t<P>*> ||
    // as std::reference_wrapper does
    requires(Arg argument) { argument.operator std::remove_cvref_t<P>&(); } ||
    requires(Arg argument) { argument.operator const std::remove_cvref_t<P>&(); };

/// Requires: Parameters has the rank and at least one more for each argument.
template <class Parameters, class... Args, std::size_t... I>
consteval bool need_no_temporaries(std::index_sequence<I...>) {
    return (needs_no_temporary<typename std::tuple_element_t<I + 1, Parameters>::type, Args> && ...);
}

/// False where a parameter of the task is known to refer to a temporary that its argument is converted to. A
/// coroutine runs only after the call that passes the arguments, when temporaries are gone.
template <class Task, class... Args>
consteval bool arguments_outlive_call() {
    if constexpr (requires { typename parameters_of<Task>::type; })
        return need_no_temporaries<typename parameters_of<Task>::type, Args...>(
            std::index_sequence_for<Args...>());
    else
        return true;
}

template <class T>
consteval bool is_reference(parameter<T>) {
    return std::is_reference_v<T>;
}

/// False where the task is known to take its rank, a temporary of the call, by reference.
template <class Task>
consteval bool rank_outlives_call() {
    if constexpr (requires { typename parameters_of<Task>::type; })
        return !is_reference(std::tuple_element_t<0, typename parameters_of<Task>::type>());
    else
        return true;
}

} // namespace spmd::detail
