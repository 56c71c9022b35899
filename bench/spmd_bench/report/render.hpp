#pragma once

#include "spmd_bench/analysis/report.hpp"

#include <string>

namespace spmd_bench {

/// The version of report.schema.json.
inline constexpr int schema_version = 3;

// Each function renders a report as text that ends with a newline.

/// Header lines, a table with one row per way, or in a sweep per point, the answer in sentences, and
/// warnings, for a terminal of 80 columns; long paths may be wider.
std::string render_table(const report& what);
/// As render_table(), in GitHub-flavoured Markdown.
std::string render_markdown(const report& what);
/// A self-contained page for browsers: the answer, plots, every figure in tables, the machine. It is
/// well-formed XML, too.
std::string render_html(const report& what);
/// A line of names, then one line per way and point. Names include units, unknown fields are empty, the
/// samples are one field, separated by spaces. Format: RFC 4180 with bare newlines.
std::string render_csv(const report& what);
/// One object with everything, including all samples; unknown values are null. Format: report.schema.json.
std::string render_json(const report& what);

std::string render(const report& what, report_format format);

} // namespace spmd_bench
