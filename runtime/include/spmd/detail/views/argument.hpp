#pragma once

#include <spmd/detail/launch/group.hpp>
#include <spmd/detail/ranks/rank_context.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace spmd {
class rank;
} // namespace spmd

namespace spmd::detail {

/// The type in which a job keeps an argument of its task. An ordinary argument is copied, and all ranks read
/// the copy. A handle on pieces of the ranks (scattered, local, replicated) has a `type` here: a share of the
/// pieces, which finds each rank's own.
template <class Handle, bool IsConst>
struct bound_handle {};

template <class Arg>
using bound_handle_of = bound_handle<std::remove_cvref_t<Arg>, std::is_const_v<std::remove_reference_t<Arg>>>;

template <class Arg>
concept handle = requires { typename bound_handle_of<Arg>::type; };

template <class Arg>
struct bound_as {
    using type = std::decay_t<Arg>;
};
template <handle Arg>
struct bound_as<Arg> {
    using type = typename bound_handle_of<Arg>::type;
};
template <class Arg>
using bound = typename bound_as<Arg>::type;

/// Converts an argument to the form that a job keeps.
/// Throws: std::invalid_argument for a handle of another pool, or without a piece for one of the ranks.
template <class Arg>
decltype(auto) bind(const std::shared_ptr<const group>& ranks, Arg&& arg) {
    if constexpr (handle<Arg>) {
        bound<Arg> pieces(std::forward<Arg>(arg));
        pieces.require(ranks);
        return pieces;
    } else {
        return std::forward<Arg>(arg);
    }
}

template <class Bound>
concept bound_pieces = requires(const Bound& pieces, std::size_t engine) { pieces.piece_of(engine); };

/// The argument as a rank on an engine sees it: the whole of it, or the rank's piece.
template <class Bound>
decltype(auto) bound_argument_of(std::size_t engine, const Bound& argument) noexcept {
    if constexpr (bound_pieces<Bound>)
        return argument.piece_of(engine);
    else
        return (argument); // by reference
}
template <class Bound>
decltype(auto) bound_argument_of(const rank_context& ranks, std::size_t id, const Bound& argument) noexcept {
    return bound_argument_of(ranks.engines == nullptr ? id : ranks.engines[id], argument);
}
template <class Bound>
using bound_argument = decltype(bound_argument_of(std::size_t{}, std::declval<const Bound&>()));

/// The type that the task of a broadcast returns for these arguments.
template <class Task, class... Bound>
using returned_to_rank =
    std::remove_cvref_t<std::invoke_result_t<const Task&, rank, bound_argument<Bound>...>>;

} // namespace spmd::detail
