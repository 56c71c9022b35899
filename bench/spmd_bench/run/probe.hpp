#pragma once

#include "spmd_bench/analysis/report.hpp"
#include "spmd_bench/analysis/time_parts.hpp"
#include "spmd_bench/options/way_kind.hpp"
#include "spmd_bench/run/workload.hpp"

#include <spmd/engine_pool.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace spmd_bench {

/// Measures how the pool's threads spend their time on the workload by spmd: the parts of the median run of a
/// few, each beside a plain loop. Throws: exceptions of the items.
time_parts measure_parts(const workload& work, const spmd::engine_pool& pool);

/// The amount of work with which costs are measured.
struct cost_scale {
    std::size_t items = 500;
    std::size_t ranks = 100;
    std::size_t rounds = 51;
};

/// Measures the costs of these ways with items that do nothing: a run without items on one rank, and the
/// increase with ranks, and with items. Ways that cannot run such items are omitted. Throws: as measure().
std::vector<way_cost> measure_costs(const spmd::engine_pool_options& pool, const cost_scale& scale,
                                    std::span<const way_kind> ways, std::uint64_t seed);

/// Computes costs from samples, round by round: of runs without items on one rank, without items on
/// `scale.ranks`, and with `scale.items` on `scale.ranks`. Requires: equal numbers of samples.
way_cost cost_of(way_kind way, std::span<const double> one_rank, std::span<const double> no_items,
                 std::span<const double> all, const cost_scale& scale);

} // namespace spmd_bench
