#include "statistics.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

namespace spmd_bench {
namespace {

std::vector<double> sorted(std::span<const double> values) {
    std::vector<double> copy(values.begin(), values.end());
    std::ranges::sort(copy);
    return copy;
}

/// The largest k such that fewer than k of n fair coins show heads with a probability of at most 2.5 %.
std::size_t cut_off(std::size_t n) {
    const auto coins = static_cast<double>(n);
    // By logarithms, as 2^-n is 0 for a double from n = 1,075 on.
    double log_probability = -coins * std::numbers::ln2;
    double below = 0;
    for (std::size_t k = 0; k < n; ++k) {
        below += std::exp(log_probability);
        if (below > 0.025) return k;
        log_probability += std::log((coins - static_cast<double>(k)) / static_cast<double>(k + 1));
    }
    return 0;
}

} // namespace

double median(std::span<const double> values) {
    if (values.empty()) return 0;
    const std::vector<double> ascending = sorted(values);
    const std::size_t middle = ascending.size() / 2;
    if (ascending.size() % 2 == 1) return ascending[middle];
    return (ascending[middle - 1] + ascending[middle]) / 2;
}

double median_absolute_deviation(std::span<const double> values) {
    const double middle = median(values);
    std::vector<double> deviations;
    deviations.reserve(values.size());
    for (const double value : values) deviations.push_back(std::abs(value - middle));
    return median(deviations);
}

double minimum(std::span<const double> values) {
    return values.empty() ? 0 : *std::ranges::min_element(values);
}

bounds median_bounds(std::span<const double> values) {
    if (values.empty()) return {};
    const std::vector<double> ascending = sorted(values);
    const std::size_t cut = std::max<std::size_t>(cut_off(ascending.size()), 1);
    return {ascending[cut - 1], ascending[ascending.size() - cut]};
}

} // namespace spmd_bench
