#pragma once

#include <spmd/detail/launch/launcher.hpp>
#include <spmd/machine.hpp>
#include <spmd/placement.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace spmd::detail {

struct pool_state;
class trace_log;

/// Some ranks of a pool, in the order of their ids. Sharing a group shares its pool.
struct group {
    std::size_t size = 0;
    std::vector<std::size_t> engines; ///< of each id; empty: id and engine are the same
    std::vector<placed_range> shares; ///< the ids, each in its engine's arena
    const pool_state* pool = nullptr;
    std::shared_ptr<const group> owner; ///< keeps the pool; null for the group of all ranks, which is in it
};

/// State of a pool. Results in flight share its ownership, so it outlives them.
struct pool_state {
    std::unique_ptr<launcher> launch;
    pool_topology topology; ///< the launcher's, with the ranks dealt
    std::size_t threads = 1;
    group everyone;
    std::shared_ptr<trace_log> trace; ///< null where nothing is recorded
    std::string name;                 ///< in traces and debuggers; may be empty
};

/// `count` indices dealt to the arenas in proportion to their threads.
std::vector<placed_range> deal(std::size_t count, const pool_topology& topology);

} // namespace spmd::detail
