#pragma once

#include "spmd_bench/analysis/statistics.hpp"

#include <optional>
#include <span>

namespace spmd_bench {

/// The times of two ways at one item cost, by round. All costs share the rounds.
struct cost_samples {
    double item_cost_ns = 0;
    std::span<const double> map;
    std::span<const double> spmd;
};

/// The least item cost from which map takes at most `factor` times spmd's time, interpolated between the
/// medians of the differences at the two measured costs around it, with bounds by bootstrap over the rounds.
/// Nothing unless map surely takes longer at one cost and surely less at a larger one, with the bounds within
/// the measured costs: times that are equal from some cost on cross by chance. Requires: ascending costs.
std::optional<interval_estimate> crossing(std::span<const cost_samples> by_cost, double factor);

} // namespace spmd_bench
