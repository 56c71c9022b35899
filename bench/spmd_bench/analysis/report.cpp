#include "spmd_bench/analysis/report.hpp"

#include "spmd_bench/options/command_line.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace spmd_bench {
namespace {

constexpr double clear_drift = 0.05;
constexpr double wide_interval = 0.1;
constexpr double many_outliers = 0.2;
constexpr double clock_share = 0.01;

std::optional<interval_estimate> ratio_to(way_kind base, const measurement& times,
                                          std::span<const measurement> measured) {
    const auto found = std::ranges::find(measured, base, &measurement::way);
    if (found == measured.end()) return std::nullopt;
    std::vector<double> ratios;
    for (std::size_t i = 0; i < times.nanoseconds.size(); ++i)
        if (found->nanoseconds[i] > 0) ratios.push_back(times.nanoseconds[i] / found->nanoseconds[i]);
    return median_estimate(ratios);
}

way_result result_of(const measurement& times, std::span<const measurement> measured) {
    way_result result;
    result.name = name_of(times.way);
    result.samples_ns = times.nanoseconds;
    result.pace_ns = times.pace_ns;
    result.median_ns = median_estimate(times.nanoseconds);
    result.mad_ns = median_absolute_deviation(times.nanoseconds);
    result.min_ns = minimum(times.nanoseconds);
    result.ratio_to_map = ratio_to(way_kind::map, times, measured);
    result.ratio_to_read = ratio_to(way_kind::read, times, measured);
    result.outliers = count_outliers(times.nanoseconds);
    result.submissions = times.submissions;
    return result;
}

double width(const interval_estimate& range) {
    return range.value > 0 ? (range.high - range.low) / range.value : 0;
}

bool drifts(const way_result& way) { return std::abs(drift(way.samples_ns)) > clear_drift; }
bool is_wide(const way_result& way) { return has_bounds(way) && width(way.median_ns) > wide_interval; }
bool has_many_outliers(const way_result& way) {
    constexpr std::size_t enough_to_judge = 15; // one in 20 sets of 7 normal samples has a fifth far out
    return way.samples_ns.size() >= enough_to_judge &&
           static_cast<double>(way.outliers) > many_outliers * static_cast<double>(way.samples_ns.size());
}

/// Lists the ways that have a symptom, each in words.
template <class Ways, class Has, class Describe>
std::string listed(const Ways& ways, Has has, Describe describe) {
    std::vector<std::string> all;
    for (const auto& way : ways)
        if (has(way)) all.emplace_back(describe(way));
    return fmt::format("{}", fmt::join(all, ", "));
}

std::vector<warning> warnings_of(const point_result& point, std::span<const measurement> measured,
                                 double clock_overhead_ns) {
    const auto near_the_clock = [&](const way_result& way) {
        return way.median_ns.value > 0 && clock_overhead_ns > clock_share * way.median_ns.value;
    };
    std::vector<warning> all{
        {symptom::unsettled, listed(
                                 measured, [](const measurement& times) { return !times.settled; },
                                 [](const measurement& times) { return name_of(times.way); })},
        {symptom::drift, listed(point.ways, drifts,
                                [](const way_result& way) {
                                    return fmt::format("{} {:+.0f} %", way.name, 100 * drift(way.samples_ns));
                                })},
        {symptom::outliers, listed(point.ways, has_many_outliers,
                                   [](const way_result& way) {
                                       return fmt::format("{} {} of {}", way.name, way.outliers,
                                                          way.samples_ns.size());
                                   })},
        {symptom::wide_interval, listed(point.ways, is_wide,
                                        [](const way_result& way) {
                                            return fmt::format("{} {:.0f} %", way.name,
                                                               100 * width(way.median_ns));
                                        })},
        {symptom::near_clock,
         listed(point.ways, near_the_clock, [](const way_result& way) { return way.name; })}};
    std::erase_if(all, [](const warning& each) { return each.ways.empty(); });
    return all;
}

double per_second(double amount, const way_result& way) {
    return way.median_ns.value > 0 ? amount * 1e9 / way.median_ns.value : 0;
}

} // namespace

point_result summarise(const sweep_point& point, std::uint64_t bytes, std::span<const measurement> measured,
                       double clock_overhead_ns) {
    point_result result{.settings = point, .bytes = bytes};
    for (const measurement& each : measured) {
        way_result& way = result.ways.emplace_back(result_of(each, measured));
        way.unstable = !each.settled || drifts(way) || is_wide(way) || has_many_outliers(way);
    }
    result.warnings = warnings_of(result, measured, clock_overhead_ns);
    return result;
}

std::string_view remedy_of(symptom which) noexcept {
    switch (which) {
        case symptom::unsettled: return "end other programs, or let the machine cool, and run again";
        case symptom::drift: return "the CPU's frequency changes, or other programs run: fix it, end them";
        case symptom::outliers:
            return "other programs disturb: end them, or use fewer --threads than there are CPUs";
        case symptom::wide_interval: return "four times the --repetitions halve them";
        case symptom::near_clock: return "use more --items";
        case symptom::other_machine: break;
    }
    return "measure it again on this one";
}

std::string text_of(const warning& which) {
    return fmt::format("{}: {}; {}", name_of(which.what), which.ways, remedy_of(which.what));
}

std::vector<points> groups_along(const report& what, sweep_axis axis) {
    std::vector<points> groups;
    for (const point_result& each : what.points) {
        const auto same = std::ranges::find_if(groups, [&](const points& group) {
            return equal_but_for(axis, group.front()->settings, each.settings);
        });
        if (same == groups.end())
            groups.push_back({&each});
        else
            same->push_back(&each);
    }
    return groups;
}

bool has_bounds(const way_result& way) noexcept { return way.samples_ns.size() >= fewest_rounds; }

const way_result* find_way(const point_result& point, way_kind way) {
    const auto found = std::ranges::find(point.ways, name_of(way), &way_result::name);
    return found == point.ways.end() ? nullptr : &*found;
}

double items_per_second(const point_result& point, const way_result& way) {
    return per_second(static_cast<double>(point.settings.items), way);
}

double bytes_per_second(const point_result& point, const way_result& way) {
    return per_second(static_cast<double>(point.bytes), way);
}

std::string command_of(const report& what) {
    return fmt::format("spmd_bench {}", fmt::join(spelled_out(what.request), " "));
}

} // namespace spmd_bench
