#include "spmd_bench/report/text_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace spmd_bench {
namespace {

using chosen_columns = std::vector<const column*>;

std::size_t width_of(const column& which) {
    std::size_t width = std::max(which.title.size(), which.unit.size());
    for (const std::string& cell : which.cells) width = std::max(width, cell.size());
    return width;
}

/// A row of one text from each column, without trailing blanks.
std::string row_of(const chosen_columns& columns,
                   const std::function<const std::string&(const column&)>& text) {
    std::string row;
    for (const column* each : columns)
        row += each == columns.front() ? fmt::format("{:<{}}", text(*each), width_of(*each))
                                       : fmt::format("  {:>{}}", text(*each), width_of(*each));
    return row.erase(row.find_last_not_of(' ') + 1) + '\n';
}

std::string block_of(const chosen_columns& columns) {
    std::string text = row_of(columns, &column::title);
    if (std::ranges::any_of(columns, [](const column* each) { return !each->unit.empty(); }))
        text += row_of(columns, &column::unit);
    for (std::size_t i = 0; i < columns.front()->cells.size(); ++i)
        text += row_of(columns, [i](const column& each) -> const std::string& { return each.cells[i]; });
    return text;
}

} // namespace

std::string text_table(std::span<const column> columns, std::size_t keys, std::size_t width) {
    chosen_columns key_columns;
    for (const column& each : columns.first(keys)) key_columns.push_back(&each);
    const auto line_width = [](const chosen_columns& chosen) {
        std::size_t sum = 0;
        for (const column* each : chosen) sum += width_of(*each) + (sum == 0 ? 0 : 2);
        return sum;
    };
    std::string text;
    chosen_columns block = key_columns;
    for (const column& each : columns.subspan(keys)) {
        if (block.size() > keys && line_width(block) + 2 + width_of(each) > width) {
            text += block_of(block) + '\n';
            block = key_columns;
        }
        block.push_back(&each);
    }
    return text + block_of(block);
}

std::string markdown_table(std::span<const column> columns) {
    std::string titles = "|";
    std::string rule = "|";
    for (const column& each : columns) {
        titles += each.unit.empty() ? fmt::format(" {} |", each.title)
                                    : fmt::format(" {} ({}) |", each.title, each.unit);
        rule += &each == &columns.front() ? " --- |" : " ---: |";
    }
    std::string text = titles + '\n' + rule + '\n';
    for (std::size_t i = 0; i < columns.front().cells.size(); ++i) {
        text += '|';
        for (const column& each : columns) text += fmt::format(" {} |", each.cells[i]);
        text += '\n';
    }
    return text;
}

std::string wrapped(std::string_view name, std::span<const std::string> words, std::size_t width) {
    std::string text(name);
    std::size_t used = name.size();
    bool first = true;
    for (const std::string& word : words) {
        if (!first && used + 1 + word.size() > width) {
            text += fmt::format("\n{:{}}", "", name.size());
            used = name.size();
            first = true;
        }
        text += first ? word : ' ' + word;
        used += word.size() + (first ? 0 : 1);
        first = false;
    }
    return text + '\n';
}

} // namespace spmd_bench
