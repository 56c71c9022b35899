#pragma once

#include "options.hpp"

#include <spmd/machine.hpp>
#include <spmd/placement.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace spmd_bench {

/// What the machine gives, and what a pool made of it.
struct topology_report {
    std::string cpu;
    std::vector<int> cpus;           ///< that this process may run on, ascending
    std::optional<double> cpu_quota; ///< in CPUs; nothing: no limit
    std::size_t available_threads = 0;
    spmd::machine_topology machine;
    spmd::pool_topology pool;
    options asked;
};

/// "0-3,8,10-11", as in Linux's lists of CPUs. Requires: ascending.
std::string text_of_cpus(const std::vector<int>& cpus);

/// As a table, or in JSON where the options ask for that; ends with a newline. In JSON, null is what is not known and
/// an arena that is bound to no node or type.
std::string render(const topology_report& what);

} // namespace spmd_bench
