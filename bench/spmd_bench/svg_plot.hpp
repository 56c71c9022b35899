#pragma once

#include "plot_scale.hpp"
#include "statistics.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace spmd_bench {

/// A value at a place, with its bounds.
struct plot_point {
    double x = 0;
    interval_estimate y;
};

/// Points that are joined by a line. Its number chooses its colour, its dashes and the shape of its marks.
struct plot_series {
    std::string name;
    std::size_t number = 0;
    std::vector<plot_point> points = {};
};

/// A place on the x axis, with its bounds, that the legend names.
struct plot_marker {
    interval_estimate x;
    std::string label;
};

struct plot_axis {
    std::string title; ///< with the unit, where the labels have none
    plot_scale scale;
};

/// Lines over each other, as in "time against ranks".
struct line_plot {
    std::string title;
    plot_axis x;
    plot_axis y;
    std::vector<plot_series> series;
    std::optional<plot_marker> marker = {};
    std::string ideal = {}; ///< what the line y = x is called, as far as both axes go; empty: there is none
};

/// All samples of several things below each other, with their quartiles.
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

/// An <svg> element with a title and a description for those who do not see it, and a legend beside it. Colours, fonts and
/// strokes come from the style sheet of the page. Text is escaped.
std::string svg_of(const line_plot& plot);
std::string svg_of(const strip_plot& plot);

/// Text as it stands in HTML and XML, in an attribute, too; what is no UTF-8 becomes U+FFFD.
std::string escaped_html(std::string_view text);

} // namespace spmd_bench
