#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace spmd_bench {

/// The median; the mean of the two middle values of an even number. Every statistic of nothing is 0.
double median(std::span<const double> values);

/// The median absolute deviation from the median, unscaled: half of the values are within it.
double median_absolute_deviation(std::span<const double> values);

/// The least value.
double minimum(std::span<const double> values);

/// Counts values whose modified z-score, 0.6745 (value - median) / MAD, is beyond 3.5. Source: Iglewicz and
/// Hoaglin, How to Detect and Handle Outliers (1993); the NIST/SEMATECH e-Handbook of Statistical Methods,
/// 1.3.5.17.
std::size_t count_outliers(std::span<const double> values);

/// The median of the last third of the values minus that of the first third, over the median of all. 0 for
/// values without a trend, by the test of Mann and Kendall at three standard deviations.
double drift(std::span<const double> values);

/// A value with bounds of 95 % confidence. Invariant "forward": low <= high.
struct interval_estimate {
    double value = 0;
    double low = 0;
    double high = 0;

    bool holds(double other) const noexcept { return low <= other && other <= high; }
    bool operator==(const interval_estimate&) const = default;
};

/// The rounds of a resample: as many as there are, drawn with replacement.
using resample = std::span<const std::size_t>;

/// A statistic of the rounds 0 … rounds-1 with bounds by bootstrap: percentiles over 2,000 resamples,
/// "expanded" for few rounds as in Hesterberg, What Teachers Should Know About the Bootstrap (2015), 3.3. The
/// statistic may be infinite, but not NaN. Equal seeds give equal bounds. With fewer than 2 rounds the bounds
/// are the value.
interval_estimate bootstrap(std::size_t rounds, const std::function<double(resample)>& statistic,
                            std::uint64_t seed = 1);

/// The median with bounds by bootstrap.
interval_estimate median_estimate(std::span<const double> values, std::uint64_t seed = 1);

/// The median of the values of a resample.
double median_of(std::span<const double> values, resample rounds);

/// The median of the distribution is surely below a bound, by the sign test. `claims`: the number of such
/// claims that hold together with a confidence of 97.5 % (95 % where the median may also be above).
bool surely_below(std::span<const double> values, double bound, std::size_t claims);

/// The least number of rounds with reliable bounds.
inline constexpr std::size_t fewest_rounds = 6;

} // namespace spmd_bench
