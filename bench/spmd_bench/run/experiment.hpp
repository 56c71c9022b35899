#pragma once

#include "spmd_bench/analysis/report.hpp"
#include "spmd_bench/options/options.hpp"
#include "spmd_bench/run/measure.hpp"

#include <spmd/trace_recorder.hpp>

#include <environment/temporary_directory.hpp>

#include <functional>
#include <optional>

namespace spmd_bench {

/// Measures every point of the sweep, the points taking turns, and summarises the results. Points with equal
/// workloads share one, and so for pools, which record into `trace` where there is one. Generated files are
/// in `scratch`. `progress`: as measure()'s `report`. Throws: as make_workload, engine_pool and measure().
report run_experiment(const options& request, temporary_directory& scratch,
                      const std::optional<spmd::trace_recorder>& trace = {},
                      const std::function<void(const measure_progress&)>& progress = {});

} // namespace spmd_bench
