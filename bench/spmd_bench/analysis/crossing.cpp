#include "spmd_bench/analysis/crossing.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <vector>

namespace spmd_bench {
namespace {

constexpr double beyond = std::numeric_limits<double>::infinity();

/// The excess of map over `factor` times spmd at one cost, by round.
std::vector<double> differences(const cost_samples& samples, double factor) {
    std::vector<double> all;
    all.reserve(samples.map.size());
    for (std::size_t round = 0; round < samples.map.size(); ++round)
        all.push_back(samples.map[round] - factor * samples.spmd[round]);
    return all;
}

/// The cost where the differences first reach 0; infinite below the least cost and beyond the largest.
double crossing_of(std::span<const cost_samples> by_cost, const std::vector<std::vector<double>>& differing,
                   resample rounds) {
    double before = median_of(differing.front(), rounds);
    if (before <= 0) return -beyond;
    for (std::size_t i = 1; i < by_cost.size(); ++i) {
        const double here = median_of(differing[i], rounds);
        if (here <= 0)
            return std::lerp(by_cost[i - 1].item_cost_ns, by_cost[i].item_cost_ns, before / (before - here));
        before = here;
    }
    return beyond;
}

/// A difference is surely positive at one cost and surely negative at a larger one.
bool surely_crosses(const std::vector<std::vector<double>>& differing) {
    std::size_t longer = differing.size();
    for (std::size_t i = 0; i < differing.size(); ++i) {
        std::vector<double> negated(differing[i].size());
        std::ranges::transform(differing[i], negated.begin(), std::negate());
        if (longer == differing.size() && surely_below(negated, 0, differing.size())) longer = i;
        if (longer < i && surely_below(differing[i], 0, differing.size())) return true;
    }
    return false;
}

} // namespace

std::optional<interval_estimate> crossing(std::span<const cost_samples> by_cost, double factor) {
    if (by_cost.empty() || by_cost.front().map.size() < fewest_rounds) return std::nullopt;
    std::vector<std::vector<double>> differing;
    differing.reserve(by_cost.size());
    for (const cost_samples& each : by_cost) differing.push_back(differences(each, factor));
    if (!surely_crosses(differing)) return std::nullopt;
    const interval_estimate found = bootstrap(
        by_cost.front().map.size(), [&](resample rounds) { return crossing_of(by_cost, differing, rounds); });
    if (std::isinf(found.low) || std::isinf(found.high)) return std::nullopt;
    return found;
}

} // namespace spmd_bench
