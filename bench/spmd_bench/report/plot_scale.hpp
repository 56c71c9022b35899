#pragma once

#include <functional>
#include <string>
#include <vector>

namespace spmd_bench {

/// A mark on an axis.
struct plot_tick {
    double value;
    /// Empty where it would overlap another one.
    std::string label;
    /// The label ends at the edge of the plot: centred on its tick it would exceed it.
    bool ends_at_edge = false;
};

/// The positions of values on an axis, and its ticks: round values, of which the first and the last are the
/// ends.
class plot_scale {
public:
    using labels = std::function<std::string(double)>;

    /// From a tick at or below `low` to one at or above `high`. Requires: low <= high.
    static plot_scale linear(double low, double high, const labels& label_of);
    /// As linear(), by the logarithm. With `has_zero`, 0 has a tick of its own, left of all others, and
    /// values between it and the least tick are placed linearly. Requires: 0 < low <= high.
    static plot_scale logarithmic(double low, double high, const labels& label_of, bool has_zero = false);

    /// 0 … 1 between the ends.
    double position(double value) const;
    const std::vector<plot_tick>& ticks() const noexcept { return ticks_; }
    /// Removes labels that overlap others, and moves labels that would exceed the edge of the plot, `beyond`
    /// past the end of the axis. `width`: of the axis. Both in widths of a character.
    void thin_labels(double width, double beyond);

private:
    double low_ = 0;
    double high_ = 1;
    double begin_ = 0; // the position of low_
    bool is_logarithmic_ = false;
    std::vector<plot_tick> ticks_;
};

/// "1.5 µs", "20 ms": at most three digits.
std::string time_label(double nanoseconds);
/// "100", "10,000", "0.5".
std::string number_label(double value);

} // namespace spmd_bench
