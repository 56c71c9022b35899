#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace spmd_bench {

/// The value in the middle; of an even number of values, the mean of the two. Every statistic of nothing is 0.
double median(std::span<const double> values);

/// The median absolute deviation from the median, not scaled: half of the values are within it.
double median_absolute_deviation(std::span<const double> values);

/// The least value.
double minimum(std::span<const double> values);

/// How many values have a modified z-score, 0.6745 (value - median) / MAD, beyond 3.5. Source: Iglewicz and Hoaglin,
/// How to Detect and Handle Outliers (1993); the NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.5.17.
std::size_t count_outliers(std::span<const double> values);

/// How much the median of the last third of the values is above that of the first third, over the median of all. 0 where
/// the values show no trend: the test of Mann and Kendall, at three standard deviations.
double drift(std::span<const double> values);

/// A figure, and bounds between which its true value is with a confidence of 95 %. Invariant "forward": low <= high.
struct interval_estimate {
    double value = 0;
    double low = 0;
    double high = 0;

    bool holds(double other) const noexcept { return low <= other && other <= high; }
    bool operator==(const interval_estimate&) const = default;
};

/// The rounds that a resample consists of: as many as there are, each drawn from all of them.
using resample = std::span<const std::size_t>;

/// A statistic of the rounds 0 … rounds-1, and bounds for it by bootstrap: the percentiles of the statistic of 2,000
/// resamples, "expanded" for few rounds as in Hesterberg, What Teachers Should Know About the Bootstrap (2015), 3.3.
/// The statistic may be infinite, not NaN. The same seed gives the same bounds. Fewer than 2 rounds have no bounds:
/// they are the value.
interval_estimate bootstrap(std::size_t rounds, const std::function<double(resample)>& statistic,
                            std::uint64_t seed = 1);

/// The median, and its bounds by bootstrap.
interval_estimate median_estimate(std::span<const double> values, std::uint64_t seed = 1);

/// The median of the values of a resample.
double median_of(std::span<const double> values, resample rounds);

/// Whether the median of what the values are drawn from is below a bound, for sure, where `claims` such claims are made at a
/// time: with a confidence of 97.5 % in all of them, 95 % where the median may also be above. The sign test.
bool surely_below(std::span<const double> values, double bound, std::size_t claims);

/// The least number of rounds for which the bounds are worth their name.
inline constexpr std::size_t fewest_rounds = 6;

} // namespace spmd_bench
