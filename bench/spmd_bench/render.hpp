#pragma once

#include "report.hpp"

#include <string>

namespace spmd_bench {

/// A report as text that ends with a newline.

/// Header lines, columns that are right-aligned, with one unit for each, and the conclusion; for a terminal of 80
/// columns, but for long paths.
std::string render_table(const report& what);
/// The same in GitHub-flavoured Markdown.
std::string render_markdown(const report& what);
/// A line of names and one line per way; times in ns, an empty field for what is not known. Format: RFC 4180 with
/// bare newlines.
std::string render_csv(const report& what);
/// One object with everything, the time of each repetition included; null for what is not known.
std::string render_json(const report& what);

/// The one that the report's options ask for.
std::string render(const report& what);

} // namespace spmd_bench
