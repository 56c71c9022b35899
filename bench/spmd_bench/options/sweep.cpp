#include "spmd_bench/options/sweep.hpp"

#include "spmd_bench/options/units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <span>
#include <string_view>

namespace spmd_bench {
namespace {

/// Access to an axis and its values, whatever their type.
struct axis_access {
    sweep_axis axis;
    std::size_t (*size)(const sweep_axes&);
    void (*set)(sweep_point&, const sweep_axes&, std::size_t index);
    void (*copy)(sweep_point& to, const sweep_point& from);
    std::string (*text)(const sweep_point&);
    std::string (*phrase)(const sweep_point&); ///< the text with its unit or name
};

template <auto Axis, auto Value>
constexpr axis_access access(sweep_axis axis, std::string (*text)(const sweep_point&),
                             std::string (*phrase)(const sweep_point&)) {
    return {axis,
            [](const sweep_axes& axes) { return (axes.*Axis).values.size(); },
            [](sweep_point& point, const sweep_axes& axes, std::size_t index) {
                point.*Value = (axes.*Axis).values[index];
            },
            [](sweep_point& to, const sweep_point& from) { to.*Value = from.*Value; },
            text,
            phrase};
}

std::string counted(std::size_t count, std::string_view thing) {
    return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

std::string text_of_chunk(std::size_t chunk) { return chunk == 0 ? "auto" : fmt::format("{}", chunk); }

// In the order of sweep_axis.
constexpr std::array axis_accesses{
    access<&sweep_axes::threads, &sweep_point::threads>(
        sweep_axis::threads, [](const sweep_point& point) { return fmt::format("{}", point.threads); },
        [](const sweep_point& point) { return counted(point.threads, "thread"); }),
    access<&sweep_axes::chunk, &sweep_point::chunk>(
        sweep_axis::chunk, [](const sweep_point& point) { return text_of_chunk(point.chunk); },
        [](const sweep_point& point) { return "chunk " + text_of_chunk(point.chunk); }),
    access<&sweep_axes::skew, &sweep_point::skew>(
        sweep_axis::skew, [](const sweep_point& point) { return fmt::format("{}", point.skew); },
        [](const sweep_point& point) { return fmt::format("skew {}", point.skew); }),
    access<&sweep_axes::file_size, &sweep_point::file_size>(
        sweep_axis::file_size, [](const sweep_point& point) { return text_of_size(point.file_size); },
        [](const sweep_point& point) { return "file size " + text_of_size(point.file_size); }),
    access<&sweep_axes::items, &sweep_point::items>(
        sweep_axis::items, [](const sweep_point& point) { return fmt::format("{}", point.items); },
        [](const sweep_point& point) { return counted(point.items, "item"); }),
    access<&sweep_axes::ranks, &sweep_point::ranks>(
        sweep_axis::ranks, [](const sweep_point& point) { return fmt::format("{}", point.ranks); },
        [](const sweep_point& point) { return counted(point.ranks, "rank"); }),
    access<&sweep_axes::item_cost, &sweep_point::item_cost>(
        sweep_axis::item_cost, [](const sweep_point& point) { return text_of_duration(point.item_cost); },
        [](const sweep_point& point) { return "item cost " + text_of_duration(point.item_cost); }),
};

const axis_access& access_to(sweep_axis axis) {
    return *std::ranges::find(axis_accesses, axis, &axis_access::axis);
}

void add_points(std::vector<sweep_point>& points, sweep_point point, const sweep_axes& axes,
                std::span<const axis_access> left) {
    if (left.empty()) {
        points.push_back(point);
        return;
    }
    for (std::size_t i = 0; i < left.front().size(axes); ++i) {
        left.front().set(point, axes, i);
        add_points(points, point, axes, left.subspan(1));
    }
}

} // namespace

std::size_t count_points(const sweep_axes& axes) {
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
    std::size_t count = 1;
    for (const axis_access& each : axis_accesses)
        count = count > most / each.size(axes) ? most : count * each.size(axes);
    return count;
}

std::vector<sweep_point> points_of(const sweep_axes& axes) {
    std::vector<sweep_point> points;
    points.reserve(count_points(axes));
    add_points(points, {}, axes, axis_accesses);
    return points;
}

std::vector<sweep_axis> swept_axes(const sweep_axes& axes) {
    std::vector<sweep_axis> swept;
    for (const axis_access& each : axis_accesses)
        if (each.size(axes) > 1) swept.push_back(each.axis);
    return swept;
}

std::string text_of_axis(const sweep_point& point, sweep_axis axis) { return access_to(axis).text(point); }

std::string text_of(const sweep_point& point, const std::vector<sweep_axis>& axes) {
    std::string text;
    for (const sweep_axis each : axes) text += (text.empty() ? "" : ", ") + access_to(each).phrase(point);
    return text;
}

bool equal_but_for(sweep_axis axis, const sweep_point& one, const sweep_point& other) {
    sweep_point same = other;
    access_to(axis).copy(same, one);
    return same == one;
}

} // namespace spmd_bench
