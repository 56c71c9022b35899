#pragma once

#include <spmd/partition.hpp>

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

/// What the machine gives this process, and how a pool is placed on it.
namespace spmd {

/// The CPUs that the calling thread may run on, ascending: its affinity mask, of whatever length. When
/// the system does not tell, 0 … `std::thread::hardware_concurrency()` - 1; never empty.
/// Thread safety: any thread may call it; threads with different masks get different answers.
std::vector<int> allowed_cpus();

/// The CPU time per time that the control groups of this process allow, in CPUs (1.5 is three halves
/// of one CPU); nothing where no group sets a limit.
///
/// Reads `proc/self/cgroup` and `proc/self/mountinfo` below `root`, then, from the group of the
/// process up to the top of the mounted hierarchy, `cpu.max` (version 2) and `cpu.cfs_quota_us` with
/// `cpu.cfs_period_us` (version 1); the smallest limit found in either counts. Where the group of the
/// process lies outside of what is mounted, as in some containers, the mount point's own group stands
/// in for it. A file that is missing or malformed sets no limit.
///
/// Format: proc(5), cgroup_namespaces(7), the kernel's admin-guide/cgroup-v2 and scheduler/sched-bwc.
std::optional<double> cgroup_cpu_quota(const std::filesystem::path& root = "/");

/// How many threads can run at once here, at least 1: the number of allowed CPUs, or the CPU quota
/// rounded up where that is less. `root` is that of `cgroup_cpu_quota`.
std::size_t available_threads(const std::filesystem::path& root = "/");

/// A NUMA node or a kind of core, by its number, and how many threads can run there at once.
struct machine_part {
    int id = 0;
    std::size_t threads = 0;
};

/// What a machine is made of, as far as this process may use it. Empty lists: oneTBB cannot tell, for want of its
/// libtbbbind.
struct machine_topology {
    std::vector<machine_part> numa_nodes;
    std::vector<machine_part> core_types;
};

/// Complexity: the first call of a process may take some ms. Thread safety: any thread may call it.
machine_topology this_machine();

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
