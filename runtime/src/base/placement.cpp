#include <spmd/placement.hpp>

#include <spmd/partition.hpp>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <stdexcept>
#include <string>

namespace spmd {

std::size_t pool_topology::threads() const noexcept {
    return std::accumulate(arenas.begin(), arenas.end(), std::size_t{0},
                           [](std::size_t sum, const arena_place& arena) { return sum + arena.threads; });
}

std::size_t pool_topology::arena_of(std::size_t rank) const {
    const auto arena = std::ranges::partition_point(
        arenas, [rank](const arena_place& place) { return place.ranks.last <= rank; });
    if (arena == arenas.end()) {
        throw std::invalid_argument("rank " + std::to_string(rank) + " is in none of the pool's " +
                                    std::to_string(arenas.size()) + " arenas");
    }
    return static_cast<std::size_t>(arena - arenas.begin());
}

std::vector<index_range> deal_ranks(std::size_t ranks, std::span<const std::size_t> threads_per_arena) {
    using detail::wide_unsigned;
    const wide_unsigned all =
        std::accumulate(threads_per_arena.begin(), threads_per_arena.end(), wide_unsigned{0});
    if (all == 0) {
        throw std::invalid_argument("cannot deal " + std::to_string(ranks) + " ranks to " +
                                    std::to_string(threads_per_arena.size()) + " arenas without a thread");
    }
    std::vector<index_range> blocks;
    blocks.reserve(threads_per_arena.size());
    wide_unsigned threads = 0;
    std::size_t begin = 0;
    for (const std::size_t here : threads_per_arena) {
        threads += here;
        const auto end = static_cast<std::size_t>((ranks * threads + all - 1) / all);
        blocks.push_back({begin, end});
        begin = end;
    }
    return blocks;
}

} // namespace spmd
