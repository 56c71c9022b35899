#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace spmd_bench {

/// A unit, in multiples of the smallest one.
struct unit {
    std::string_view name;
    double factor;
};

/// Parses a whole number, digits only. Nothing for any other text, or a number too large.
std::optional<std::uint64_t> parse_count(std::string_view text);

/// Parses a finite number such as `2` or `1.5`, without sign and exponent. Nothing for any other text.
std::optional<double> parse_decimal(std::string_view text);

/// Parses a size such as `1024`, `512B`, `64K`, `1KiB`, `1.5MiB` or `2G`: K, M, G and KiB, MiB, GiB are
/// powers of 1024 and KB, MB, GB powers of 1000, as in GNU coreutils. Nothing for any other text, and for
/// fractions of a byte.
std::optional<std::uint64_t> parse_size(std::string_view text);

/// Parses a time such as `100ns`, `1.5us`, `2ms` or `1s`, at most an hour. Only `0` needs no unit. Nothing
/// for any other text.
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);

/// The size in the largest binary unit not above it, exact for whole multiples, otherwise with three
/// significant digits: "0 B", "1 KiB", "1.46 MiB".
std::string text_of_size(std::uint64_t bytes);

/// The time in the largest unit not above it, likewise: "100 ns", "1.5 us", "2 ms", "3 s".
std::string text_of_duration(std::chrono::nanoseconds time);

} // namespace spmd_bench
