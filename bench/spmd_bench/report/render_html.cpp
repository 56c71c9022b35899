#include "spmd_bench/analysis/verdict.hpp"
#include "spmd_bench/options/axis.hpp"
#include "spmd_bench/report/escaped_html.hpp"
#include "spmd_bench/report/html_style.hpp"
#include "spmd_bench/report/render.hpp"
#include "spmd_bench/report/report_text.hpp"
#include "spmd_bench/report/svg_plot.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace spmd_bench {
namespace {

/// Upper bound on plots of one kind: nobody looks at more.
constexpr std::size_t most_plots = 8;

// Tables

std::string title_row(const std::vector<std::string>& titles) {
    std::string text = "<tr>";
    for (const std::string& title : titles)
        text += fmt::format(R"(<th scope="col">{}</th>)", escaped_html(title));
    return text + "</tr>\n";
}

/// The first cell is the row's title.
std::string row_of(const std::vector<std::string>& cells) {
    std::string text = fmt::format(R"(<tr><th scope="row">{}</th>)", escaped_html(cells.front()));
    for (std::size_t i = 1; i < cells.size(); ++i) text += fmt::format("<td>{}</td>", escaped_html(cells[i]));
    return text + "</tr>\n";
}

std::string table_of(const std::string& caption, const std::vector<std::string>& titles,
                     const std::vector<std::vector<std::string>>& rows) {
    // Not a <caption>, which would scroll with the table.
    std::string text = fmt::format(
        "<figure class=\"table\"><figcaption>{0}</figcaption>\n<div class=\"scroll\" role=\"region\" "
        "aria-label=\"{0}\" tabindex=\"0\"><table>\n<thead>{1}</thead>\n<tbody>",
        escaped_html(caption), title_row(titles));
    for (const auto& row : rows) text += row_of(row);
    return text + "</tbody></table></div></figure>\n";
}

std::string table_of(const std::string& caption, const std::vector<column>& columns) {
    std::vector<std::string> titles;
    titles.reserve(columns.size());
    std::vector<std::vector<std::string>> rows(columns.front().cells.size());
    for (const column& each : columns) {
        titles.push_back(each.unit.empty() ? each.title : each.title + ", " + each.unit);
        for (std::size_t i = 0; i < rows.size(); ++i) rows[i].push_back(each.cells[i]);
    }
    return table_of(caption, titles, rows);
}

/// A table of all figures.
std::string all_figures(const report& what) {
    std::vector<std::string> titles(what.swept.size());
    std::ranges::transform(what.swept, titles.begin(), title_of_axis);
    for (const char* const title : {"way", "rounds", "median", "95 % sure", "MAD", "least", "items/s",
                                    "bytes/s", "tasks", "x map", "95 % sure", "outliers"})
        titles.emplace_back(title);
    std::vector<std::vector<std::string>> rows;
    for (const point_result& point : what.points)
        for (const way_result& way : point.ways) {
            std::vector<std::string>& row = rows.emplace_back();
            for (const sweep_axis axis : what.swept) row.push_back(text_of_axis(point.settings, axis));
            row.insert(
                row.end(),
                {way.name, fmt::format("{}", way.samples_ns.size()), short_time(way.median_ns.value),
                 has_bounds(way) ? short_time(way.median_ns.low) + " – " + short_time(way.median_ns.high)
                                 : "–",
                 short_time(way.mad_ns), short_time(way.min_ns),
                 fmt::format("{:.4g}", items_per_second(point, way)),
                 point.bytes > 0 ? fmt::format("{:.4g}", bytes_per_second(point, way)) : "–",
                 way.submissions ? fmt::format("{}", *way.submissions) : "auto", ratio_text(way.ratio_to_map),
                 bounds_of_ratio(way), fmt::format("{}{}", way.outliers, way.unstable ? ", unstable" : "")});
        }
    return table_of(
        "All ways at all points. MAD: median absolute deviation. Every sample is in the JSON report.", titles,
        rows);
}

std::string cost_table(const report& what) {
    const auto text = [](const std::optional<interval_estimate>& cost) {
        return cost ? fmt::format("{} ({} – {})", short_time(cost->value), short_time(cost->low),
                                  short_time(cost->high))
                    : "–";
    };
    std::vector<std::vector<std::string>> rows;
    rows.reserve(what.answer.costs.size());
    for (const way_cost& each : what.answer.costs)
        rows.push_back({std::string(name_of(each.way)), text(each.per_run_ns), text(each.per_rank_ns),
                        text(each.per_item_ns)});
    if (rows.empty()) return {};
    return "<h2>Overhead</h2>\n" +
           table_of("Wall time of items that do nothing, with bounds that are 95 % sure.",
                    {"way", "per run", "per rank", "per item"}, rows);
}

std::string parts_table(const report& what) {
    std::vector<std::vector<std::string>> rows;
    for (const point_result& point : what.points) {
        if (!point.spmd_parts) continue;
        const time_parts& parts = *point.spmd_parts;
        const auto share = [&](double part) { return fmt::format("{:.0f} %", 100 * part / parts.total_ns); };
        rows.push_back({what.swept.empty() ? "spmd" : text_of(point.settings, what.swept),
                        share(parts.items_ns), share(parts.slower_ns), share(parts.imbalance_ns),
                        share(parts.scheduling_ns), std::string(name_of(limit_of(parts)))});
    }
    if (rows.empty()) return {};
    return "<h2>The threads’ time</h2>\n" +
           table_of("One run of spmd. Slower: the time that items take longer than one by one.",
                    {"at", "items", "slower", "imbalance", "scheduling", "limited by"}, rows);
}

// Plots

/// The least positive value. Requires: there is one.
double least_positive(const std::vector<double>& values) {
    double least = std::ranges::max(values);
    for (const double value : values)
        if (value > 0) least = std::min(least, value);
    return least;
}

bool are_far_apart(const std::vector<double>& values) {
    constexpr double far_apart = 8;
    const double most = std::ranges::max(values);
    return most > 0 && most / least_positive(values) >= far_apart;
}

plot_scale logarithmic_over(const std::vector<double>& values, const plot_scale::labels& label) {
    const auto [least, most] = std::ranges::minmax(values);
    return plot_scale::logarithmic(least_positive(values), most, label, least <= 0);
}

/// Linear for values that are near each other.
plot_scale scale_over(const std::vector<double>& values, const plot_scale::labels& label) {
    if (are_far_apart(values)) return logarithmic_over(values, label);
    const auto [least, most] = std::ranges::minmax(values);
    return plot_scale::linear(least, most, label);
}

std::string place(const sweep_point& point, const std::vector<sweep_axis>& axes) {
    return axes.empty() ? "" : ": " + text_of(point, axes);
}

/// A kind of plot along one axis of the sweep.
struct plotting {
    sweep_axis axis;
    std::string title;
    std::string x_title;
    std::string y_title;
    std::function<double(const point_result&)> x;
    std::function<std::optional<interval_estimate>(const point_result&, const way_result&)> y;
    plot_scale::labels x_label;
    plot_scale::labels y_label;
    std::string ideal = {};
};

/// The scales of x and y. With an ideal line both are of one kind, so that it is straight, and reach its
/// ends.
std::pair<plot_scale, plot_scale> scales_over(const std::vector<double>& xs, const std::vector<double>& ys,
                                              const plotting& how) {
    if (how.ideal.empty()) return {scale_over(xs, how.x_label), scale_over(ys, how.y_label)};
    std::vector<double> both = xs;
    both.insert(both.end(), ys.begin(), ys.end());
    if (are_far_apart(both)) return {logarithmic_over(xs, how.x_label), logarithmic_over(both, how.y_label)};
    return {scale_over(xs, how.x_label), plot_scale::linear(0, std::ranges::max(both), how.y_label)};
}

/// The plot of one group of points; nothing where no way has a figure.
std::optional<line_plot> plot_of(const report& what, const points& group, const plotting& how) {
    std::vector<plot_series> series;
    std::vector<double> xs;
    std::vector<double> ys;
    for (std::size_t number = 0; number < what.request.ways.size(); ++number) {
        plot_series line{std::string(name_of(what.request.ways[number])), number};
        for (const point_result* const point : group) {
            const way_result* const way = find_way(*point, what.request.ways[number]);
            const auto y = way != nullptr ? how.y(*point, *way) : std::nullopt;
            if (!y) continue;
            line.points.push_back({how.x(*point), *y});
            xs.push_back(line.points.back().x);
            ys.insert(ys.end(), {y->low, y->value, y->high});
        }
        std::ranges::sort(line.points, {}, &plot_point::x);
        if (!line.points.empty()) series.push_back(std::move(line));
    }
    if (series.empty()) return std::nullopt;
    auto [x, y] = scales_over(xs, ys, how);
    std::vector<sweep_axis> others = what.swept;
    std::erase(others, how.axis);
    return line_plot{how.title + place(group.front()->settings, others),
                     {how.x_title, std::move(x)},
                     {how.y_title, std::move(y)},
                     std::move(series),
                     {},
                     how.ideal};
}

std::optional<plot_marker> crossover_in(const report& what, const points& group) {
    const auto bounds = [](const interval_estimate& time) {
        return fmt::format("{} ({} – {})", time_label(time.value), time_label(time.low),
                           time_label(time.high));
    };
    for (const crossover& each : what.answer.crossovers) {
        if (!equal_but_for(sweep_axis::item_cost, each.settings, group.front()->settings)) continue;
        if (each.crossing_ns)
            return plot_marker{*each.crossing_ns, "map is faster from " + bounds(*each.crossing_ns)};
        if (each.even_ns)
            return plot_marker{*each.even_ns, fmt::format("spmd saves {:.0f} % up to {}",
                                                          100 * least_difference, bounds(*each.even_ns))};
    }
    return std::nullopt;
}

std::string plots_along(const report& what, const plotting& how) {
    if (std::ranges::find(what.swept, how.axis) == what.swept.end()) return {};
    const std::vector<points> groups = groups_along(what, how.axis);
    std::string text;
    for (std::size_t i = 0; i < std::min(groups.size(), most_plots); ++i) {
        std::optional<line_plot> plot = plot_of(what, groups[i], how);
        if (!plot) continue;
        if (how.axis == sweep_axis::item_cost) plot->marker = crossover_in(what, groups[i]);
        text += svg_of(*plot);
    }
    if (groups.size() > most_plots)
        text +=
            fmt::format("<p class=\"quiet\">{} more plots are omitted; their figures are in the table.</p>\n",
                        groups.size() - most_plots);
    return text;
}

/// Labels whole numbers alone.
std::string count_label(double value) { return value == std::floor(value) ? number_label(value) : ""; }

interval_estimate divided(const interval_estimate& time, double divisor) {
    return {time.value / divisor, time.low / divisor, time.high / divisor};
}

std::string sweep_plots(const report& what) {
    const auto time = [](const point_result&, const way_result& way) { return std::optional(way.median_ns); };
    const auto per_item = [](const point_result& point, const way_result& way) {
        return point.settings.items > 0
                   ? std::optional(divided(way.median_ns, static_cast<double>(point.settings.items)))
                   : std::nullopt;
    };
    const auto speedup = [](const point_result& point,
                            const way_result& way) -> std::optional<interval_estimate> {
        const way_result* const serial = find_way(point, way_kind::serial);
        if (serial == nullptr || way.name == serial->name) return std::nullopt;
        const double base = serial->median_ns.value;
        if (base <= 0 || way.median_ns.low <= 0) return std::nullopt; // too short for the clock
        return interval_estimate{base / way.median_ns.value, base / way.median_ns.high,
                                 base / way.median_ns.low};
    };
    const auto count_of = [](std::size_t sweep_point::* count) {
        return [count](const point_result& point) { return static_cast<double>(point.settings.*count); };
    };
    std::string text;
    text += plots_along(what, {sweep_axis::ranks, "Time against ranks", "ranks", "time per run",
                               count_of(&sweep_point::ranks), time, count_label, time_label});
    text += plots_along(
        what,
        {sweep_axis::item_cost, "Time per item against item cost", "item cost", "time per item",
         [](const point_result& point) { return static_cast<double>(point.settings.item_cost.count()); },
         per_item, time_label, time_label});
    text += plots_along(what, {sweep_axis::threads, "Scaling", "threads", "speed-up over the serial loop",
                               count_of(&sweep_point::threads), speedup, count_label, number_label, "ideal"});
    text += plots_along(what, {sweep_axis::items, "Time per item against items", "items", "time per item",
                               count_of(&sweep_point::items), per_item, count_label, time_label});
    return text;
}

strip_plot samples_of(const report& what, const point_result& point) {
    std::vector<double> all;
    strip_plot plot{"Samples" + place(point.settings, what.swept),
                    {"time per run", plot_scale::linear(0, 1, time_label)},
                    {}};
    for (std::size_t number = 0; number < point.ways.size(); ++number) {
        plot.strips.push_back({point.ways[number].name, number, point.ways[number].samples_ns});
        all.insert(all.end(), point.ways[number].samples_ns.begin(), point.ways[number].samples_ns.end());
    }
    plot.x.scale = scale_over(all, time_label);
    return plot;
}

std::string sample_plots(const report& what) {
    std::string text = "<div class=\"plots\">\n" + svg_of(samples_of(what, what.points.front())) + "</div>\n";
    if (what.points.size() == 1) return text;
    std::string others;
    const std::size_t shown = std::min(what.points.size(), 3 * most_plots);
    for (std::size_t i = 1; i < shown; ++i) others += svg_of(samples_of(what, what.points[i]));
    text += fmt::format("<details><summary>The samples of {} more points</summary><div "
                        "class=\"plots\">\n{}</div></details>\n",
                        shown - 1, others);
    if (shown < what.points.size())
        text += fmt::format("<p class=\"quiet\">The samples of {} more points are in the JSON report.</p>\n",
                            what.points.size() - shown);
    return text;
}

// The page

std::string header_list(const report& what) {
    std::string text = "<dl>\n";
    for (const header_line& line : header_of(what)) {
        const std::string words = escaped_html(fmt::format("{}", fmt::join(line.words, " ")));
        text += line.is_code ? fmt::format("<dt>{}</dt><dd><code>{}</code></dd>\n", line.name, words)
                             : fmt::format("<dt>{}</dt><dd>{}</dd>\n", line.name, words);
    }
    return text + "</dl>\n";
}

std::string paragraphs(const std::string& name, const std::vector<std::string>& sentences) {
    if (sentences.empty()) return {};
    std::string text = R"(<div class=")" + name + "\">\n";
    for (const std::string& each : sentences) text += "<p>" + escaped_html(each) + "</p>\n";
    return text + "</div>\n";
}

} // namespace

std::string render_html(const report& what) {
    const std::string plots = sweep_plots(what);
    std::string text = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>"
                       R"(<meta name="viewport" content="width=device-width, initial-scale=1"/>)"
                       "<title>spmd_bench: map or SPMD?</title>\n<style>";
    text += html_style;
    text += "</style></head>\n<body>\n<h1>Map or SPMD?</h1>\n<p class=\"quiet\">" +
            escaped_html(what.workload) + "</p>\n";
    text += paragraphs("answer", what.answer.sentences);
    if (!plots.empty()) text += "<h2>The sweep</h2>\n<div class=\"plots\">\n" + plots + "</div>\n";
    text +=
        "<h2>The figures</h2>\n" +
        table_of(what.swept.empty() ? "The ways; x map: the time over that of map." : "The points; medians.",
                 columns_of(what)) +
        "<h2>The samples</h2>\n" + sample_plots(what);
    text += parts_table(what) + cost_table(what);
    if (const auto warnings = warnings_of(what); !warnings.empty())
        text += "<h2>Warnings</h2>\n" + paragraphs("warnings", warnings);
    text += "<h2>All figures</h2>\n" + all_figures(what);
    return text + "<h2>The machine, and the command</h2>\n" + header_list(what) + "</body></html>\n";
}

} // namespace spmd_bench
