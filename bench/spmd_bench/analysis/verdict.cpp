#include "spmd_bench/analysis/verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace spmd_bench {
namespace {

constexpr double most_rounds = 10'000;

double rounded_up(double count) {
    double step = 1;
    while (count / step > 100) step *= 10;
    return std::ceil(count / step) * step;
}

} // namespace

verdict verdict_of(const interval_estimate& ratio) noexcept {
    if (ratio.low >= 1 - least_difference && ratio.high <= 1 + least_difference) return verdict::same;
    if (ratio.high < 1 && ratio.value <= 1 - least_difference) return verdict::faster;
    if (ratio.low > 1 && ratio.value >= 1 + least_difference) return verdict::slower;
    return verdict::cannot_tell;
}

std::size_t rounds_to_tell(const interval_estimate& ratio, std::size_t rounds) noexcept {
    const double half_width = std::log(ratio.high / ratio.low) / 2;
    const double difference = std::abs(std::log(ratio.value));
    const double least = std::log1p(least_difference);
    // Bounds that exclude 1, or that stay within the least difference; near its edge, bounds of half of it.
    const double wanted = difference >= least ? difference : std::max(least - difference, least / 2);
    const double needed = static_cast<double>(rounds) * std::pow(half_width / wanted, 2);
    if (!(needed <= most_rounds)) return 0; // NaN, too
    return static_cast<std::size_t>(rounded_up(std::max(needed, static_cast<double>(rounds + 1))));
}

std::string remedy_for(const interval_estimate& ratio, std::size_t rounds) {
    const std::size_t needed = rounds_to_tell(ratio, rounds);
    if (needed == 0) return "a quieter machine would tell";
    return fmt::format("about {} rounds, or a quieter machine, would tell", needed);
}

} // namespace spmd_bench
