#pragma once

#include "spmd_bench/options/names.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace spmd_bench {

/// The settings that a sweep can vary, in the order of the report: the last one varies fastest.
enum class sweep_axis { threads, chunk, skew, file_size, items, ranks, item_cost };

template <>
inline constexpr std::array names<sweep_axis>{
    named{"threads", sweep_axis::threads},    named{"chunk", sweep_axis::chunk},
    named{"skew", sweep_axis::skew},          named{"file_size", sweep_axis::file_size},
    named{"items", sweep_axis::items},        named{"ranks", sweep_axis::ranks},
    named{"item_cost", sweep_axis::item_cost}};

/// One value of each setting.
struct sweep_point {
    std::size_t ranks = 100;
    std::size_t items = 500;
    std::size_t threads = 1;
    std::size_t chunk = 0; ///< items per task of map-chunked; 0: the pool chooses
    /// Cost of an item: of spin; of mixed, the mean.
    std::chrono::nanoseconds item_cost = std::chrono::microseconds(1);
    std::uint64_t file_size = 1024; ///< of generated files and messages
    double skew = 1;                ///< of the workload mixed

    bool operator==(const sweep_point&) const = default;
};

/// The values of one setting, each once, in the user's order, and the user's text.
template <class T>
struct axis {
    std::vector<T> values;
    std::string text;
};

/// The axes of a sweep: every point has one value of each. Requires: none is empty.
struct sweep_axes {
    axis<std::size_t> ranks{{100}, "100"};
    axis<std::size_t> items{{500}, "500"};
    axis<std::size_t> threads{{1}, "1"};
    axis<std::size_t> chunk{{0}, "auto"};
    axis<std::chrono::nanoseconds> item_cost{{std::chrono::microseconds(1)}, "1us"};
    axis<std::uint64_t> file_size{{1024}, "1024"};
    axis<double> skew{{1}, "1"};
};

/// The number of points, saturating.
std::size_t count_points(const sweep_axes& axes);

/// All combinations, in the order of the report.
std::vector<sweep_point> points_of(const sweep_axes& axes);

/// The axes with more than one value, in the order of the report.
std::vector<sweep_axis> swept_axes(const sweep_axes& axes);

/// The value on one axis, for people: "64", "1 KiB", "100 ns"; a chunk of 0 is "auto".
std::string text_of_axis(const sweep_point& point, sweep_axis axis);

/// The values on some axes: "64 ranks, item cost 100 ns".
std::string text_of(const sweep_point& point, const std::vector<sweep_axis>& axes);

/// The points differ at most in the value on this axis.
bool equal_but_for(sweep_axis axis, const sweep_point& one, const sweep_point& other);

} // namespace spmd_bench
