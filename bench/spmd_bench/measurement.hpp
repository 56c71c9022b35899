#pragma once

#include "ways.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace spmd_bench {

/// A way gave other results than the serial loop. The message names the way, the round, and the first item.
class result_difference : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct measurement_options {
    std::size_t repetitions = 51;
    std::size_t warmup =
        1; ///< runs of a way right before each measured one, which are compared too; 0: start cold
    std::uint64_t seed = 1; ///< of the order of the ways
};

/// What one way took.
struct measurement {
    std::string way;
    std::optional<std::size_t> submissions;
    std::vector<double> nanoseconds; ///< by round
    bool settled = true;             ///< its times were stable before the first round
    std::vector<double>
        pace_ns{}; ///< by round, what a fixed loop took right before: how fast the machine was
};

/// The ways that are compared with each other.
using way_group = std::vector<std::unique_ptr<way>>;

/// How far the measurements are: so many of all runs, warm-up runs not counted.
struct measure_progress {
    std::size_t done = 0;
    std::size_t total = 0;
    std::size_t round = 0; ///< from 1; 0: before the first
    std::string way;       ///< the one that comes next
};

/// Where the results first differ, in words: "item 17 of 500 is X, not Y"; empty where they are equal.
std::string difference(const results_view& expected, const results_view& found);

/// Measures every way of every group once per round. The order of the groups, and of the ways in each, is drawn anew for
/// every round: what disturbs the machine disturbs all alike, and most alike those of one group, which follow each other.
/// Before the first round each way is run until its times are stable, or for a while. Each result is compared with the
/// serial one. With a warm-up of 0 there are no runs but the measured ones: a way finds its threads asleep and the caches
/// full of the others' work. `tell` is called before each way's runs, and not measured.
/// Gives the measurements in the groups' and the ways' order. Throws: result_difference; what the ways throw.
std::vector<std::vector<measurement>> measure(std::span<const way_group> groups,
                                              const measurement_options& options,
                                              const std::function<void(const measure_progress&)>& tell = {});

/// What a measurement of nothing takes: the median time between two readings of the clock that follow each other.
double clock_overhead_ns();

} // namespace spmd_bench
