// Guards against: a picture that is not XML, text that becomes markup, and marks that are not at their
// values.
#include <catch2/catch.hpp>
#include <spmd_bench/report/svg_plot.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

using namespace spmd_bench;
using Catch::Contains;

namespace {

line_plot lines() {
    line_plot plot{
        "Time & <ranks>",
        {"ranks", plot_scale::linear(0, 10, number_label)},
        {"time per run", plot_scale::linear(0, 100, time_label)},
        {{"map", 0, {{0, {0, 0, 0}}, {10, {100, 50, 100}}}}, {"spmd \"quoted\"", 1, {{5, {50, 40, 60}}}}}};
    return plot;
}

struct place {
    double x;
    double y;
};

/// The corners of the path of a class, in units of the view box.
std::vector<place> corners_of(const std::string& svg, std::string_view css_class) {
    const std::size_t found = svg.find("class=\"" + std::string(css_class) + "\" d=\"");
    REQUIRE(found != std::string::npos);
    const std::size_t begin = svg.find(" d=\"", found) + 4;
    std::string path = svg.substr(begin, svg.find('"', begin) - begin);
    std::ranges::replace_if(path, [](char c) { return c == 'M' || c == 'L'; }, ' ');
    std::istringstream numbers(path);
    std::vector<place> corners;
    for (place each{}; numbers >> each.x >> each.y;) corners.push_back(each);
    return corners;
}

/// The y of a path at x. Requires: a path from left to right that contains x, but for rounding.
double height_at(const std::vector<place>& corners, double x) {
    const auto right = std::ranges::find_if(corners, [&](const place& each) { return each.x >= x - 0.06; });
    REQUIRE(right != corners.end());
    if (right == corners.begin()) return right->y;
    const place left = *std::prev(right);
    return left.y + (right->y - left.y) * (x - left.x) / (right->x - left.x);
}

} // namespace

TEST_CASE("a plot of lines: titles, axes, a line, a band and marks for each series, and a legend") {
    const std::string svg = svg_of(lines());
    CHECK_THAT(svg, Contains("<figcaption>Time &amp; &lt;ranks&gt;</figcaption>") &&
                        Contains("<title>Time &amp; &lt;ranks&gt;</title>"));
    CHECK_THAT(svg,
               Contains(">time per run</text>") && Contains(">ranks</text>") && Contains(">100 ns</text>"));
    CHECK_THAT(svg, Contains("</svg>spmd &quot;quoted&quot;</li>") && Contains("role=\"img\""));
    // From the lower left to the upper right corner; the band goes to half of the height there.
    CHECK_THAT(svg, Contains("class=\"line s0 dash0\" d=\"M57.4 274.0L468.0 34.0\""));
    CHECK_THAT(svg, Contains("class=\"band s0\" d=\"M57.4 274.0L468.0 34.0L468.0 154.0L57.4 274.0Z\""));
    CHECK_THAT(svg, !Contains("class=\"here\"") && !Contains("class=\"ideal\""));
}

TEST_CASE("a marker: its position, bounds clipped to the plot, and its label in the legend") {
    line_plot plot = lines();
    plot.marker = plot_marker{{5, 2.5, 40}, "from 5 on"};
    CHECK_THAT(svg_of(plot), Contains("class=\"here\" d=\"M262.7 34V274\"") &&
                                 Contains("d=\"M160.1 34H468.0V274H160.1Z\"") &&
                                 Contains("</svg>from 5 on</li>"));
}

TEST_CASE("a marker between 0 and the least cost is between them, and its bounds have a width") {
    line_plot plot = lines();
    plot.x.scale = plot_scale::logarithmic(100, 10'000, time_label, true);
    plot.marker = plot_marker{{37.3, 21.3, 43.6}, "from 37.3 ns on"};
    // 0 at 57.4, 100 ns at a tenth of the 410.6 to the right edge.
    CHECK_THAT(svg_of(plot),
               Contains("class=\"here\" d=\"M72.7 34V274\"") && Contains("d=\"M66.1 34H75.3V274H66.1Z\""));
}

TEST_CASE("the ideal line is y = x, in the range of both axes") {
    line_plot plot = lines();
    plot.y.scale = plot_scale::linear(0, 5, number_label);
    plot.ideal = "ideal";
    const std::string svg = svg_of(plot);
    CHECK_THAT(svg, Contains("</svg>ideal</li>"));
    const std::vector<place> ideal = corners_of(svg, "ideal");
    CHECK((ideal.front().x == 30 && ideal.front().y == 274));
    CHECK((ideal.back().x == 249 && ideal.back().y == 34));
    CHECK(height_at(ideal, 139.5) == Approx(154).margin(0.1));
}

TEST_CASE("ideal points are on the ideal line, with any scales") {
    const plot_scale linear = plot_scale::linear(0, 64, number_label);
    const plot_scale logarithmic = plot_scale::logarithmic(1, 64, number_label);
    for (const plot_scale& x : {linear, logarithmic})
        for (const plot_scale& y : {linear, logarithmic}) {
            line_plot plot{"Scaling", {"threads", x}, {"speed-up", y}, {{"spmd", 0}}};
            plot.ideal = "ideal";
            for (double value = 1; value <= 64; value *= 2)
                plot.series[0].points.push_back({value, {value, value, value}});
            const std::string svg = svg_of(plot);
            const std::vector<place> ideal = corners_of(svg, "ideal");
            const std::vector<place> series = corners_of(svg, "line s0 dash0");
            REQUIRE(series.size() == 7);
            for (const place& each : series) {
                CAPTURE(each.x, each.y);
                CHECK(height_at(ideal, each.x) == Approx(each.y).margin(0.5));
            }
        }
}

TEST_CASE("no ideal line where x and y have no value in common") {
    line_plot plot = lines();
    plot.y.scale = plot_scale::linear(20, 30, number_label);
    plot.ideal = "ideal";
    CHECK_THAT(svg_of(plot), !Contains("ideal"));
}

TEST_CASE("a plot of samples: a dot for each, quartiles and the median") {
    const std::vector<double> samples{0, 2, 4, 6, 8};
    const strip_plot plot{
        "Samples", {"time", plot_scale::linear(0, 10, number_label)}, {{"map", 3, samples}, {"none", 4, {}}}};
    const std::string svg = svg_of(plot);
    std::size_t dots = 0;
    for (std::size_t place = svg.find("<circle"); place != std::string::npos;
         place = svg.find("<circle", place + 1))
        ++dots;
    CHECK(dots == 5);
    // From 41.6 to 468: 2, 4 and 6 of 10.
    CHECK_THAT(svg, Contains("class=\"box s3\" d=\"M126.9 39.0H297.4V55.0H126.9Z\"") &&
                        Contains("class=\"middle s3\" d=\"M212.2 39.0"));
    CHECK_THAT(svg, Contains(">none</text>"));
}
