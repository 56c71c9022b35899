#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace apps {

/// Texts for a progress line. They keep their width while the figures grow, where that is possible.

/// " 24 %", rounded down; "100 %" of nothing.
std::string percent(std::uint64_t done, std::uint64_t total);

/// In the largest binary unit that leaves a figure of at least 1: "999 B", "12.3 MiB".
std::string size_text(double bytes);

/// "0:07", "12:05", "1:02:03"; whole seconds, rounded up.
std::string clock_text(std::chrono::nanoseconds time);

/// How long the rest takes if it goes on as before: "0:07 left"; empty where nothing is done yet.
std::string time_left(std::chrono::nanoseconds elapsed, std::uint64_t done, std::uint64_t total);

} // namespace apps
