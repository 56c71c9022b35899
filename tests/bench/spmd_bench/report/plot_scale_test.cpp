// Guards against: a value that is not at its tick, ends that cut values off, and overlapping labels.
#include <catch2/catch.hpp>
#include <spmd_bench/report/plot_scale.hpp>

#include <string>
#include <vector>

using spmd_bench::number_label;
using spmd_bench::plot_scale;
using spmd_bench::time_label;

namespace {

std::vector<std::string> labels_of(const plot_scale& scale) {
    std::vector<std::string> labels;
    for (const auto& tick : scale.ticks()) labels.push_back(tick.label);
    return labels;
}

using texts = std::vector<std::string>;

} // namespace

TEST_CASE("linear: round steps, from a tick below to one above") {
    CHECK(labels_of(plot_scale::linear(0, 6, number_label)) == texts{"0", "1", "2", "3", "4", "5", "6"});
    CHECK(labels_of(plot_scale::linear(0.3, 97, number_label)) == texts{"0", "20", "40", "60", "80", "100"});
    CHECK(labels_of(plot_scale::linear(2'510'000, 2'690'000, time_label)) ==
          texts{"2.5 ms", "2.55 ms", "2.6 ms", "2.65 ms", "2.7 ms"});
    const plot_scale scale = plot_scale::linear(20, 100, number_label);
    CHECK(scale.position(20) == 0);
    CHECK(scale.position(60) == Approx(0.5));
    CHECK(scale.position(100) == 1);
}

TEST_CASE("linear over one value") {
    for (const double value : {0.0, 7.0, -3.0}) {
        const plot_scale scale = plot_scale::linear(value, value, number_label);
        CHECK(scale.ticks().size() >= 2);
        CHECK((scale.position(value) >= 0 && scale.position(value) <= 1));
    }
}

TEST_CASE("logarithmic: decades, or 1, 2 and 5 where they are few, or every second where they are many") {
    CHECK(labels_of(plot_scale::logarithmic(1, 1000, number_label)) == texts{"1", "10", "100", "1,000"});
    CHECK(labels_of(plot_scale::logarithmic(4, 32, number_label)) == texts{"2", "5", "10", "20", "50"});
    CHECK(labels_of(plot_scale::logarithmic(1, 1e9, time_label)) ==
          texts{"1 ns", "100 ns", "10 µs", "1 ms", "100 ms", "10 s"});
    const plot_scale scale = plot_scale::logarithmic(1, 1000, number_label);
    CHECK(scale.position(1) == 0);
    CHECK(scale.position(10) == Approx(1.0 / 3));
    CHECK(scale.position(1000) == Approx(1));
    CHECK(plot_scale::logarithmic(5, 5, number_label).ticks().size() == 2);
}

TEST_CASE("logarithmic with 0: its tick is left of all others") {
    const plot_scale scale = plot_scale::logarithmic(100, 10'000, time_label, true);
    CHECK(labels_of(scale) == texts{"0", "100 ns", "1 µs", "10 µs"});
    CHECK(scale.position(0) == 0);
    CHECK(scale.position(100) == Approx(0.1));
    CHECK(scale.position(10'000) == Approx(1));
}

TEST_CASE("logarithmic with 0: values between 0 and the least tick are placed linearly") {
    const plot_scale scale = plot_scale::logarithmic(100, 10'000, time_label, true);
    CHECK(scale.position(50) == Approx(0.05));
    CHECK(scale.position(37.3) == Approx(0.0373));
    CHECK(scale.position(99.99) == Approx(0.1).margin(1e-4));
    CHECK(scale.position(1e-9) == Approx(0).margin(1e-9));
}

TEST_CASE("all values are between the ends") {
    for (double low = 0.013; low < 1e6; low *= 3.7)
        for (double factor = 1; factor < 1e7; factor *= 5.3) {
            CAPTURE(low, factor);
            for (const plot_scale& scale : {plot_scale::linear(low, low * factor, number_label),
                                            plot_scale::logarithmic(low, low * factor, number_label)}) {
                CHECK(scale.position(low) >= -1e-6);
                CHECK(scale.position(low * factor) <= 1 + 1e-6);
                CHECK(scale.ticks().size() <= 9);
                CHECK(scale.ticks().size() >= 2);
            }
        }
}

TEST_CASE("overlapping labels are removed") {
    plot_scale scale = plot_scale::linear(0, 6'000, number_label);
    scale.thin_labels(100, 10);
    CHECK(labels_of(scale) == texts{"0", "1,000", "2,000", "3,000", "4,000", "5,000", "6,000"});
    scale.thin_labels(20, 10);
    CHECK(labels_of(scale) == texts{"0", "", "2,000", "", "4,000", "", "6,000"});
}

TEST_CASE("a label that ends at the edge, not centred on its tick, does not overlap others") {
    // Seven labels of five characters, seven apart: centred they all fit, but the last one has room for 1
    // beyond its tick.
    plot_scale scale = plot_scale::linear(0, 6000, number_label);
    scale.thin_labels(42, 10);
    CHECK(labels_of(scale) == texts{"0", "1,000", "2,000", "3,000", "4,000", "5,000", "6,000"});
    CHECK_FALSE(scale.ticks().back().ends_at_edge);
    scale.thin_labels(42, 1);
    CHECK(labels_of(scale) == texts{"0", "1,000", "2,000", "3,000", "4,000", "5,000", ""});

    plot_scale wide = plot_scale::linear(0, 6000, number_label);
    wide.thin_labels(60, 1);
    CHECK(labels_of(wide) == texts{"0", "1,000", "2,000", "3,000", "4,000", "5,000", "6,000"});
    CHECK(wide.ticks().back().ends_at_edge);
    CHECK_FALSE(wide.ticks()[5].ends_at_edge);
}

TEST_CASE("labels of times and numbers") {
    CHECK(time_label(0) == "0");
    CHECK(time_label(0.5) == "0.5 ns");
    CHECK(time_label(1) == "1 ns");
    CHECK(time_label(1500) == "1.5 µs");
    CHECK(time_label(2e9) == "2 s");
    CHECK(number_label(1234567) == "1,234,567");
    CHECK(number_label(-1234) == "-1,234");
    CHECK(number_label(0.25) == "0.25");
}
