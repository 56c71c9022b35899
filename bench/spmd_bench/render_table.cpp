#include "render.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <functional>

namespace spmd_bench {
namespace {

constexpr std::size_t terminal_width = 80;

/// What is shown of all ways: a title, a unit, and a text for each way.
struct column {
    std::string title;
    std::string unit;
    std::vector<std::string> cells;
};

struct unit {
    std::string_view name;
    double factor;
};
constexpr std::array times{unit{"ns", 1}, unit{"us", 1e3}, unit{"ms", 1e6}, unit{"s", 1e9}};
constexpr std::array rates{unit{"1/s", 1}, unit{"1000/s", 1e3}, unit{"10^6/s", 1e6}, unit{"10^9/s", 1e9}};
constexpr std::array bytes{unit{"B/s", 1}, unit{"KiB/s", 0x1p+10}, unit{"MiB/s", 0x1p+20},
                           unit{"GiB/s", 0x1p+30}};

/// The least figure above 0; 0 where there is none.
double least_positive(const std::vector<double>& values) {
    double least = 0;
    for (const double value : values)
        if (value > 0 && (least == 0 || value < least)) least = value;
    return least;
}

/// Figures in the unit, and with the decimals, that show three digits of the least of `scale`.
column figures(std::string title, std::span<const unit> units, const std::vector<double>& values,
               const std::vector<double>& scale) {
    const double least = least_positive(scale);
    column made{std::move(title), {}, std::vector<std::string>(values.size(), "-")};
    if (least == 0) return made;
    unit shown = units.front();
    for (const unit& each : units)
        if (least >= each.factor) shown = each;
    const double figure = least / shown.factor;
    const int decimals = figure < 10 ? 2 : figure < 100 ? 1 : 0;
    made.unit = shown.name;
    for (std::size_t i = 0; i < values.size(); ++i)
        made.cells[i] = fmt::format("{:.{}f}", values[i] / shown.factor, decimals);
    return made;
}

template <class Get>
std::vector<double> values_of(const report& what, Get get) {
    std::vector<double> values;
    values.reserve(what.ways.size());
    for (const way_summary& way : what.ways) values.push_back(std::invoke(get, way));
    return values;
}

column words(std::string title, const report& what, std::string (*word)(const way_summary&)) {
    column made{std::move(title), {}, {}};
    for (const way_summary& way : what.ways) made.cells.push_back(word(way));
    return made;
}

std::string ratio_text(const std::optional<time_ratio>& ratio) {
    return ratio ? fmt::format("{:.2f}", ratio->value) : "-";
}

std::vector<column> columns_of(const report& what) {
    const std::vector<double> medians = values_of(what, &way_summary::median_ns);
    const std::vector<double> items = values_of(what, &way_summary::items_per_second);
    const std::vector<double> byte_rates = values_of(what, &way_summary::bytes_per_second);
    return {
        words("way", what, [](const way_summary& way) { return way.way; }),
        figures("median", times, medians, medians),
        figures("MAD", times, values_of(what, &way_summary::mad_ns), medians),
        figures("min", times, values_of(what, &way_summary::min_ns), medians),
        figures("items", rates, items, items),
        figures("bytes", bytes, byte_rates, byte_rates),
        words("submitted", what,
              [](const way_summary& way) {
                  return way.submissions ? fmt::format("{}", *way.submissions) : "auto";
              }),
        words("x map", what, [](const way_summary& way) { return ratio_text(way.to_map); }),
        words("x read", what, [](const way_summary& way) { return ratio_text(way.to_read); }),
    };
}

/// What the columns of ratios hold, where there are any.
std::string about_ratios(const report& what) {
    const auto has_ratio = [](const way_summary& way) { return way.to_map || way.to_read; };
    return std::ranges::any_of(what.ways, has_ratio)
               ? "x map, x read: medians of the ratios within each repetition\n"
               : "";
}

/// A line of the header: what it says, in words that may be put on several lines.
struct header_line {
    std::string name;
    std::vector<std::string> words;
};

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> words(1);
    for (const char c : text) {
        if (c == ' ')
            words.emplace_back();
        else
            words.back() += c;
    }
    return words;
}

std::string pool_text(const report& what) {
    std::string text = fmt::format("{} ranks on {} threads{}, {}", what.asked.ranks, what.pool.threads(),
                                   what.asked.pin ? ", workers pinned" : "", name_of(what.pool.got));
    if (!what.pool.reason.empty())
        text += fmt::format(" instead of {}: {}", name_of(what.pool.asked), what.pool.reason);
    return text;
}

std::vector<header_line> header_of(const report& what) {
    const measurement_options& asked = what.asked.measurement;
    return {
        {"machine", split(fmt::format("{}, {} threads used, {} available", what.cpu, what.pool.threads(),
                                      what.available_threads))},
        {"pool", split(pool_text(what))},
        {"workload", split(what.workload)},
        {"runs", split(fmt::format("{} repetitions, the ways in random order; warm-up runs before each: {}",
                                   asked.repetitions, asked.warmup))},
        {"options", spelled_out(what.asked)},
    };
}

std::string header_text(const header_line& line) {
    constexpr std::size_t indent = 10;
    std::string text = fmt::format("{:<{}}", line.name, indent);
    std::size_t width = indent;
    for (const std::string& word : line.words) {
        if (width > indent && width + 1 + word.size() > terminal_width) {
            text += fmt::format("\n{:{}}", "", indent);
            width = indent;
        }
        text += width > indent ? ' ' + word : word;
        width += word.size() + (width > indent ? 1 : 0);
    }
    return text + '\n';
}

/// The columns side by side: a line of titles, one of units, and one per way.
std::vector<std::string> lines_of(const std::vector<column>& columns, std::size_t ways) {
    std::vector<std::string> lines(ways + 2);
    for (const column& each : columns) {
        std::vector<std::string> cells{each.title, each.unit};
        cells.insert(cells.end(), each.cells.begin(), each.cells.end());
        const std::size_t width = std::ranges::max(cells, {}, &std::string::size).size();
        for (std::size_t i = 0; i < lines.size(); ++i)
            lines[i] += &each == &columns.front() ? fmt::format("{:<{}}", cells[i], width)
                                                  : fmt::format("  {:>{}}", cells[i], width);
    }
    for (std::string& line : lines) line.erase(line.find_last_not_of(' ') + 1);
    return lines;
}

} // namespace

std::string render_table(const report& what) {
    std::string text;
    for (const header_line& line : header_of(what)) text += header_text(line);
    const std::vector<std::string> lines = lines_of(columns_of(what), what.ways.size());
    return text +
           fmt::format("\n{}\n\n{}{}\n", fmt::join(lines, "\n"), about_ratios(what), conclusion(what.ways));
}

std::string render_markdown(const report& what) {
    std::string text;
    for (const header_line& line : header_of(what))
        text += fmt::format("- {}: {}\n", line.name, fmt::join(line.words, " "));
    text += "\n|";
    const std::vector<column> columns = columns_of(what);
    for (const column& each : columns)
        text += each.unit.empty() ? fmt::format(" {} |", each.title)
                                  : fmt::format(" {} ({}) |", each.title, each.unit);
    text += "\n|";
    for (const column& each : columns) text += &each == &columns.front() ? " --- |" : " ---: |";
    for (std::size_t i = 0; i < what.ways.size(); ++i) {
        text += "\n|";
        for (const column& each : columns) text += fmt::format(" {} |", each.cells[i]);
    }
    return text + "\n\n" + about_ratios(what) + '\n' + conclusion(what.ways) + '\n';
}

} // namespace spmd_bench
