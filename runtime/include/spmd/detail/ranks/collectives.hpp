#pragma once

#include <spmd/detail/ranks/exchange.hpp>
#include <spmd/detail/ranks/messages.hpp>
#include <spmd/detail/ranks/reduce_scatter.hpp>
#include <spmd/detail/ranks/reductions.hpp>
#include <spmd/detail/ranks/split.hpp>
#include <spmd/detail/ranks/value_collectives.hpp>
#include <spmd/detail/ranks/yield.hpp>
#include <spmd/pending.hpp>
#include <spmd/rank.hpp>
#include <spmd/waits.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <ranges>
#include <utility>
#include <vector>

/// Definitions behind the operations of a rank, for those who call them (rank_operations.hpp).
namespace spmd {

template <class Collective, class... Contribution>
auto rank::meet(const location& where, Contribution&&... contribution) const {
    return detail::collective_awaitable<Collective>(
        communicator(), id_, typename Collective::contribution(std::forward<Contribution>(contribution)...),
        where);
}

inline awaitable<void> auto rank::barrier(location where) const {
    return meet<detail::barrier_collective>(where);
}
inline awaitable<std::chrono::steady_clock::time_point> auto rank::clock(location where) const {
    return meet<detail::clock_collective>(where);
}
template <std::copy_constructible T>
awaitable<T> auto rank::broadcast(T value, std::size_t root, location where) const {
    return meet<detail::broadcast_collective<T>>(where, std::move(value), below_size(root));
}
template <std::copy_constructible T>
    requires std::default_initializable<T>
awaitable<T> auto rank::broadcast_from(std::size_t root, location where) const {
    detail::require_not_root(id_, root);
    return broadcast(T(), root, where);
}
template <class T, class Op>
awaitable<std::optional<reduced<T, Op>>> auto rank::reduce(T value, Op op, std::size_t root,
                                                           location where) const {
    return meet<detail::reduce_collective<reduced<T, Op>, Op>>(where, contributed<Op>(value), std::move(op),
                                                               below_size(root));
}
template <std::copy_constructible T, class Op>
awaitable<reduced<T, Op>> auto rank::all_reduce(T value, Op op, location where) const {
    return meet<detail::all_reduce_collective<reduced<T, Op>, Op>>(where, contributed<Op>(value),
                                                                   std::move(op));
}
template <class T, class Op>
awaitable<reduced<T, Op>> auto rank::reduce_scatter(std::vector<T> values, Op op, location where) const {
    return meet<detail::reduce_scatter_collective<reduced<T, Op>, Op>>(
        where, detail::each_contributed<T, Op>(std::move(values), id_),
        detail::scattered_operation<reduced<T, Op>, Op>(std::move(op)));
}
template <std::copy_constructible T, class Op>
awaitable<reduced<T, Op>> auto rank::scan(T value, Op op, location where) const {
    return meet<detail::scan_collective<reduced<T, Op>, Op>>(where, contributed<Op>(value), std::move(op));
}
template <std::copy_constructible T, class Op>
awaitable<reduced<T, Op>> auto rank::exclusive_scan(T value, Op op, reduced<T, Op> first,
                                                    location where) const {
    return meet<detail::exclusive_scan_collective<reduced<T, Op>, Op>>(where, contributed<Op>(value),
                                                                       std::move(op), std::move(first));
}
template <class T>
awaitable<results<T>> auto rank::gather(T value, std::size_t root, location where) const {
    return meet<detail::gather_collective<T>>(where, std::move(value), below_size(root));
}
template <class T>
awaitable<shared_values<T>> auto rank::all_gather(T value, location where) const {
    return meet<detail::all_gather_collective<T>>(where, std::move(value));
}
template <concatenable Part>
awaitable<flat<Part>> auto rank::concat(Part part, std::size_t root, location where) const {
    return meet<detail::concat_collective<Part>>(where, std::move(part), below_size(root));
}
template <concatenable Part>
awaitable<shared_values<std::ranges::range_value_t<Part>>> auto rank::all_concat(Part part,
                                                                                 location where) const {
    return meet<detail::all_concat_collective<Part>>(where, std::move(part));
}
template <class T>
awaitable<T> auto rank::scatter(std::vector<T> values, std::size_t root, location where) const {
    return meet<detail::scatter_collective<T>>(where, std::move(values), below_size(root));
}
template <class T>
awaitable<T> auto rank::scatter_from(std::size_t root, location where) const {
    detail::require_not_root(id_, root);
    return scatter(std::vector<T>(), root, where);
}
template <class T>
awaitable<std::vector<T>> auto rank::all_to_all(std::vector<T> values, location where) const {
    return meet<detail::all_to_all_collective<T>>(where, std::move(values));
}
template <class T>
awaitable<std::vector<std::pair<std::size_t, T>>> auto
rank::exchange(std::vector<std::pair<std::size_t, T>> outgoing, location where) const {
    for (const auto& [receiver, value] : outgoing) below_size(receiver);
    return meet<detail::exchange_collective<T>>(where, std::move(outgoing));
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
