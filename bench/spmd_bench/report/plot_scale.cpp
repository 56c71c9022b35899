#include "spmd_bench/report/plot_scale.hpp"

#include "spmd_bench/options/units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace spmd_bench {
namespace {

constexpr double most_steps = 6;
constexpr double zero_room = 0.1; // share of a logarithmic axis that is reserved for 0
constexpr std::array round_figures{1.0, 2.0, 5.0};

double power_of_ten(double exponent) { return std::pow(10, exponent); }

/// The least of 1, 2, 5, 10, … times a power of ten that is at least the value.
double round_step(double value) {
    const double decade = power_of_ten(std::floor(std::log10(value)));
    for (const double figure : round_figures)
        if (figure * decade >= value * (1 - 1e-9)) return figure * decade;
    return 10 * decade;
}

} // namespace

plot_scale plot_scale::linear(double low, double high, const labels& label_of) {
    if (low == high) {
        low = std::min(0.0, low);
        high = low == high ? 1 : high;
    }
    const double step = round_step((high - low) / most_steps);
    const double first = std::floor(low / step + 1e-9);
    const double last = std::ceil(high / step - 1e-9);
    plot_scale scale;
    for (double i = first; i <= last; ++i) scale.ticks_.push_back({i * step, label_of(i * step)});
    scale.low_ = first * step;
    scale.high_ = last * step;
    return scale;
}

plot_scale plot_scale::logarithmic(double low, double high, const labels& label_of, bool has_zero) {
    plot_scale scale;
    scale.is_logarithmic_ = true;
    if (has_zero) {
        scale.begin_ = zero_room;
        scale.ticks_.push_back({0, label_of(0)});
    }
    const double decades = std::log10(high / low);
    const bool has_figures = decades < 2; // 1, 2, 5, 10 instead of 1, 10, 100
    const double apart = std::max(1.0, std::ceil(decades / most_steps));
    std::vector<double> candidates;
    const double begin = std::floor(std::log10(low) / apart + 1e-9) * apart;
    for (double exponent = begin; exponent <= std::log10(high) + apart; exponent += apart)
        for (const double figure : round_figures)
            if (figure == 1 || has_figures) candidates.push_back(figure * power_of_ten(exponent));
    // The last candidate at or below the least value, the first one at or above the largest.
    const auto first = std::prev(std::ranges::upper_bound(candidates, low * (1 + 1e-9)));
    auto last = std::lower_bound(first, candidates.end(), high * (1 - 1e-9));
    if (last == first) ++last;
    for (auto each = first; each <= last; ++each) scale.ticks_.push_back({*each, label_of(*each)});
    scale.low_ = *first;
    scale.high_ = *last;
    return scale;
}

double plot_scale::position(double value) const {
    if (!is_logarithmic_) return (value - low_) / (high_ - low_);
    if (value <= 0) return 0;
    // Linear in the room between 0 and the least tick.
    if (begin_ > 0 && value < low_) return begin_ * value / low_;
    return begin_ + (1 - begin_) * std::log(value / low_) / std::log(high_ / low_);
}

void plot_scale::thin_labels(double width, double beyond) {
    constexpr double gap = 1.5;
    double taken = -1e9; // the end of the last label
    for (plot_tick& tick : ticks_) {
        // A character of two bytes counts twice: too much room is better than too little.
        const auto length = static_cast<double>(tick.label.size());
        const double centred = position(tick.value) * width - length / 2;
        const double last = width + beyond - length;
        tick.ends_at_edge = centred > last;
        const double begin = std::min(centred, last);
        if (begin < taken)
            tick.label.clear();
        else
            taken = begin + length + gap;
    }
}

std::string time_label(double nanoseconds) {
    constexpr std::array units{unit{"s", 1e9}, unit{"ms", 1e6}, unit{"µs", 1e3}, unit{"ns", 1}};
    const auto found = std::ranges::find_if(
        units, [&](const unit& each) { return std::abs(nanoseconds) >= each.factor * (1 - 1e-9); });
    if (nanoseconds == 0) return "0";
    const unit shown = found != units.end() ? *found : units.back();
    return fmt::format("{:.3g} {}", nanoseconds / shown.factor, shown.name);
}

std::string number_label(double value) {
    if (value != std::floor(value) || std::abs(value) >= 1e15) return fmt::format("{:.3g}", value);
    std::string text = fmt::format("{:.0f}", std::abs(value));
    constexpr std::size_t group = 3;
    for (std::size_t end = text.size(); end > group; end -= group) text.insert(end - group, 1, ',');
    return value < 0 ? '-' + text : text;
}

} // namespace spmd_bench
