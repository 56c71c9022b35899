#pragma once

#include "options.hpp"
#include "report.hpp"
#include "temporary_directory.hpp"

#include <spmd/trace_recorder.hpp>

#include <functional>
#include <optional>

namespace spmd_bench {

/// Measures what is asked for at every point of the sweep, the points taking turns, and says what came of it. Points with
/// equal workloads share one, and so with pools, which record into `trace` where there is one; files that are made lie in
/// `scratch`. `tell`: as measure() has it.
/// Throws: as make_workload, engine_pool and measure().
report run_experiment(const options& asked, temporary_directory& scratch,
                      const std::optional<spmd::trace_recorder>& trace = {},
                      const std::function<void(const measure_progress&)>& tell = {});

} // namespace spmd_bench
