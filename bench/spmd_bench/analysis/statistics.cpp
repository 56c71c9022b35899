#include "spmd_bench/analysis/statistics.hpp"

#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

namespace spmd_bench {
namespace {

constexpr std::size_t resamples = 2'000;
constexpr double tail = 0.025;
constexpr double normal_mad = 0.6745; // the MAD of the standard normal distribution
constexpr double far_out = 3.5;
constexpr double clear_trend = 3;

/// The median; reorders the values.
double median_in_place(std::vector<double>& values) {
    if (values.empty()) return 0;
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::ranges::nth_element(values, middle);
    if (values.size() % 2 == 1) return *middle;
    const double below = *std::max_element(values.begin(), middle);
    return below == *middle ? below : (below + *middle) / 2; // equal infinities have no mean
}

/// The excess of ascending over descending pairs of values, in standard deviations for values without a
/// trend. Source: Mann, Nonparametric Tests Against Trend (1945).
double trend(std::span<const double> values) {
    double ascending = 0;
    for (std::size_t i = 0; i < values.size(); ++i)
        for (std::size_t j = i + 1; j < values.size(); ++j)
            ascending +=
                static_cast<double>(values[j] > values[i]) - static_cast<double>(values[j] < values[i]);
    const auto n = static_cast<double>(values.size());
    return ascending / std::sqrt(n * (n - 1) * (2 * n + 5) / 18);
}

/// The share of resamples beyond each bound: a little less than 2.5 %, as percentiles of few rounds are too
/// narrow by the ratio of the normal quantile to Student's, and of n - 1 to n.
double expanded_tail(std::size_t rounds) {
    const auto n = static_cast<double>(rounds);
    const double quantile = boost::math::quantile(boost::math::students_t(n - 1), tail);
    return boost::math::cdf(boost::math::normal(), std::sqrt(n / (n - 1)) * quantile);
}

} // namespace

double median(std::span<const double> values) {
    std::vector<double> copy(values.begin(), values.end());
    return median_in_place(copy);
}

double median_absolute_deviation(std::span<const double> values) {
    const double middle = median(values);
    std::vector<double> deviations;
    deviations.reserve(values.size());
    for (const double value : values) deviations.push_back(std::abs(value - middle));
    return median_in_place(deviations);
}

double minimum(std::span<const double> values) {
    return values.empty() ? 0 : *std::ranges::min_element(values);
}

std::size_t count_outliers(std::span<const double> values) {
    const double middle = median(values);
    const double mad = median_absolute_deviation(values);
    if (mad == 0) return 0; // more than half are equal: the others cannot be scaled
    return static_cast<std::size_t>(std::ranges::count_if(
        values, [&](double value) { return normal_mad * std::abs(value - middle) > far_out * mad; }));
}

double drift(std::span<const double> values) {
    const std::size_t third = values.size() / 3;
    const double middle = median(values);
    if (third == 0 || middle == 0 || std::abs(trend(values)) < clear_trend) return 0;
    return (median(values.last(third)) - median(values.first(third))) / middle;
}

interval_estimate bootstrap(std::size_t rounds, const std::function<double(resample)>& statistic,
                            std::uint64_t seed) {
    if (rounds == 0) return {};
    std::vector<std::size_t> drawn(rounds);
    std::iota(drawn.begin(), drawn.end(), std::size_t{0});
    const double value = statistic(drawn);
    if (rounds < 2) return {value, value, value};
    std::mt19937_64 draw(seed);
    std::uniform_int_distribution<std::size_t> any_round(0, rounds - 1);
    std::vector<double> values(resamples);
    for (double& each : values) {
        for (std::size_t& round : drawn) round = any_round(draw);
        each = statistic(drawn);
    }
    std::ranges::sort(values);
    const auto cut = static_cast<std::size_t>(static_cast<double>(resamples) * expanded_tail(rounds));
    // With few rounds the value may be outside of the percentiles; the bounds include it.
    return {value, std::min(value, values[cut]), std::max(value, values[resamples - 1 - cut])};
}

interval_estimate median_estimate(std::span<const double> values, std::uint64_t seed) {
    return bootstrap(values.size(), [values](resample rounds) { return median_of(values, rounds); }, seed);
}

bool surely_below(std::span<const double> values, double bound, std::size_t claims) {
    const auto below = std::ranges::count_if(values, [&](double value) { return value < bound; });
    const auto above = std::ranges::count_if(values, [&](double value) { return value > bound; });
    if (below <= above) return false;
    // Ties are ignored: Dixon and Mood, The Statistical Sign Test (1946).
    const boost::math::binomial coins(static_cast<double>(below + above), 0.5);
    return boost::math::cdf(complement(coins, static_cast<double>(below - 1))) <=
           tail / static_cast<double>(claims);
}

double median_of(std::span<const double> values, resample rounds) {
    std::vector<double> taken;
    taken.reserve(rounds.size());
    for (const std::size_t round : rounds) taken.push_back(values[round]);
    return median_in_place(taken);
}

} // namespace spmd_bench
