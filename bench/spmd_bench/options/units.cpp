#include "spmd_bench/options/units.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <span>
#include <system_error>

namespace spmd_bench {
namespace {

constexpr double kilo = 1024.0;
constexpr std::array size_units{
    unit{"", 1},     unit{"B", 1},       unit{"K", kilo},       unit{"KiB", kilo},
    unit{"KB", 1e3}, unit{"MB", 1e6},    unit{"M", kilo* kilo}, unit{"MiB", kilo* kilo},
    unit{"GB", 1e9}, unit{"G", 0x1p+30}, unit{"GiB", 0x1p+30}};
constexpr std::array duration_units{unit{"ns", 1}, unit{"us", 1e3}, unit{"µs", 1e3}, unit{"ms", 1e6},
                                    unit{"s", 1e9}};
constexpr std::array shown_sizes{unit{"B", 1}, unit{"KiB", kilo}, unit{"MiB", kilo* kilo},
                                 unit{"GiB", 0x1p+30}};
constexpr std::array shown_durations{unit{"ns", 1}, unit{"us", 1e3}, unit{"ms", 1e6}, unit{"s", 1e9}};

/// Parses a figure with a unit into a whole number of smallest units, at most `most`.
std::optional<std::uint64_t> parse_quantity(std::string_view text, std::span<const unit> units, double most) {
    double figure = 0;
    const auto [rest, error] =
        std::from_chars(text.data(), text.data() + text.size(), figure, std::chars_format::fixed);
    if (error != std::errc{} || std::signbit(figure)) return std::nullopt;
    const std::string_view name = text.substr(static_cast<std::size_t>(rest - text.data()));
    for (const unit& each : units) {
        if (each.name != name) continue;
        const double whole = figure * each.factor;
        // Written so that a NaN fails it.
        if (!(whole <= most) || std::abs(whole - std::round(whole)) > whole * 1e-12) return std::nullopt;
        return static_cast<std::uint64_t>(std::round(whole));
    }
    return std::nullopt;
}

std::string text_of(std::uint64_t amount, std::span<const unit> units) {
    const auto figure = static_cast<double>(amount);
    unit shown = units.front();
    for (const unit& each : units)
        if (figure >= each.factor) shown = each;
    const double shown_figure = figure / shown.factor;
    if (shown_figure == std::floor(shown_figure)) return fmt::format("{:.0f} {}", shown_figure, shown.name);
    const int decimals = shown_figure < 10 ? 2 : shown_figure < 100 ? 1 : 0;
    std::string digits = fmt::format("{:.{}f}", shown_figure, decimals);
    if (digits.find('.') != std::string::npos) digits.erase(digits.find_last_not_of('0') + 1);
    if (digits.ends_with('.')) digits.pop_back();
    return fmt::format("{} {}", digits, shown.name);
}

} // namespace

std::optional<std::uint64_t> parse_count(std::string_view text) {
    std::uint64_t count = 0;
    const std::string digits(text);
    const char* end = digits.c_str() + digits.size();
    const auto [rest, error] = std::from_chars(digits.c_str(), end, count);
    if (error != std::errc{} || rest != end) return std::nullopt;
    return count;
}

std::optional<double> parse_decimal(std::string_view text) {
    double number = 0;
    const std::string digits(text);
    const char* end = digits.c_str() + digits.size();
    const auto [rest, error] = std::from_chars(digits.c_str(), end, number, std::chars_format::fixed);
    if (error != std::errc{} || rest != end || std::signbit(number) || !std::isfinite(number))
        return std::nullopt;
    return number;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
    // A double represents every whole number up to 2^53.
    return parse_quantity(text, size_units, 0x1p+53);
}

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
    if (text == "0") return std::chrono::nanoseconds(0);
    const auto parsed = parse_quantity(text, duration_units, 3600e9);
    if (!parsed) return std::nullopt;
    return std::chrono::nanoseconds(*parsed);
}

std::string text_of_size(std::uint64_t bytes) { return text_of(bytes, shown_sizes); }

std::string text_of_duration(std::chrono::nanoseconds time) {
    return text_of(static_cast<std::uint64_t>(time.count()), shown_durations);
}

} // namespace spmd_bench
