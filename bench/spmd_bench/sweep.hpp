#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace spmd_bench {

/// One setting of everything that a sweep can vary.
struct sweep_point {
    std::size_t ranks = 100;
    std::size_t items = 500;
    std::size_t threads = 1;
    std::size_t chunk = 0; ///< items per task of map-chunked; 0: the pool chooses
    std::chrono::nanoseconds item_cost =
        std::chrono::microseconds(1); ///< the mean of those of a spin or mixed item
    std::uint64_t file_size = 1024;   ///< of files and messages that are made
    double skew = 1;                  ///< of the workload mixed

    bool operator==(const sweep_point&) const = default;
};

/// The values of one setting, in the order asked for, each once, and how the user wrote them.
template <class T>
struct axis {
    std::vector<T> values;
    std::string text;
};

/// What is varied: every point takes one value from each axis. Requires: none is empty.
struct sweep_axes {
    axis<std::size_t> ranks{{100}, "100"};
    axis<std::size_t> items{{500}, "500"};
    axis<std::size_t> threads{{1}, "1"};
    axis<std::size_t> chunk{{0}, "auto"};
    axis<std::chrono::nanoseconds> item_cost{{std::chrono::microseconds(1)}, "1us"};
    axis<std::uint64_t> file_size{{1024}, "1024"};
    axis<double> skew{{1}, "1"};
};

/// How many points there are; the largest number there is where they are more than it can tell.
std::size_t count_points(const sweep_axes& axes);

/// All combinations; the axis that is named last in swept_names varies fastest.
std::vector<sweep_point> points_of(const sweep_axes& axes);

/// The axes with more than one value, of: threads, chunk, skew, file_size, items, ranks, item_cost.
std::vector<std::string> swept_names(const sweep_axes& axes);

/// The value of one axis, for people: "64", "1 KiB", "100 ns"; a chunk of 0 is "auto". Requires: an axis's name.
std::string text_of_axis(const sweep_point& at, const std::string& name);

/// The values of some axes: "64 ranks, item cost 100 ns".
std::string text_of(const sweep_point& at, const std::vector<std::string>& names);

/// Whether two points differ in no other axis than `name`.
bool equal_but_for(const std::string& name, const sweep_point& one, const sweep_point& other);

} // namespace spmd_bench
