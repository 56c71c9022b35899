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

/// A way gave other results than the serial loop. The message names the way, the repetition, and the first item.
class result_difference : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct measurement_options {
    std::size_t repetitions = 51;
    std::size_t warmup = 1; ///< runs of a way right before each measured one, which are compared too
    std::uint64_t seed = 1; ///< of the order of the ways
};

/// What one way took.
struct measurement {
    std::string way;
    std::optional<std::size_t> submissions;
    std::vector<double> nanoseconds; ///< by repetition
};

/// How far the measurements are.
struct measure_progress {
    std::size_t repetition = 0; ///< from 0
    std::size_t ways_done = 0;  ///< in it
    std::size_t ways = 0;       ///< in each
    std::string way;            ///< the one that comes next
};

/// Where the results first differ, in words: "item 17 of 500 is X, not Y"; empty where they are equal.
std::string difference(const results_view& expected, const results_view& found);

/// Measures every way once per repetition, in an order that is drawn anew for each, so that what disturbs the
/// machine disturbs all alike. Each result is compared with the serial one. Gives the measurements in the ways'
/// order. `tell` is called before each way's runs, and not measured. With a warm-up of 0 a way finds its threads asleep and the caches full of the others' work.
/// Throws: result_difference; what the ways throw.
std::vector<measurement> measure(std::span<const std::unique_ptr<way>> ways,
                                 const measurement_options& options,
                                 const std::function<void(const measure_progress&)>& tell = {});

} // namespace spmd_bench
