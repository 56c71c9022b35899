#include "axis.hpp"

#include "units.hpp"

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

/// What leads from one value of a range to the next.
struct range_step {
    double factor = 1;
    double summand = 0;
};

range_step parse_step(const std::string& text, const axis_syntax& syntax) {
    if (text.starts_with('+')) return {.summand = parse_value(text.substr(1), syntax)};
    const auto factor =
        text.starts_with('*') ? parse_decimal(std::string_view(text).substr(1)) : std::nullopt;
    if (!factor)
        throw axis_error(fmt::format("has a step such as *2 or +10 at a range's end, not '{}'", text));
    return {.factor = *factor};
}

/// Adds a value that is not there yet.
void add(std::vector<double>& values, double value) {
    if (values.size() == most_axis_values)
        throw axis_error(fmt::format("has at most {} values", most_axis_values));
    if (std::ranges::find(values, value) == values.end()) values.push_back(value);
}

void add_range(std::vector<double>& values, const std::string& range, const axis_syntax& syntax) {
    const std::vector<std::string> parts = split(range, ':');
    if (parts.size() != 3)
        throw axis_error(fmt::format("has ranges such as 1:100:*2 or 1:100:+10, not '{}'", range));
    const double first = parse_value(parts[0], syntax);
    const double last = parse_value(parts[1], syntax);
    const range_step step = parse_step(parts[2], syntax);
    if (first > last) throw axis_error(fmt::format("has ranges that ascend, not '{}'", range));
    if (first * step.factor + step.summand <= first)
        throw axis_error(fmt::format("has ranges that get on, not '{}'", range));
    // A little above the end, for what a factor such as 1.1 loses by rounding.
    std::size_t steps = 0;
    for (double value = first; value <= last * (1 + 1e-12); value = value * step.factor + step.summand) {
        if (++steps > 100 * most_axis_values) // many of which are the same whole number
            throw axis_error(fmt::format("has ranges of larger steps than '{}'", range));
        add(values, syntax.whole ? std::round(value) : value);
    }
}

} // namespace

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

std::vector<std::string> split(std::string_view text, char at) {
    std::vector<std::string> parts;
    std::size_t begin = 0;
    while (begin <= text.size()) {
        const std::size_t end = std::min(text.find(at, begin), text.size());
        parts.emplace_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return parts;
}

} // namespace spmd_bench
