// Guards against: a picture that is no XML, text that is taken for markup, and marks that stand where their values are not.
#include <catch2/catch.hpp>
#include <spmd_bench/svg_plot.hpp>

#include <string>
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

} // namespace

TEST_CASE("text is escaped, and what is no UTF-8 is replaced") {
    CHECK(escaped_html("a<b>&\"'") == "a&lt;b&gt;&amp;&quot;&#39;");
    CHECK(escaped_html("µ caf\xe9\n") == "µ caf\xef\xbf\xbd ");
}

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

TEST_CASE("a marker: where it is, bounds that end with the plot, and its label in the legend") {
    line_plot plot = lines();
    plot.marker = plot_marker{{5, 2.5, 40}, "from 5 on"};
    CHECK_THAT(svg_of(plot), Contains("class=\"here\" d=\"M262.7 34V274\"") &&
                                 Contains("d=\"M160.1 34H468.0V274H160.1Z\"") &&
                                 Contains("</svg>from 5 on</li>"));
}

TEST_CASE("the ideal line is where x and y are the same, as far as both go") {
    line_plot plot = lines();
    plot.y.scale = plot_scale::linear(0, 5, number_label);
    plot.ideal = "ideal";
    CHECK_THAT(svg_of(plot),
               Contains("class=\"ideal\" d=\"M30.0 274.0L249.0 34.0\"") && Contains("</svg>ideal</li>"));
}

TEST_CASE("a plot of samples: a dot for each, quartiles and the median") {
    const std::vector<double> samples{0, 2, 4, 6, 8};
    const strip_plot plot{
        "Samples", {"time", plot_scale::linear(0, 10, number_label)}, {{"map", 3, samples}, {"none", 4, {}}}};
    const std::string svg = svg_of(plot);
    std::size_t dots = 0;
    for (std::size_t at = svg.find("<circle"); at != std::string::npos; at = svg.find("<circle", at + 1))
        ++dots;
    CHECK(dots == 5);
    // From 41.6 to 468: 2, 4 and 6 of 10.
    CHECK_THAT(svg, Contains("class=\"box s3\" d=\"M126.9 39.0H297.4V55.0H126.9Z\"") &&
                        Contains("class=\"middle s3\" d=\"M212.2 39.0"));
    CHECK_THAT(svg, Contains(">none</text>"));
}
