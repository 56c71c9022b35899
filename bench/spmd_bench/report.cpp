#include "report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>

namespace spmd_bench {
namespace {

constexpr double clear_drift = 0.05;
constexpr double wide_interval = 0.1;
constexpr double many_outliers = 0.2;
constexpr double clock_share = 0.01;

std::optional<interval_estimate> ratio_to(std::string_view base, const measurement& of,
                                          std::span<const measurement> measured) {
    const auto found = std::ranges::find(measured, base, &measurement::way);
    if (found == measured.end()) return std::nullopt;
    std::vector<double> ratios;
    for (std::size_t i = 0; i < of.nanoseconds.size(); ++i)
        if (found->nanoseconds[i] > 0) ratios.push_back(of.nanoseconds[i] / found->nanoseconds[i]);
    return median_estimate(ratios);
}

way_result result_of(const measurement& of, std::span<const measurement> measured) {
    way_result result;
    result.name = of.way;
    result.samples_ns = of.nanoseconds;
    result.pace_ns = of.pace_ns;
    result.median_ns = median_estimate(of.nanoseconds);
    result.mad_ns = median_absolute_deviation(of.nanoseconds);
    result.min_ns = minimum(of.nanoseconds);
    result.ratio_to_map = ratio_to("map", of, measured);
    result.ratio_to_read = ratio_to("read", of, measured);
    result.outliers = count_outliers(of.nanoseconds);
    result.submissions = of.submissions;
    return result;
}

double width(const interval_estimate& of) { return of.value > 0 ? (of.high - of.low) / of.value : 0; }

bool drifts(const way_result& way) { return std::abs(drift(way.samples_ns)) > clear_drift; }
bool is_wide(const way_result& way) { return has_bounds(way) && width(way.median_ns) > wide_interval; }
bool has_many_outliers(const way_result& way) {
    constexpr std::size_t enough_to_judge = 15; // of 7 normal ones a fifth looks far out once in 20 times
    return way.samples_ns.size() >= enough_to_judge &&
           static_cast<double>(way.outliers) > many_outliers * static_cast<double>(way.samples_ns.size());
}

/// The names of the ways that something is told of, each with it.
template <class Ways, class Is, class Tell>
std::string told(const Ways& ways, Is is, Tell tell) {
    std::vector<std::string> all;
    for (const auto& way : ways)
        if (is(way)) all.push_back(std::invoke(tell, way));
    return fmt::format("{}", fmt::join(all, ", "));
}

std::vector<warning> warnings_of(const point_result& at, std::span<const measurement> measured,
                                 double clock_overhead_ns) {
    const auto near_the_clock = [&](const way_result& way) {
        return way.median_ns.value > 0 && clock_overhead_ns > clock_share * way.median_ns.value;
    };
    std::vector<warning> all{
        {"not stable after the warm-up",
         told(
             measured, [](const measurement& of) { return !of.settled; }, &measurement::way),
         "end other programs, or let the machine cool, and run again"},
        {"times that drift",
         told(at.ways, drifts,
              [](const way_result& way) {
                  return fmt::format("{} {:+.0f} %", way.name, 100 * drift(way.samples_ns));
              }),
         "the CPU's frequency changes, or other programs run: fix it, end them"},
        {"many outliers",
         told(at.ways, has_many_outliers,
              [](const way_result& way) {
                  return fmt::format("{} {} of {}", way.name, way.outliers, way.samples_ns.size());
              }),
         "other programs disturb: end them, or use fewer --threads than there are CPUs"},
        {"wide intervals",
         told(at.ways, is_wide,
              [](const way_result& way) {
                  return fmt::format("{} {:.0f} %", way.name, 100 * width(way.median_ns));
              }),
         "four times the --repetitions halve them"},
        {"hardly longer than a clock reading", told(at.ways, near_the_clock, &way_result::name),
         "take more --items"}};
    std::erase_if(all, [](const warning& each) { return each.ways.empty(); });
    return all;
}

double per_second(double amount, const way_result& way) {
    return way.median_ns.value > 0 ? amount * 1e9 / way.median_ns.value : 0;
}

} // namespace

point_result summarise(const sweep_point& at, std::uint64_t bytes, std::span<const measurement> measured,
                       double clock_overhead_ns) {
    point_result point{.at = at, .bytes = bytes};
    for (const measurement& each : measured) {
        way_result& way = point.ways.emplace_back(result_of(each, measured));
        way.unstable = !each.settled || drifts(way) || is_wide(way) || has_many_outliers(way);
    }
    point.warnings = warnings_of(point, measured, clock_overhead_ns);
    return point;
}

std::string text_of(const warning& of) { return fmt::format("{}: {}; {}", of.what, of.ways, of.what_to_do); }

std::vector<points> groups_along(const report& what, const std::string& axis) {
    std::vector<points> groups;
    for (const point_result& each : what.points) {
        const auto same = std::ranges::find_if(
            groups, [&](const points& group) { return equal_but_for(axis, group.front()->at, each.at); });
        if (same == groups.end())
            groups.push_back({&each});
        else
            same->push_back(&each);
    }
    return groups;
}

bool has_bounds(const way_result& way) noexcept { return way.samples_ns.size() >= fewest_rounds; }

const way_result* find_way(const point_result& at, std::string_view name) {
    const auto found = std::ranges::find(at.ways, name, &way_result::name);
    return found == at.ways.end() ? nullptr : &*found;
}

double items_per_second(const point_result& at, const way_result& way) {
    return per_second(static_cast<double>(at.at.items), way);
}

double bytes_per_second(const point_result& at, const way_result& way) {
    return per_second(static_cast<double>(at.bytes), way);
}

std::string command_of(const report& what) {
    return fmt::format("spmd_bench {}", fmt::join(spelled_out(what.asked), " "));
}

} // namespace spmd_bench
