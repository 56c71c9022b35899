#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <vector>

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

} // namespace spmd
