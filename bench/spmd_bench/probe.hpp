#pragma once

#include "report.hpp"
#include "time_parts.hpp"
#include "workload.hpp"

#include <spmd/engine_pool.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace spmd_bench {

/// Where the time of the pool's threads goes when it runs the workload by spmd: of a few runs, each beside a plain loop,
/// the parts of the one in the middle by its time. Throws: what items throw.
time_parts measure_parts(const workload& work, const spmd::engine_pool& pool);

/// How much work the costs are measured with: enough to divide by.
struct cost_scale {
    std::size_t items = 500;
    std::size_t ranks = 100;
    std::size_t rounds = 51;
};

/// The costs of these ways with items that do nothing: what a run without items on one rank takes, and how much more it
/// takes with ranks, and with items. A way that does not run such items is left out. Throws: as measure().
std::vector<way_cost> measure_costs(const spmd::engine_pool_options& pool, const cost_scale& scale,
                                    std::span<const std::string> ways, std::uint64_t seed);

/// The costs that these samples give, round by round: of runs without items on one rank, without items on
/// `scale.ranks`, and with `scale.items` on as many. Requires: as many samples of each.
way_cost cost_of(const std::string& way, std::span<const double> one_rank, std::span<const double> no_items,
                 std::span<const double> all, const cost_scale& scale);

} // namespace spmd_bench
