#pragma once

#include <spmd/timing.hpp>

#include <cstddef>
#include <span>
#include <string_view>

namespace spmd_bench {

/// Where the time of all threads goes in one run of spmd, from its start until its results are there. The parts add
/// up to `total_ns`, unless the items took less time than in the plain loop.
struct time_parts {
    double total_ns = 0;      ///< the run's time, times the threads
    double items_ns = 0;      ///< what the items take in a plain loop
    double slower_ns = 0;     ///< what they take beyond that when they run at once: memory or I/O
    double imbalance_ns = 0;  ///< threads that wait for the last rank, or for which there is no rank
    double scheduling_ns = 0; ///< all else: to launch the ranks, to wake threads, to collect the results
};

/// The parts of a run of `wall_ns` on so many threads, whose ranks ran in these intervals.
time_parts parts_of_run(std::span<const spmd::interval> ranks, std::size_t threads, double wall_ns,
                        double serial_ns);

/// The part that takes most beside the items: "memory or I/O", "imbalance" or "scheduling"; "nothing" where the
/// items have at least nine tenths.
std::string_view limit_of(const time_parts& parts);

/// How much of the total that limit takes: 0 to 1.
double share_of_limit(const time_parts& parts);

} // namespace spmd_bench
