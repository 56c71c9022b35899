#pragma once

#include "statistics.hpp"

#include <optional>
#include <span>

namespace spmd_bench {

/// What two ways took at one item cost, by round; both have the same number of rounds, which all costs share.
struct cost_samples {
    double item_cost_ns = 0;
    std::span<const double> map;
    std::span<const double> spmd;
};

/// The least item cost from which map takes no longer than `factor` times spmd: on the line through the medians of the
/// differences at the two measured costs around it. Bounds by bootstrap over the rounds. Nothing where it is not for
/// sure that map takes longer at one cost and less long at a larger one, and that the costs have the bounds between them:
/// where both take the same time from some cost on, chance has them cross. Requires: costs that ascend.
std::optional<interval_estimate> crossing(std::span<const cost_samples> by_cost, double factor);

} // namespace spmd_bench
