#pragma once

#include <spmd/detail/ranks/messages.hpp>
#include <spmd/detail/ranks/reductions.hpp>
#include <spmd/detail/ranks/split.hpp>
#include <spmd/detail/ranks/value_collectives.hpp>
#include <spmd/detail/ranks/yield.hpp>
#include <spmd/pending.hpp>
#include <spmd/rank.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <source_location>

/// Definitions behind the operations of a rank, for those who call them (rank_operations.hpp).
namespace spmd {

inline awaitable<void> auto rank::barrier(location where) const {
    return meet<detail::barrier_collective>(where);
}
template <std::copy_constructible T>
    requires std::default_initializable<T>
awaitable<T> auto rank::broadcast_from(std::size_t root, location where) const {
    detail::require_not_root(id_, root);
    return broadcast(T(), root, where);
}
template <class T>
awaitable<T> auto rank::scatter_from(std::size_t root, location where) const {
    detail::require_not_root(id_, root);
    return scatter(std::vector<T>(), root, where);
}
inline awaitable<void> auto rank::yield(location where) const {
    return detail::yield_awaitable(communicator(), id_, where);
}
inline awaitable<rank> auto rank::split(std::size_t color, std::int64_t key, location where) const {
    return detail::collective_awaitable<detail::split_collective, rank>(
        communicator(), id_, detail::split_contribution(color, key), where);
}
inline awaitable<std::optional<rank>> auto rank::split(std::optional<std::size_t> color, std::int64_t key,
                                                       location where) const {
    return detail::collective_awaitable<detail::split_collective, std::optional<rank>>(
        communicator(), id_, detail::split_contribution(color, key), where);
}

} // namespace spmd
