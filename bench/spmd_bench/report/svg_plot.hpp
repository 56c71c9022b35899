#pragma once

#include "spmd_bench/analysis/statistics.hpp"
#include "spmd_bench/report/plot_scale.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace spmd_bench {

/// A point with the bounds of its y value.
struct plot_point {
    double x = 0;
    interval_estimate y;
};

/// Points joined by a line. `number` selects its colour, dashes and marks.
struct plot_series {
    std::string name;
    std::size_t number = 0;
    std::vector<plot_point> points = {};
};

/// A position on the x axis with its bounds, named in the legend.
struct plot_marker {
    interval_estimate x;
    std::string label;
};

struct plot_axis {
    std::string title; ///< with the unit, unless the labels have one
    plot_scale scale;
};

/// Several lines over one axis, as in "time against ranks".
struct line_plot {
    std::string title;
    plot_axis x;
    plot_axis y;
    std::vector<plot_series> series;
    std::optional<plot_marker> marker = {};
    std::string ideal = {}; ///< the name of the line y = x; empty: no such line
};

/// Rows of samples with their quartiles.
struct strip_plot {
    struct strip {
        std::string name;
        std::size_t number = 0;
        std::span<const double> samples = {};
    };
    std::string title;
    plot_axis x;
    std::vector<strip> strips;
};

/// A figure with an <svg> element, a title and a description for screen readers, and a legend. Colours, fonts
/// and strokes are those of the page's style sheet. Text is escaped.
std::string svg_of(const line_plot& plot);
std::string svg_of(const strip_plot& plot);

} // namespace spmd_bench
