#include "spmd_bench/report/report_text.hpp"

#include "spmd_bench/options/axis.hpp"
#include "spmd_bench/options/command_line.hpp"
#include "spmd_bench/options/placement_names.hpp"
#include "spmd_bench/options/units.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <functional>
#include <set>

namespace spmd_bench {
namespace {

constexpr std::array times{unit{"ns", 1}, unit{"us", 1e3}, unit{"ms", 1e6}, unit{"s", 1e9}};
constexpr std::array rates{unit{"1/s", 1}, unit{"1000/s", 1e3}, unit{"10^6/s", 1e6}, unit{"10^9/s", 1e9}};
constexpr std::array bytes{unit{"B/s", 1}, unit{"KiB/s", 0x1p+10}, unit{"MiB/s", 0x1p+20},
                           unit{"GiB/s", 0x1p+30}};

/// A unit and a number of decimals that show three digits of the least positive figure.
struct scale {
    unit shown;
    int decimals = 0;

    std::string text(double value) const { return fmt::format("{:.{}f}", value / shown.factor, decimals); }
};

std::optional<scale> scale_of(std::span<const unit> units, const std::vector<double>& values) {
    double least = 0;
    for (const double value : values)
        if (value > 0 && (least == 0 || value < least)) least = value;
    if (least == 0) return std::nullopt;
    scale fitting{units.front()};
    for (const unit& each : units)
        if (least >= each.factor) fitting.shown = each;
    const double figure = least / fitting.shown.factor;
    fitting.decimals = figure < 10 ? 2 : figure < 100 ? 1 : 0;
    return fitting;
}

/// A column of one text per way in a common scale; dashes without a scale.
template <class Text>
column scaled(std::string title, const std::vector<way_result>& ways, const std::optional<scale>& shared,
              Text text) {
    std::vector<std::string> cells;
    cells.reserve(ways.size());
    for (const way_result& way : ways) cells.push_back(shared ? text(way, *shared) : "-");
    return {std::move(title), shared ? std::string(shared->shown.name) : "", std::move(cells)};
}

template <class Text>
column plain(std::string title, const std::vector<way_result>& ways, Text text) {
    std::vector<std::string> cells;
    cells.reserve(ways.size());
    for (const way_result& way : ways) cells.push_back(std::invoke(text, way));
    return {std::move(title), {}, std::move(cells)};
}

column rate_column(std::string title, std::span<const unit> units, const point_result& point,
                   double (*rate)(const point_result&, const way_result&)) {
    std::vector<double> values;
    values.reserve(point.ways.size());
    for (const way_result& way : point.ways) values.push_back(rate(point, way));
    return scaled(std::move(title), point.ways, scale_of(units, values),
                  [&](const way_result& way, const scale& shared) { return shared.text(rate(point, way)); });
}

/// One row per way.
std::vector<column> columns_of_point(const point_result& point) {
    std::vector<double> medians;
    medians.reserve(point.ways.size());
    for (const way_result& way : point.ways) medians.push_back(way.median_ns.value);
    const auto time = scale_of(times, medians);
    std::vector<column> columns{
        plain("way", point.ways, &way_result::name),
        scaled("median", point.ways, time,
               [](const way_result& way, const scale& shared) { return shared.text(way.median_ns.value); }),
        scaled("95 % sure", point.ways, time,
               [](const way_result& way, const scale& shared) {
                   return has_bounds(way)
                              ? shared.text(way.median_ns.low) + '-' + shared.text(way.median_ns.high)
                              : "-";
               }),
        scaled("MAD", point.ways, time,
               [](const way_result& way, const scale& shared) { return shared.text(way.mad_ns); }),
        // Only one of the two, to fit in 80 columns.
        point.bytes > 0 ? rate_column("bytes", bytes, point, bytes_per_second)
                        : rate_column("items", rates, point, items_per_second)};
    columns.push_back(plain("tasks", point.ways, [](const way_result& way) {
        return way.submissions ? fmt::format("{}", *way.submissions) : "auto";
    }));
    columns.push_back(
        plain("x map", point.ways, [](const way_result& way) { return ratio_text(way.ratio_to_map); }));
    columns.push_back(
        plain("95 % sure", point.ways, [](const way_result& way) { return bounds_of_ratio(way); }));
    return columns;
}

template <class Text>
column over_points(std::string title, const report& what, Text text) {
    std::vector<std::string> cells;
    cells.reserve(what.points.size());
    for (const point_result& each : what.points) cells.push_back(text(each));
    return {std::move(title), {}, std::move(cells)};
}

/// One row per point: the axes, the medians of the ways, and the ratio of spmd to map.
std::vector<column> columns_of_sweep(const report& what) {
    std::vector<column> columns;
    columns.reserve(what.swept.size() + what.request.ways.size());
    for (const sweep_axis axis : what.swept)
        columns.push_back(over_points(title_of_axis(axis), what, [&](const point_result& each) {
            return text_of_axis(each.settings, axis);
        }));
    for (const way_kind way : what.request.ways)
        columns.push_back(over_points(std::string(name_of(way)), what, [&](const point_result& each) {
            return short_time(find_way(each, way)->median_ns.value);
        }));
    const auto ratio = [](const point_result& each) {
        const way_result* spmd = find_way(each, way_kind::spmd);
        return spmd == nullptr ? std::nullopt : spmd->ratio_to_map;
    };
    if (!ratio(what.points.front())) return columns;
    columns.push_back(
        over_points("spmd/map", what, [&](const point_result& each) { return ratio_text(ratio(each)); }));
    columns.push_back(over_points("95 % sure", what, [&](const point_result& each) {
        return bounds_of_ratio(*find_way(each, way_kind::spmd));
    }));
    return columns;
}

std::string pool_text(const report& what) {
    std::string text = fmt::format("{} ranks on {} threads{}, {}", what.request.axes.ranks.text,
                                   what.request.axes.threads.text, what.request.pin ? ", workers pinned" : "",
                                   name_of(what.pool.got));
    if (!what.pool.reason.empty())
        text += fmt::format(" instead of {}: {}", name_of(what.pool.requested), what.pool.reason);
    return text;
}

std::string runs_text(const report& what) {
    const measurement_options& request = what.request.measurement;
    const std::string warmup = request.warmup == 0
                                   ? "no warm-up"
                                   : fmt::format("warm-up until stable, then {} before each", request.warmup);
    return fmt::format("{} rounds in random order; {}; a clock reading takes {:.0f} ns", request.repetitions,
                       warmup, what.clock_overhead_ns);
}

/// One warning per symptom, with the first point that has it.
std::vector<std::string> warnings_of_sweep(const report& what) {
    std::vector<std::string> all;
    std::set<symptom> seen;
    for (const point_result& first : what.points)
        for (const warning& each : first.warnings) {
            if (!seen.insert(each.what).second) continue;
            const auto count = std::ranges::count_if(what.points, [&](const point_result& point) {
                return std::ranges::find(point.warnings, each.what, &warning::what) != point.warnings.end();
            });
            all.push_back(fmt::format("{} at {} of {} points, as at {}: {}; {}", name_of(each.what), count,
                                      what.points.size(), text_of(first.settings, what.swept), each.ways,
                                      remedy_of(each.what)));
        }
    return all;
}

} // namespace

std::string short_time(double nanoseconds) {
    const auto fitting = scale_of(times, {nanoseconds});
    return fitting ? fmt::format("{} {}", fitting->text(nanoseconds), fitting->shown.name) : "0 ns";
}

std::vector<column> columns_of(const report& what) {
    return what.swept.empty() ? columns_of_point(what.points.front()) : columns_of_sweep(what);
}

std::vector<header_line> header_of(const report& what) {
    std::vector<std::string> command = spelled_out(what.request);
    command.insert(command.begin(), "spmd_bench");
    std::vector<header_line> lines{
        {"machine", split(fmt::format("{}, {} threads available", what.cpu, what.available_threads), ' ')},
        {"version", split(fmt::format("{}, commit {}", what.version, what.commit), ' ')},
        {"pool", split(pool_text(what), ' ')},
        {"workload", split(what.workload, ' ')},
        {"runs", split(runs_text(what), ' ')},
        {"command", std::move(command), true},
    };
    for (const auto& [peer, reason] : what.absent_peers)
        lines.push_back({"absent", split(fmt::format("{}: {}", peer, reason), ' ')});
    return lines;
}

std::vector<std::string> warnings_of(const report& what) {
    if (!what.swept.empty()) return warnings_of_sweep(what);
    std::vector<std::string> all;
    for (const warning& each : what.points.front().warnings) all.push_back(text_of(each));
    return all;
}

std::string ratio_text(const std::optional<interval_estimate>& ratio) {
    return ratio ? fmt::format("{:.2f}", ratio->value) : "-";
}

std::string bounds_of_ratio(const way_result& way) {
    return way.ratio_to_map && has_bounds(way)
               ? fmt::format("{:.2f}-{:.2f}", way.ratio_to_map->low, way.ratio_to_map->high)
               : "-";
}

std::string title_of_axis(sweep_axis axis) {
    std::string title(name_of(axis));
    std::ranges::replace(title, '_', ' ');
    return title;
}

} // namespace spmd_bench
