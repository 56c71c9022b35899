#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace spmd {

/// Returns the CPUs in the calling thread's affinity mask, ascending and never empty: 0 …
/// std::thread::hardware_concurrency() - 1 if the system does not report a mask.
/// Thread safety: any thread may call it; threads with different masks get different answers.
std::vector<int> allowed_cpus();

/// Returns the CPU time per unit of time that the control groups of this process allow, in CPUs (1.5 is one
/// CPU and a half), or nothing if no group sets a limit.
///
/// Reads `proc/self/cgroup` and `proc/self/mountinfo` below `root`, then, from the group of the process up to
/// the top of the mounted hierarchy, `cpu.max` (version 2) and `cpu.cfs_quota_us` with `cpu.cfs_period_us`
/// (version 1); the smallest limit counts. If the group of the process lies outside of the mounted hierarchy,
/// as in some containers, the mount point's own group is read instead. A missing or malformed file sets no
/// limit.
///
/// Format: proc(5), cgroup_namespaces(7), the kernel's admin-guide/cgroup-v2 and scheduler/sched-bwc.
std::optional<double> cgroup_cpu_quota(const std::string& root = "/");

/// Returns the number of threads that can run at once, at least 1: the number of allowed CPUs, or the CPU
/// quota rounded up if that is less. `root` is passed to cgroup_cpu_quota().
std::size_t available_threads(const std::string& root = "/");

/// Upper bound on the threads of an engine pool.
inline constexpr std::size_t most_threads = 4096;

/// A NUMA node or core type: its number, and the threads that can run there at once.
struct machine_part {
    int id = 0;
    std::size_t threads = 0;
};

/// The parts of the machine that this process may use. The lists are empty if oneTBB lacks its libtbbbind,
/// and cannot report them.
struct machine_topology {
    std::vector<machine_part> numa_nodes;
    std::vector<machine_part> core_types;
};

/// Returns the topology of this machine.
/// Complexity: the first call of a process may take some ms. Thread safety: any thread may call it.
machine_topology this_machine();

} // namespace spmd
