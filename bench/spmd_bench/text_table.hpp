#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace spmd_bench {

/// How many columns a terminal is taken to have.
inline constexpr unsigned terminal_width = 80;

/// A column of a table: a title, a unit, and as many cells as the others.
struct column {
    std::string title;
    std::string unit; ///< may be empty
    std::vector<std::string> cells;
};

/// The columns side by side for a terminal of so many columns: a line of titles, one of units where there are any, and
/// one per row. Columns that do not fit follow below, beside the first `keys`, which say what a row is, again. The first
/// column is left-aligned, the others right-aligned. Ends with a newline.
std::string text_table(std::span<const column> columns, std::size_t keys, std::size_t width);

/// The same as a table in GitHub-flavoured Markdown; a unit stands behind its title.
std::string markdown_table(std::span<const column> columns);

/// A name, and words that are wrapped to the width behind it, below each other. Ends with a newline.
std::string wrapped(std::string_view name, std::span<const std::string> words, std::size_t width);

} // namespace spmd_bench
