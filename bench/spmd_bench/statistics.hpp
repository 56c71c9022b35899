#pragma once

#include <span>

namespace spmd_bench {

/// The value in the middle; of an even number of values, the mean of the two. Every statistic of nothing is 0.
double median(std::span<const double> values);

/// The median absolute deviation from the median, not scaled: half of the values are within it.
double median_absolute_deviation(std::span<const double> values);

/// The least value.
double minimum(std::span<const double> values);

/// Two bounds. Invariant "forward": low <= high.
struct bounds {
    double low = 0;
    double high = 0;
};

/// Bounds that hold the median of what the values are drawn from with a probability of at least 95 %, whatever
/// their distribution; of fewer than 6 values no bounds do, and these are the least and the largest. Source:
/// the order statistics whose ranks cut off at most 2.5 % of the binomial distribution (n, 1/2) on each side.
bounds median_bounds(std::span<const double> values);

/// The least number of values of which median_bounds keeps its promise.
inline constexpr int fewest_for_bounds = 6;

} // namespace spmd_bench
