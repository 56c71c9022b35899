#pragma once

#include "spmd_bench/analysis/measurement.hpp"
#include "spmd_bench/options/measurement_options.hpp"
#include "spmd_bench/run/ways.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace spmd_bench {

/// The results of a way differ from those of the serial loop. The message names the way, the round, and the
/// first item.
class result_difference : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Ways that are compared with each other.
using way_group = std::vector<std::unique_ptr<way>>;

/// Progress, in runs of ways; warm-up runs are not counted.
struct measure_progress {
    std::size_t done = 0;
    std::size_t total = 0;
    std::size_t round = 0;           ///< from 1; 0: before the first
    way_kind way = way_kind::serial; ///< the next one to run
};

/// The first difference, in words: "item 17 of 500 is X, not Y"; empty where the results are equal.
std::string difference(const results_view& expected, const results_view& found);

/// Measures every way of every group once per round. Every round draws a new order of the groups, and of the
/// ways in each, so that a disturbance of the machine affects all alike, and most alike the ways of one
/// group, which run consecutively. Before the first round each way runs until its times are stable, or for a
/// while. Each result is compared with the serial one. With a warm-up of 0 only the measured runs take place:
/// a way then finds its threads asleep and the caches full of the others' data. `report` is called before
/// each way's runs, outside of the measured time.
/// Returns the measurements in the order of the groups and the ways. Throws: result_difference; exceptions of
/// the ways.
std::vector<std::vector<measurement>>
measure(std::span<const way_group> groups, const measurement_options& options,
        const std::function<void(const measure_progress&)>& report = {});

/// The cost of measuring: the median time between two consecutive readings of the clock.
double clock_overhead_ns();

} // namespace spmd_bench
