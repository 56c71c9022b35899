#pragma once

#include "report.hpp"
#include "text_table.hpp"

#include <string>
#include <vector>

namespace spmd_bench {

/// A line of a report's header: what it says, in words that may be put on several lines.
struct header_line {
    std::string name;
    std::vector<std::string> words;
};

/// The machine, the pool, the workload, the runs, the command, and which peers are absent.
std::vector<header_line> header_of(const report& what);
/// The figures: a row per way, or in a sweep per point.
std::vector<column> columns_of(const report& what);
/// The warnings in words. What several points suffer from is told once.
std::vector<std::string> warnings_of(const report& what);

/// Three digits and a unit, "1.23 ms".
std::string short_time(double nanoseconds);
/// "0.97"; a dash for nothing.
std::string ratio_text(const std::optional<interval_estimate>& ratio);
/// "0.95-1.00", of the ratio to map; a dash where there is none, and where the rounds are too few for bounds.
std::string bounds_of_ratio(const way_result& way);
/// "item cost" of "item_cost"
std::string title_of_axis(std::string name);

} // namespace spmd_bench
