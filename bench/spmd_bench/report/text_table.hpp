#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace spmd_bench {

/// A column of a table; all columns have the same number of cells.
struct column {
    std::string title;
    std::string unit; ///< may be empty
    std::vector<std::string> cells;
};

/// The columns side by side, at most `width` characters wide: a line of titles, one of units if any, and one
/// per row. Columns that do not fit follow below, after a copy of the first `keys`, which identify a row. The
/// first column is left-aligned, the others right-aligned. Ends with a newline.
std::string text_table(std::span<const column> columns, std::size_t keys, std::size_t width);

/// A table in GitHub-flavoured Markdown; units follow the titles.
std::string markdown_table(std::span<const column> columns);

/// A name, followed by words that are wrapped and indented behind it. Ends with a newline.
std::string wrapped(std::string_view name, std::span<const std::string> words, std::size_t width);

} // namespace spmd_bench
