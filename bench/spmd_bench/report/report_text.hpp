#pragma once

#include "spmd_bench/analysis/report.hpp"
#include "spmd_bench/options/sweep.hpp"
#include "spmd_bench/report/text_table.hpp"

#include <string>
#include <vector>

namespace spmd_bench {

/// A line of a report's header: a name, and words that may be wrapped.
struct header_line {
    std::string name;
    std::vector<std::string> words;
    bool is_code = false; ///< a command
};

/// The machine, the version, the pool, the workload, the runs, the command, and the absent peers.
std::vector<header_line> header_of(const report& what);
/// The figures: one row per way, or in a sweep per point.
std::vector<column> columns_of(const report& what);
/// The warnings in words; one for all points of a sweep that share a symptom.
std::vector<std::string> warnings_of(const report& what);

/// Three digits and a unit, "1.23 ms".
std::string short_time(double nanoseconds);
/// "0.97"; "-" for nothing.
std::string ratio_text(const std::optional<interval_estimate>& ratio);
/// The bounds of the ratio to map, "0.95-1.00"; "-" without a ratio, or with too few rounds for bounds.
std::string bounds_of_ratio(const way_result& way);
/// "item cost"
std::string title_of_axis(sweep_axis axis);

} // namespace spmd_bench
