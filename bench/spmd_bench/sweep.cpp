#include "sweep.hpp"

#include "units.hpp"

#include <fmt/format.h>

#include <array>
#include <functional>
#include <limits>
#include <span>
#include <stdexcept>
#include <string_view>

namespace spmd_bench {
namespace {

/// What has to be known of an axis, whatever its values are.
struct axis_description {
    std::string_view name;
    std::size_t (*size)(const sweep_axes&);
    void (*set)(sweep_point&, const sweep_axes&, std::size_t index);
    void (*copy)(sweep_point& to, const sweep_point& from);
    std::string (*text)(const sweep_point&);
    std::string (*phrase)(const sweep_point&); ///< with what it is a value of
};

template <auto Axis, auto Value>
constexpr axis_description describe(std::string_view name, std::string (*text)(const sweep_point&),
                                    std::string (*phrase)(const sweep_point&)) {
    return {name,
            [](const sweep_axes& axes) { return (axes.*Axis).values.size(); },
            [](sweep_point& at, const sweep_axes& axes, std::size_t index) {
                at.*Value = (axes.*Axis).values[index];
            },
            [](sweep_point& to, const sweep_point& from) { to.*Value = from.*Value; },
            text,
            phrase};
}

std::string counted(std::size_t count, std::string_view thing) {
    return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

std::string text_of_chunk(std::size_t chunk) { return chunk == 0 ? "auto" : fmt::format("{}", chunk); }

// In the order of the report: what varies fastest comes last.
constexpr std::array axis_descriptions{
    describe<&sweep_axes::threads, &sweep_point::threads>(
        "threads", [](const sweep_point& at) { return fmt::format("{}", at.threads); },
        [](const sweep_point& at) { return counted(at.threads, "thread"); }),
    describe<&sweep_axes::chunk, &sweep_point::chunk>(
        "chunk", [](const sweep_point& at) { return text_of_chunk(at.chunk); },
        [](const sweep_point& at) { return "chunk " + text_of_chunk(at.chunk); }),
    describe<&sweep_axes::skew, &sweep_point::skew>(
        "skew", [](const sweep_point& at) { return fmt::format("{}", at.skew); },
        [](const sweep_point& at) { return fmt::format("skew {}", at.skew); }),
    describe<&sweep_axes::file_size, &sweep_point::file_size>(
        "file_size", [](const sweep_point& at) { return text_of_size(at.file_size); },
        [](const sweep_point& at) { return "file size " + text_of_size(at.file_size); }),
    describe<&sweep_axes::items, &sweep_point::items>(
        "items", [](const sweep_point& at) { return fmt::format("{}", at.items); },
        [](const sweep_point& at) { return counted(at.items, "item"); }),
    describe<&sweep_axes::ranks, &sweep_point::ranks>(
        "ranks", [](const sweep_point& at) { return fmt::format("{}", at.ranks); },
        [](const sweep_point& at) { return counted(at.ranks, "rank"); }),
    describe<&sweep_axes::item_cost, &sweep_point::item_cost>(
        "item_cost", [](const sweep_point& at) { return text_of_duration(at.item_cost); },
        [](const sweep_point& at) { return "item cost " + text_of_duration(at.item_cost); }),
};

const axis_description& described(std::string_view name) {
    for (const axis_description& each : axis_descriptions)
        if (each.name == name) return each;
    throw std::invalid_argument("no axis is called '" + std::string(name) + "'");
}

void add_points(std::vector<sweep_point>& points, sweep_point at, const sweep_axes& axes,
                std::span<const axis_description> left) {
    if (left.empty()) {
        points.push_back(at);
        return;
    }
    for (std::size_t i = 0; i < left.front().size(axes); ++i) {
        left.front().set(at, axes, i);
        add_points(points, at, axes, left.subspan(1));
    }
}

} // namespace

std::size_t count_points(const sweep_axes& axes) {
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
    std::size_t count = 1;
    for (const axis_description& each : axis_descriptions)
        count = count > most / each.size(axes) ? most : count * each.size(axes);
    return count;
}

std::vector<sweep_point> points_of(const sweep_axes& axes) {
    std::vector<sweep_point> points;
    points.reserve(count_points(axes));
    add_points(points, {}, axes, axis_descriptions);
    return points;
}

std::vector<std::string> swept_names(const sweep_axes& axes) {
    std::vector<std::string> names;
    for (const axis_description& each : axis_descriptions)
        if (each.size(axes) > 1) names.emplace_back(each.name);
    return names;
}

std::string text_of_axis(const sweep_point& at, const std::string& name) { return described(name).text(at); }

std::string text_of(const sweep_point& at, const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + described(name).phrase(at);
    return text;
}

bool equal_but_for(const std::string& name, const sweep_point& one, const sweep_point& other) {
    sweep_point same = other;
    described(name).copy(same, one);
    return same == one;
}

} // namespace spmd_bench
