#pragma once

#include <spmd/partition.hpp>
#include <spmd/timing.hpp>

#include <chrono>
#include <cstddef>
#include <vector>

namespace spmd {

/// Returns the cost of each of n items in a timed broadcast, in ns: each rank's CPU time, spread evenly over
/// the items of its part by `rule`. As weights, the costs balance the next run: at once if the items of a
/// part cost about the same, otherwise within a few runs, each measured by the rule that it used.
///
///     auto run = pool.with({.timing = true}).broadcast(work_on_my_part);
///     run.wait();
///     const spmd::weighted by_cost{spmd::measured_costs(run.timing(), items.size()), pool.size()};
///     auto slices = pool.scatter(items, by_cost);
///
/// Throws: std::invalid_argument for the timing of no ranks; anything that `rule` throws.
template <partition_rule Rule = decltype(balanced)>
std::vector<double> measured_costs(const timing& measured, std::size_t n, const Rule& rule = balanced) {
    detail::require_rank(0, measured.tasks().size());
    std::vector<double> costs(n);
    for (std::size_t rank = 0; rank < measured.tasks().size(); ++rank) {
        const auto part = rule(n, rank, measured.tasks().size());
        const std::chrono::duration<double, std::nano> cpu = measured.tasks()[rank].cpu;
        for (std::size_t k = 0; k < part.size(); ++k)
            costs[part[k]] = cpu.count() / static_cast<double>(part.size());
    }
    return costs;
}

} // namespace spmd
