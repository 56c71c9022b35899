#pragma once

#include <spmd/index_range.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace spmd {

/// The arenas that a pool's ranks are dealt to.
enum class placement {
    compact,       ///< one arena
    per_numa_node, ///< one arena per NUMA node
    per_core_type, ///< one arena per kind of core (performance, efficiency)
};

/// One arena of a pool: its threads, its ranks, and the hardware that it is bound to.
struct arena_place {
    std::size_t threads = 1;
    index_range ranks;
    int numa_node = -1; ///< -1: any
    int core_type = -1; ///< -1: any
};

/// The requested placement of a pool, the actual one, and the arenas.
struct pool_topology {
    placement requested = placement::compact;
    placement got = placement::compact;
    std::string reason;              ///< why `got` differs from `requested`; empty where it does not
    std::vector<arena_place> arenas; ///< with contiguous and ascending ranks

    /// Total number of threads.
    std::size_t threads() const noexcept;
    /// Index of the arena in which `rank` runs. Throws: std::invalid_argument naming the rank if no arena has
    /// it.
    /// Complexity: O(log(arenas)).
    std::size_t arena_of(std::size_t rank) const;
};

/// Deals ranks 0 … ranks-1 to arenas in contiguous blocks, block i to arena i, in proportion to their
/// threads. Block i ends at ranks · (threads of arenas 0 … i) / (all threads), rounded up. Hence every arena
/// gets its exact share rounded down or up: arenas with equally many threads get equal shares to within one
/// rank, even with fewer ranks than arenas; no arena gets more ranks than threads while ranks <= all threads;
/// an arena without threads gets none; a single rank is dealt to the first arena that has threads.
/// Throws: std::invalid_argument if no arena has a thread.
std::vector<index_range> deal_ranks(std::size_t ranks, std::span<const std::size_t> threads_per_arena);

} // namespace spmd
