#include <spmd/detail/views/slices.hpp>

#include <spmd/detail/base/describe.hpp>

#include <stdexcept>
#include <string>

namespace spmd::detail {

void throw_not_all_dealt(std::size_t dealt, std::size_t items, std::size_t ranks) {
    throw std::invalid_argument("the partition rule deals " + std::to_string(dealt) + " items to " +
                                std::to_string(ranks) + " ranks, not " + std::to_string(items));
}

void throw_dealt_badly(std::size_t item, std::size_t items) {
    throw std::invalid_argument("the partition rule deals " +
                                (item < items
                                     ? "item " + std::to_string(item) + " twice"
                                     : "an item that does not exist: " + not_below("item", item, items)));
}

std::vector<placed_range> place_items(const piece_owner& owner, std::span<const std::size_t> first,
                                      const pool_topology& topology) {
    if (topology.arenas.size() == 1) return {{0, {0, first.back()}}};
    std::vector<placed_range> shares;
    for (std::size_t id = 0; id < owner.ranks(); ++id) {
        if (first[id] == first[id + 1]) continue;
        const std::size_t arena = topology.arena_of(owner.engine_of(id));
        if (shares.empty() || shares.back().arena != arena) shares.push_back({arena, {first[id], first[id]}});
        shares.back().indices.last = first[id + 1];
    }
    return shares;
}

} // namespace spmd::detail
