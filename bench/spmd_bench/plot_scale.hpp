#pragma once

#include <functional>
#include <string>
#include <vector>

namespace spmd_bench {

/// A mark on an axis.
struct plot_tick {
    double value;
    std::string label; ///< empty where there is no room for one
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
    /// Takes labels away until the others have a place of their own: `width` is that of the axis, in widths of a character.
    void thin_labels(double width);

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
