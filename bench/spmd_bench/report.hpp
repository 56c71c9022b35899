#pragma once

#include "measurement.hpp"
#include "options.hpp"
#include "statistics.hpp"

#include <spmd/topology.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace spmd_bench {

/// One way's times over another's: the median of the ratios within each repetition, and median_bounds of them.
struct time_ratio {
    double value = 0;
    bounds likely;
};

/// What a report says of one way. Rates are those at the median time, and 0 where that is 0.
struct way_summary {
    std::string way;
    std::vector<double> nanoseconds; ///< by repetition
    double median_ns = 0;
    double mad_ns = 0;
    double min_ns = 0;
    double items_per_second = 0;
    double bytes_per_second = 0;
    std::optional<std::size_t> submissions; ///< nothing: known to the pool alone, when it runs
    std::optional<time_ratio> to_map;       ///< nothing: `map` was not measured
    std::optional<time_ratio> to_read;      ///< nothing: `read` was not measured
};

/// All that a report says, in whatever format.
struct report {
    std::string cpu;
    std::size_t available_threads = 0;
    spmd::pool_topology pool;
    options asked;
    std::string workload; ///< in words
    std::size_t items = 0;
    std::uint64_t bytes = 0;
    std::vector<way_summary> ways = {};
};

/// What the measurements say, in their order, for runs of so many items and bytes.
std::vector<way_summary> summarise(std::span<const measurement> measured, std::size_t items,
                                   std::uint64_t bytes);

/// The way of this name; null where it was not measured.
const way_summary* find_way(std::span<const way_summary> ways, std::string_view name);

/// One sentence: how spmd's time compares with map's, if both were measured; else which way was the fastest. It
/// claims a difference only where the bounds of the ratio leave 1 out.
std::string conclusion(std::span<const way_summary> ways);

} // namespace spmd_bench
