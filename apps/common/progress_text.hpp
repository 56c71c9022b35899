#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace apps {

// Texts for a progress line. Their width stays constant while the figures grow, as far as possible.

/// Percentage rounded down, such as " 24 %"; "100 %" if `total` is 0.
std::string percent(std::uint64_t done, std::uint64_t total);

/// Size in the largest binary unit in which the figure is at least 1, with three digits: "999 B", "12.3 MiB".
std::string size_text(double bytes);

/// Duration in whole seconds, rounded up: "0:07", "12:05", "1:02:03".
std::string clock_text(std::chrono::nanoseconds time);

/// Estimated time for the rest at the average rate so far: "0:07 left"; empty if nothing is done yet.
std::string time_left(std::chrono::nanoseconds elapsed, std::uint64_t done, std::uint64_t total);

} // namespace apps
