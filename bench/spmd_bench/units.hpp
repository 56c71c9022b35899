#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace spmd_bench {

/// A unit, and how many of the smallest one it is.
struct unit {
    std::string_view name;
    double factor;
};

/// The whole number that `text` is, digits only; nothing for any other text, or a number too large.
std::optional<std::uint64_t> parse_count(std::string_view text);

/// The number that `text` is, such as `2` or `1.5`: no sign, no exponent, finite. Nothing for any other text.
std::optional<double> parse_decimal(std::string_view text);

/// The bytes of `1024`, `512B`, `64K`, `1KiB`, `1.5MiB`, `2G`: K, M, G and KiB, MiB, GiB are powers of 1024 and
/// KB, MB, GB powers of 1000, as in GNU coreutils. Nothing for any other text, and where the size is no whole
/// number of bytes.
std::optional<std::uint64_t> parse_size(std::string_view text);

/// The time of `100ns`, `1.5us`, `2ms` or `1s`, at most an hour; a unit is required, but for `0`. Nothing for any other text.
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);

/// In the largest binary unit that leaves a figure of at least 1, exact where it is a whole number of them,
/// else with three significant digits: "0 B", "1 KiB", "1.46 MiB".
std::string text_of_size(std::uint64_t bytes);

/// The same for a time: "100 ns", "1.5 us", "2 ms", "3 s".
std::string text_of_duration(std::chrono::nanoseconds time);

} // namespace spmd_bench
