#pragma once

#include "report.hpp"

#include <string>

namespace spmd_bench {

/// A report as text that ends with a newline.

/// Header lines, a table with one row per way, or in a sweep per point, the answer in sentences, and warnings; for a
/// terminal of 80 columns, but for long paths.
std::string render_table(const report& what);
/// The same in GitHub-flavoured Markdown.
std::string render_markdown(const report& what);
/// A page for browsers, in one file that needs no other and no network: the answer, plots, every figure in tables, the machine.
/// It is well-formed XML, too.
std::string render_html(const report& what);
/// A line of names and one line per way and point; units in the names, an empty field for what is not known, the samples
/// with blanks between them in one field. Format: RFC 4180 with bare newlines.
std::string render_csv(const report& what);
/// One object with everything, every sample included; null for what is not known. Format: report.schema.json.
std::string render_json(const report& what);

std::string render(const report& what, report_format format);

} // namespace spmd_bench
