#pragma once

#include "spmd_bench/options/names.hpp"

#include <spmd/timing.hpp>

#include <array>
#include <cstddef>
#include <span>

namespace spmd_bench {

/// The time of all threads in one run of spmd, from its start until its results are collected, in parts. They
/// add up to `total_ns`, unless the items took less time than in the plain loop.
struct time_parts {
    double total_ns = 0;      ///< the time of the run, times the threads
    double items_ns = 0;      ///< the items in a plain loop
    double slower_ns = 0;     ///< their excess over that when they run concurrently: memory or I/O
    double imbalance_ns = 0;  ///< threads that wait for the last rank, or that have no rank
    double scheduling_ns = 0; ///< the rest: launching ranks, waking threads, collecting results
};

/// The parts of a run of `wall_ns` on this many threads, whose ranks ran in these intervals.
time_parts parts_of_run(std::span<const spmd::interval> ranks, std::size_t threads, double wall_ns,
                        double serial_ns);

/// The largest part beside the items; nothing where the items have at least nine tenths of the time.
enum class limit { nothing, memory_or_io, imbalance, scheduling };

template <>
inline constexpr std::array names<limit>{
    named{"nothing", limit::nothing}, named{"memory or I/O", limit::memory_or_io},
    named{"imbalance", limit::imbalance}, named{"scheduling", limit::scheduling}};

limit limit_of(const time_parts& parts);

/// The share of the total that the largest part beside the items takes: 0 to 1.
double share_of_limit(const time_parts& parts);

} // namespace spmd_bench
