#include "spmd_bench/report/svg_plot.hpp"

#include "spmd_bench/report/escaped_html.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace spmd_bench {
namespace {

// In units of the view box; on a phone one is three quarters of a pixel.
constexpr double plot_width = 480;
constexpr double right = 468;
constexpr double edge = right + 8; // for labels
constexpr double top = 34;
constexpr double line_bottom = 274;
constexpr double line_height = 320;
constexpr double character = 7.9; // upper bound for 13 px of any monospace font
constexpr double below_axis = 46;

struct area {
    double left;
    double bottom;

    double x(double position) const { return left + position * (right - left); }
    double y(double position) const { return bottom - position * (bottom - top); }
};

double label_width(const plot_scale& scale) {
    std::size_t most = 0;
    for (const plot_tick& tick : scale.ticks()) most = std::max(most, tick.label.size());
    return static_cast<double>(most) * character;
}

std::string opened(std::string_view title, std::string_view description, double height) {
    return fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\"><title>{}</title><desc>{}</desc>\n",
                       plot_width, height, escaped_html(title), escaped_html(description));
}

std::string x_axis(const plot_axis& axis, const area& in) {
    plot_scale scale = axis.scale;
    scale.thin_labels((right - in.left) / character, (edge - right) / character);
    std::string text;
    for (const plot_tick& tick : scale.ticks()) {
        const double x = in.x(scale.position(tick.value));
        text += fmt::format(R"(<path class="grid" d="M{0:.1f} {1}V{2}"/>)", x, top, in.bottom);
        if (!tick.label.empty())
            text += fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"{}\">{}</text>\n",
                                tick.ends_at_edge ? edge : x, in.bottom + 17,
                                tick.ends_at_edge ? "end" : "middle", escaped_html(tick.label));
    }
    return text + fmt::format("<text class=\"axis\" x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n",
                              (in.left + right) / 2, in.bottom + 38, escaped_html(axis.title));
}

std::string y_axis(const plot_axis& axis, const area& in) {
    std::string text;
    for (const plot_tick& tick : axis.scale.ticks()) {
        const double y = in.y(axis.scale.position(tick.value));
        text += fmt::format(R"(<path class="grid" d="M{:.1f} {:.1f}H{}"/>)", in.left, y, right);
        text += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n", in.left - 6,
                            y + 4, escaped_html(tick.label));
    }
    return text + fmt::format("<text class=\"axis\" x=\"4\" y=\"14\">{}</text>\n", escaped_html(axis.title));
}

/// A mark; its shape identifies the series, as its colour does.
std::string mark(std::size_t number, double x, double y) {
    constexpr std::array shapes{"M{0:.1f} {1:.1f}m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
                                "M{0:.1f} {1:.1f}m-3.5 -3.5h7v7h-7z", "M{0:.1f} {1:.1f}m0 -4.5l4.5 8h-9z",
                                "M{0:.1f} {1:.1f}m0 -5l5 5l-5 5l-5 -5z", "M{0:.1f} {1:.1f}m0 4.5l4.5 -8h-9z"};
    return fmt::format(R"(<path class="mark s{}" d="{}"/>)", number % 10,
                       fmt::format(fmt::runtime(shapes[number % shapes.size()]), x, y));
}

std::string drawn(const plot_series& series, const line_plot& plot, const area& in) {
    std::string line;
    std::string upper;
    std::string lower;
    std::string marks;
    for (const plot_point& point : series.points) {
        const double x = in.x(plot.x.scale.position(point.x));
        const auto y = [&](double value) { return in.y(std::clamp(plot.y.scale.position(value), 0.0, 1.0)); };
        line += fmt::format("{}{:.1f} {:.1f}", line.empty() ? 'M' : 'L', x, y(point.y.value));
        upper += fmt::format("{}{:.1f} {:.1f}", upper.empty() ? 'M' : 'L', x, y(point.y.high));
        lower.insert(0, fmt::format("L{:.1f} {:.1f}", x, y(point.y.low)));
        marks += mark(series.number, x, y(point.y.value));
    }
    return fmt::format(
        R"(<g><title>{}</title><path class="band s{}" d="{}{}Z"/><path class="line s{} dash{}" )"
        "d=\"{}\"/>{}</g>\n",
        escaped_html(series.name), series.number % 10, upper, lower, series.number % 10, series.number % 4,
        line, marks);
}

std::string drawn(const plot_marker& marker, const line_plot& plot, const area& in) {
    const auto x = [&](double value) { return in.x(std::clamp(plot.x.scale.position(value), 0.0, 1.0)); };
    return fmt::format(R"(<path class="between" d="M{0:.1f} {1}H{2:.1f}V{3}H{0:.1f}Z"/><path class="here" )"
                       "d=\"M{4:.1f} {1}V{3}\"/>\n",
                       x(marker.x.low), top, x(marker.x.high), in.bottom, x(marker.x.value));
}

/// The range of values that both axes have.
struct value_range {
    double low;
    double high;
};

value_range common_range(const line_plot& plot) {
    const std::vector<plot_tick>& x = plot.x.scale.ticks();
    const std::vector<plot_tick>& y = plot.y.scale.ticks();
    return {std::max(x.front().value, y.front().value), std::min(x.back().value, y.back().value)};
}

bool has_ideal(const line_plot& plot) {
    const value_range range = common_range(plot);
    return !plot.ideal.empty() && range.low < range.high;
}

/// The line y = x, which is curved where the scales differ in kind.
std::string ideal_line(const line_plot& plot, const area& in) {
    constexpr int steps = 64;
    const value_range range = common_range(plot);
    std::string line;
    for (int i = 0; i <= steps; ++i) {
        const double part = static_cast<double>(i) / steps;
        // Equal factors keep the corners near each other on a logarithmic axis.
        const double value = range.low > 0 ? range.low * std::pow(range.high / range.low, part)
                                           : std::lerp(range.low, range.high, part);
        line += fmt::format("{}{:.1f} {:.1f}", line.empty() ? 'M' : 'L', in.x(plot.x.scale.position(value)),
                            in.y(plot.y.scale.position(value)));
    }
    return fmt::format("<path class=\"ideal\" d=\"{}\"/>\n", line);
}

std::string legend_entry(std::string_view line, std::string_view name) {
    return fmt::format(R"(<li><svg viewBox="0 0 34 14" aria-hidden="true">{}</svg>{}</li>)", line,
                       escaped_html(name));
}

std::string legend_of(const line_plot& plot) {
    std::string text = R"(<ul class="legend">)";
    for (const plot_series& each : plot.series)
        text += legend_entry(fmt::format(R"(<path class="line s{} dash{}" d="M1 7H33"/>{})", each.number % 10,
                                         each.number % 4, mark(each.number, 17, 7)),
                             each.name);
    if (plot.marker)
        text += legend_entry(R"(<path class="between" d="M9 0H25V14H9Z"/><path class="here" d="M17 0V14"/>)",
                             plot.marker->label);
    if (has_ideal(plot)) text += legend_entry(R"(<path class="ideal" d="M1 7H33"/>)", plot.ideal);
    return text + "</ul>\n";
}

/// Reproducible offsets from the middle of a strip that look random: multiples of the golden ratio.
double scatter(std::size_t index) {
    constexpr double golden = 0.6180339887498949;
    const double turns = golden * static_cast<double>(index);
    return turns - std::floor(turns) - 0.5;
}

double quantile(std::vector<double> sorted, double part) {
    std::ranges::sort(sorted);
    const double position = part * static_cast<double>(sorted.size() - 1);
    const auto below = static_cast<std::size_t>(position);
    const double above = sorted[std::min(below + 1, sorted.size() - 1)];
    return sorted[below] + (position - static_cast<double>(below)) * (above - sorted[below]);
}

std::string drawn(const strip_plot::strip& strip, const plot_scale& scale, const area& in, double y) {
    constexpr double half = 8;
    const auto x = [&](double value) { return in.x(std::clamp(scale.position(value), 0.0, 1.0)); };
    const std::vector<double> samples(strip.samples.begin(), strip.samples.end());
    std::string text = fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="end">{}</text>)", in.left - 6,
                                   y + 4, escaped_html(strip.name));
    if (samples.empty()) return text;
    for (std::size_t i = 0; i < samples.size(); ++i)
        text += fmt::format(R"(<circle class="dot s{}" cx="{:.1f}" cy="{:.1f}" r="2"/>)", strip.number % 10,
                            x(samples[i]), y + 2 * half * scatter(i));
    const double low = x(quantile(samples, 0.25));
    const double high = x(quantile(samples, 0.75));
    return text +
           fmt::format(R"(<path class="box s{0}" d="M{1:.1f} {2:.1f}H{3:.1f}V{4:.1f}H{1:.1f}Z"/><path )"
                       "class=\"middle s{0}\" d=\"M{5:.1f} {2:.1f}V{4:.1f}\"/>\n",
                       strip.number % 10, low, y - half, high, y + half, x(quantile(samples, 0.5)));
}

} // namespace

std::string svg_of(const line_plot& plot) {
    const area in{std::max(30.0, label_width(plot.y.scale) + 10), line_bottom};
    std::string description = fmt::format("{} against {}:", plot.y.title, plot.x.title);
    for (const plot_series& each : plot.series) description += ' ' + each.name + ',';
    description.back() = '.';
    description += " The figures are in the table.";
    std::string text = "<figure><figcaption>" + escaped_html(plot.title) + "</figcaption>\n" +
                       opened(plot.title, description, line_height) + y_axis(plot.y, in) + x_axis(plot.x, in);
    if (plot.marker) text += drawn(*plot.marker, plot, in);
    if (has_ideal(plot)) text += ideal_line(plot, in);
    for (const plot_series& each : plot.series) text += drawn(each, plot, in);
    return text + "</svg>\n" + legend_of(plot) + "</figure>\n";
}

std::string svg_of(const strip_plot& plot) {
    constexpr double row = 26;
    std::size_t longest = 0;
    for (const auto& each : plot.strips) longest = std::max(longest, each.name.size());
    const double bottom = top + row * static_cast<double>(plot.strips.size());
    const area in{static_cast<double>(longest) * character + 10, bottom};
    std::string text =
        "<figure><figcaption>" + escaped_html(plot.title) + "</figcaption>\n" +
        opened(plot.title, "All samples, their quartiles and their median.", bottom + below_axis) +
        x_axis(plot.x, in);
    for (std::size_t i = 0; i < plot.strips.size(); ++i)
        text += drawn(plot.strips[i], plot.x.scale, in, top + row * (static_cast<double>(i) + 0.5));
    return text + "</svg>\n</figure>\n";
}

} // namespace spmd_bench
