#pragma once

#include <functional>
#include <string>
#include <vector>

namespace spmd_bench {

/// A mark on an axis.
struct plot_tick {
    double value;
    /// Empty without room for one.
    std::string label;
    /// The label ends at the edge of the plot: around its tick it would reach beyond it.
    bool ends_at_edge = false;
};

/// Where values stand on an axis, and the ticks on it: at round values, of which the first and the last are its ends.
class plot_scale {
public:
    using labels = std::function<std::string(double)>;

    /// From a tick at or below `low` to one at or above `high`. Requires: low <= high.
    static plot_scale linear(double low, double high, const labels& label_of);
    /// The same by the logarithm. Values of 0 stand apart, left of all others, if `has_zero`; those between 0 and the least
    /// tick are then in proportion between the two. Requires: 0 < low <= high.
    static plot_scale logarithmic(double low, double high, const labels& label_of, bool has_zero = false);

    /// 0 … 1 for what is between the ends.
    double position(double value) const;
    const std::vector<plot_tick>& ticks() const noexcept { return ticks_; }
    /// Removes labels until the others do not overlap, and moves those that would reach beyond the edge of the plot, which
    /// is `beyond` after the end of the axis. In widths of a character, as `width`, that of the axis.
    void thin_labels(double width, double beyond);

private:
    double low_ = 0;
    double high_ = 1;
    double begin_ = 0; // where low_ stands
    bool is_logarithmic_ = false;
    std::vector<plot_tick> ticks_;
};

/// "1.5 µs", "20 ms": as short as it is exact, with at most three digits.
std::string time_label(double nanoseconds);
/// "100", "10,000", "0.5".
std::string number_label(double value);

} // namespace spmd_bench
