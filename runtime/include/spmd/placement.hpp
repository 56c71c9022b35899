#pragma once

#include <spmd/partition.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace spmd {

/// Which arenas a pool's ranks are dealt to.
enum class placement {
    compact,       ///< one arena
    per_numa_node, ///< one arena per NUMA node
    per_core_type, ///< one arena per kind of core (performance, efficiency)
};

/// One arena of a pool: its threads, the ranks that run there, and what it is bound to.
struct arena_place {
    std::size_t threads = 1;
    index_range ranks;
    int numa_node = -1; ///< -1: any
    int core_type = -1; ///< -1: any
};

/// The placement that a pool asked for and the one it got.
struct pool_topology {
    placement asked = placement::compact;
    placement got = placement::compact;
    std::string reason;              ///< what of `asked` is not there; empty where `got` is the same
    std::vector<arena_place> arenas; ///< their ranks are contiguous and ascending

    /// The threads of all arenas together.
    std::size_t threads() const noexcept;
    /// The index of the arena in which `rank` runs. Throws: `std::invalid_argument` naming the rank when
    /// no arena has it. Complexity: O(log(arenas)).
    std::size_t arena_of(std::size_t rank) const;
};

/// Deals ranks 0 … ranks-1 to arenas in contiguous blocks in proportion to the arenas' threads; block i
/// is for arena i. The end of block i is ranks · (threads of arenas 0 … i) / (threads of all), rounded
/// up. Hence every arena gets its exact share rounded down or up: arenas with equally many threads get
/// equal shares to within one rank, also when there are fewer ranks than arenas; no arena gets more
/// ranks than threads while ranks <= all threads; an arena without threads gets none; a single rank
/// goes to the first arena that has threads.
/// Throws: `std::invalid_argument` when no arena has a thread.
std::vector<index_range> deal_ranks(std::size_t ranks, std::span<const std::size_t> threads_per_arena);

} // namespace spmd
