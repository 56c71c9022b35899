#include "spmd_bench/options/axis.hpp"

#include "spmd_bench/options/units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace spmd_bench {
namespace {

double parse_value(const std::string& text, const axis_syntax& syntax) {
    const auto value = syntax.parse(text);
    if (!value) throw axis_error(fmt::format("is {}, not '{}'", syntax.expected, text));
    return *value;
}

/// The step from one value of a range to the next.
struct range_step {
    double factor = 1;
    double summand = 0;
};

range_step parse_step(const std::string& text, const axis_syntax& syntax) {
    if (text.starts_with('+')) return {.summand = parse_value(text.substr(1), syntax)};
    const auto factor =
        text.starts_with('*') ? parse_decimal(std::string_view(text).substr(1)) : std::nullopt;
    if (!factor)
        throw axis_error(
            fmt::format("accepts steps such as *2 or +10 at the end of a range, not '{}'", text));
    return {.factor = *factor};
}

/// Adds a value unless it is there already.
void add(std::vector<double>& values, double value) {
    if (values.size() == most_axis_values)
        throw axis_error(fmt::format("accepts at most {} values", most_axis_values));
    if (std::ranges::find(values, value) == values.end()) values.push_back(value);
}

void add_range(std::vector<double>& values, const std::string& range, const axis_syntax& syntax) {
    const std::vector<std::string> parts = split(range, ':');
    if (parts.size() != 3)
        throw axis_error(fmt::format("accepts ranges such as 1:100:*2 or 1:100:+10, not '{}'", range));
    const double first = parse_value(parts[0], syntax);
    const double last = parse_value(parts[1], syntax);
    const range_step step = parse_step(parts[2], syntax);
    if (first > last) throw axis_error(fmt::format("accepts ranges that ascend, not '{}'", range));
    if (first * step.factor + step.summand <= first)
        throw axis_error(fmt::format("accepts steps that ascend, not '{}'", range));
    // The end is a little higher, as a factor such as 1.1 accumulates rounding errors.
    std::size_t steps = 0;
    for (double value = first; value <= last * (1 + 1e-12); value = value * step.factor + step.summand) {
        if (++steps > 100 * most_axis_values) // which may round to the same whole number
            throw axis_error(fmt::format("accepts larger steps than in '{}'", range));
        add(values, syntax.whole ? std::round(value) : value);
    }
}

} // namespace

axis_syntax counts(std::uint64_t least, std::uint64_t most) {
    return {[least, most](std::string_view text) -> std::optional<double> {
                const auto count = parse_count(text);
                if (!count || *count < least || *count > most) return std::nullopt;
                return static_cast<double>(*count);
            },
            fmt::format("a whole number from {} to {}", least, most)};
}

axis_syntax counts_or_auto(std::uint64_t least, std::uint64_t most) {
    axis_syntax syntax = counts(least, most);
    syntax.parse = [count = syntax.parse](std::string_view text) {
        return text == "auto" ? std::optional(0.0) : count(text);
    };
    syntax.expected += " or auto";
    return syntax;
}

axis_syntax sizes() {
    return {[](std::string_view text) -> std::optional<double> {
                const auto size = parse_size(text);
                return size ? std::optional(static_cast<double>(*size)) : std::nullopt;
            },
            "a size such as 64K, 1KiB or 1.5MiB"};
}

axis_syntax durations() {
    return {[](std::string_view text) -> std::optional<double> {
                const auto time = parse_duration(text);
                return time ? std::optional(static_cast<double>(time->count())) : std::nullopt;
            },
            "a time such as 100ns, 1.5us or 2ms"};
}

axis_syntax decimals(double most) {
    return {[most](std::string_view text) -> std::optional<double> {
                const auto number = parse_decimal(text);
                return number && *number <= most ? number : std::nullopt;
            },
            fmt::format("a number from 0 to {}", most), false};
}

std::vector<double> parse_axis(std::string_view text, const axis_syntax& syntax) {
    std::vector<double> values;
    for (const std::string& each : split(text, ',')) {
        if (each.find(':') == std::string::npos)
            add(values, parse_value(each, syntax));
        else
            add_range(values, each, syntax);
    }
    return values;
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    std::size_t begin = 0;
    while (begin <= text.size()) {
        const std::size_t end = std::min(text.find(separator, begin), text.size());
        parts.emplace_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return parts;
}

} // namespace spmd_bench
