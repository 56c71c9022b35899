#include "report.hpp"

#include "units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

namespace spmd_bench {
namespace {

std::optional<time_ratio> ratio_to(std::string_view base, const measurement& of,
                                   std::span<const measurement> measured) {
    const auto found = std::ranges::find(measured, base, &measurement::way);
    if (found == measured.end()) return std::nullopt;
    std::vector<double> ratios;
    for (std::size_t i = 0; i < of.nanoseconds.size(); ++i)
        if (found->nanoseconds[i] > 0) ratios.push_back(of.nanoseconds[i] / found->nanoseconds[i]);
    return time_ratio{median(ratios), median_bounds(ratios)};
}

double per_second(double amount, double nanoseconds) {
    return nanoseconds > 0 ? amount * 1e9 / nanoseconds : 0;
}

std::string comparison(const time_ratio& ratio, std::size_t repetitions) {
    if (repetitions < fewest_for_bounds)
        return fmt::format(
            "spmd took {:.3f} x map's time; {} repetitions are too few to tell that from chance.",
            ratio.value, repetitions);
    const std::string likely =
        fmt::format("95 % sure: {:.3f} to {:.3f}", ratio.likely.low, ratio.likely.high);
    if (ratio.likely.low <= 1 && 1 <= ratio.likely.high)
        return fmt::format("spmd and map tie: {:.3f} x map's time ({}).", ratio.value, likely);
    return fmt::format("spmd took {:.3f} x map's time ({}).", ratio.value, likely);
}

} // namespace

std::vector<way_summary> summarise(std::span<const measurement> measured, std::size_t items,
                                   std::uint64_t bytes) {
    std::vector<way_summary> ways;
    for (const measurement& each : measured) {
        way_summary& summary = ways.emplace_back();
        summary.way = each.way;
        summary.nanoseconds = each.nanoseconds;
        summary.median_ns = median(each.nanoseconds);
        summary.mad_ns = median_absolute_deviation(each.nanoseconds);
        summary.min_ns = minimum(each.nanoseconds);
        summary.items_per_second = per_second(static_cast<double>(items), summary.median_ns);
        summary.bytes_per_second = per_second(static_cast<double>(bytes), summary.median_ns);
        summary.submissions = each.submissions;
        summary.to_map = ratio_to("map", each, measured);
        summary.to_read = ratio_to("read", each, measured);
    }
    return ways;
}

const way_summary* find_way(std::span<const way_summary> ways, std::string_view name) {
    const auto found = std::ranges::find(ways, name, &way_summary::way);
    return found == ways.end() ? nullptr : &*found;
}

std::string conclusion(std::span<const way_summary> ways) {
    const way_summary* spmd = find_way(ways, "spmd");
    if (spmd != nullptr && spmd->to_map) return comparison(*spmd->to_map, spmd->nanoseconds.size());
    if (ways.empty()) return "nothing was measured.";
    const way_summary& fastest = *std::ranges::min_element(ways, {}, &way_summary::median_ns);
    const auto time = text_of_duration(std::chrono::nanoseconds(std::llround(fastest.median_ns)));
    if (ways.size() == 1) return fmt::format("{} took {}.", fastest.way, time);
    return fmt::format("{} had the least median, {}; measure spmd and map to compare them.", fastest.way,
                       time);
}

} // namespace spmd_bench
