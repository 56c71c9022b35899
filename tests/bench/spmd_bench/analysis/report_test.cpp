// Guards against: a figure of another way or round, a ratio across rounds, and a warning that is missing or
// unfounded.

#include "bench/spmd_bench/sample_report.hpp"

#include <catch2/catch.hpp>
#include <spmd_bench/analysis/report.hpp>

#include <string>
#include <vector>

using namespace spmd_bench;
using namespace test_support;

namespace {

/// The warnings for these times of map.
std::vector<std::string> warned_of(std::vector<double> times, double clock_overhead_ns = 0,
                                   bool settled = true) {
    const std::vector<measurement> measured{{way_kind::map, 1, std::move(times), settled}};
    const point_result point = summarise({}, 0, measured, clock_overhead_ns);
    std::vector<std::string> what;
    for (const warning& each : point.warnings) what.push_back(text_of(each));
    return what;
}

} // namespace

TEST_CASE("a result holds the figures of its way") {
    const point_result point = summarise({.items = 500}, 512'000, sample_measurements(), 0);
    const way_result& serial = *find_way(point, way_kind::serial);
    CHECK(serial.samples_ns[6] == 2.2e6);
    CHECK(serial.median_ns.value == 2.0e6);
    CHECK(serial.mad_ns == 0);
    CHECK(serial.min_ns == 1.9e6);
    CHECK(items_per_second(point, serial) == Approx(250'000));
    CHECK(bytes_per_second(point, serial) == Approx(256e6));
    CHECK(serial.ratio_to_map->value == Approx(2));
    CHECK(serial.ratio_to_read->value == Approx(4));
    CHECK(find_way(point, way_kind::spmd)->ratio_to_map->value == Approx(0.9));
    CHECK(find_way(point, way_kind::spmd)->ratio_to_map->holds(0.9));
    CHECK_FALSE(find_way(point, way_kind::spmd)->ratio_to_map->holds(1));
    CHECK(find_way(point, way_kind::map_chunked)->submissions == std::nullopt);
    CHECK(find_way(point, way_kind::openmp) == nullptr);
}

TEST_CASE("without map there is no ratio to it, and without time no rate") {
    const std::vector<measurement> only{{way_kind::serial, 0, {0}}};
    const point_result point = summarise({.items = 5}, 5, only, 0);
    CHECK_FALSE(point.ways[0].ratio_to_map);
    CHECK_FALSE(point.ways[0].ratio_to_read);
    CHECK(items_per_second(point, point.ways[0]) == 0);
    CHECK(bytes_per_second(point, point.ways[0]) == 0);
}

TEST_CASE("the ratio is the median of those within rounds, not that of the medians") {
    const std::vector<measurement> both{{way_kind::map, 1, {100, 200, 400}},
                                        {way_kind::spmd, 1, {50, 240, 440}}};
    CHECK(summarise({}, 0, both, 0).ways[1].ratio_to_map->value == Approx(1.1)); // of 0.5, 1.2, 1.1
}

TEST_CASE("steady times have no warning") {
    CHECK(warned_of({100, 101, 99, 100, 102, 98, 100, 101, 99, 100}).empty());
    CHECK(warned_of({100}).empty());
}

TEST_CASE("warnings name the symptom and the remedy") {
    CHECK(
        warned_of(always(100), 0, false) ==
        std::vector<std::string>{"not stable after the warm-up: map; end other programs, or let the machine "
                                 "cool, and run again"});
    CHECK(
        warned_of({100, 101, 102, 103, 104, 105, 106, 107, 108, 109}) ==
        std::vector<std::string>{"times that drift: map +7 %; the CPU's frequency changes, or other programs "
                                 "run: fix it, end them"});
    std::vector<double> disturbed = always(100, 25);
    for (std::size_t i = 0; i < disturbed.size(); ++i) disturbed[i] += static_cast<double>(i % 3);
    for (const std::size_t i : {1U, 6U, 10U, 14U, 19U, 23U}) disturbed[i] = 150;
    CHECK(
        warned_of(disturbed) ==
        std::vector<std::string>{"many outliers: map 6 of 25; other programs disturb: end them, or use fewer "
                                 "--threads than there are CPUs"});
    disturbed[1] = 101;
    CHECK(warned_of(disturbed).empty()); // 5 of 25
    CHECK(warned_of({100, 200, 100, 200, 100, 200, 150, 100, 200}) ==
          std::vector<std::string>{"wide intervals: map 67 %; four times the --repetitions halve them"});
    CHECK(warned_of(always(2'000), 25) ==
          std::vector<std::string>{"hardly longer than a clock reading: map; use more --items"});
    CHECK(warned_of(always(2'500), 25).empty());
}

TEST_CASE("a way with a warning is unstable, except near the clock") {
    const auto unstable = [](std::vector<double> times) {
        const std::vector<measurement> measured{{way_kind::map, 1, std::move(times)}};
        return summarise({}, 0, measured, 1'000).ways[0].unstable;
    };
    CHECK(unstable({100, 101, 102, 103, 104, 105, 106, 107, 108, 109}));
    CHECK_FALSE(unstable(always(100)));
}

TEST_CASE("the command repeats the measurement") {
    CHECK(command_of(sample_report()) ==
          "spmd_bench --workload files --items 500 --file-size 1024 --ranks 100 --threads 2 --chunk auto "
          "--placement compact --repetitions 51 --warmup 1 --seed 1 --ways serial,map,map-chunked,spmd,read");
}
