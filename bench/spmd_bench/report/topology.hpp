#pragma once

#include "spmd_bench/options/options.hpp"

#include <spmd/machine.hpp>
#include <spmd/placement.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace spmd_bench {

/// The machine, and the placement of a pool on it.
struct topology_report {
    std::string cpu;
    std::vector<int> cpus;           ///< on which this process may run, ascending
    std::optional<double> cpu_quota; ///< in CPUs; nothing: no limit
    std::size_t available_threads = 0;
    spmd::machine_topology machine;
    spmd::pool_topology pool;
    options request;
};

/// "0-3,8,10-11", as in Linux's lists of CPUs. Requires: ascending.
std::string text_of_cpus(const std::vector<int>& cpus);

/// A table, or JSON where the options say so; ends with a newline. In JSON, null stands for unknown values
/// and for arenas without a binding.
std::string render(const topology_report& what);

} // namespace spmd_bench
