// Guards against: a difference that is claimed without being there, or that is there and not claimed.
#include "bench/spmd_bench/sample_report.hpp"
#include "bench/spmd_bench/two_reports.hpp"
#include "support/temporary_directory.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <spmd_bench/compare/compare_command.hpp>
#include <spmd_bench/compare/comparison.hpp>
#include <spmd_bench/compare/render_comparison.hpp>
#include <spmd_bench/report/render.hpp>
#include <spmd_bench/report/stored_report.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

using Catch::Contains;
using nlohmann::json;
using spmd_bench::compare_reports;
using spmd_bench::compared_way;
using spmd_bench::comparison;
using spmd_bench::count_slower;
using spmd_bench::run_compare;
using spmd_bench::verdict;
using namespace test_support;

namespace {

bool claims_a_change(const comparison& result) {
    return std::ranges::any_of(result.ways, [](const compared_way& way) {
        return way.change == verdict::slower || way.change == verdict::faster;
    });
}

} // namespace

TEST_CASE("the same but for noise: no change is claimed, in at least 95 of 100 comparisons of ten ways") {
    std::size_t claimed = 0;
    std::ptrdiff_t same = 0;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        std::vector<json> before;
        std::vector<json> after;
        for (std::uint64_t i = 0; i < 10; ++i) {
            before.push_back(way_of(std::to_string(i), times(1000, 100 * seed + i)));
            after.push_back(way_of(std::to_string(i), times(1000, 100 * seed + i + 50)));
        }
        const comparison result = two_reports(report_of(json::array({point_of(4, before)})),
                                              report_of(json::array({point_of(4, after)})))
                                      .compared();
        claimed += claims_a_change(result) ? 1U : 0U;
        same += std::ranges::count(result.ways, verdict::same, &compared_way::change);
    }
    CHECK(claimed <= 5);
    CHECK(same >= 900); // of 1,000: noise of 2 % leaves bounds within 5 %
}

TEST_CASE("a sweep of few rounds, the same but for noise: a change is claimed in about 1 of 20 comparisons") {
    // 24 points of 4 ways, 15 rounds, log-normal noise of 10 %: about 4 blocks of rounds, 96 figures that may
    // be wrong.
    const auto swept = [](std::uint64_t seed) {
        std::mt19937_64 draw(seed);
        std::lognormal_distribution<double> noise(0, 0.1);
        json points = json::array();
        for (std::size_t ranks = 1; ranks <= 24; ++ranks) {
            std::vector<json> ways;
            for (const char* name : {"serial", "map", "map-chunked", "spmd"}) {
                samples result(15);
                for (double& each : result) each = 1000 * noise(draw);
                ways.push_back(way_of(name, result));
            }
            points.push_back(point_of(ranks, ways));
        }
        return report_of(std::move(points), {"ranks"});
    };
    std::size_t claimed = 0;
    for (std::uint64_t run = 0; run < 40; ++run) {
        const comparison result = two_reports(swept(2 * run), swept(2 * run + 1)).compared();
        REQUIRE(result.ways.size() == 96);
        claimed += claims_a_change(result) ? 1U : 0U;
    }
    INFO(claimed << " of 40");
    CHECK(claimed <= 6); // more come once in 300 times where 1 in 20 is true
}

TEST_CASE("8 % longer is reported as the same in at most 1 of 20 comparisons, with any noise") {
    for (const double deviation : {0.02, 0.05, 0.1}) {
        std::size_t same = 0;
        for (std::uint64_t seed = 0; seed < 100; ++seed) {
            std::mt19937_64 draw(seed);
            std::lognormal_distribution<double> noise(0, deviation);
            samples before(21);
            samples after(21);
            for (double& each : before) each = 1000 * noise(draw);
            for (double& each : after) each = 1080 * noise(draw);
            const comparison result =
                two_reports(report_of(json::array({point_of(4, {way_of("map", before)})})),
                            report_of(json::array({point_of(4, {way_of("map", after)})})))
                    .compared();
            same += result.ways[0].change == verdict::same ? 1U : 0U;
        }
        CAPTURE(deviation);
        CHECK(same <= 5);
    }
}

TEST_CASE("10 % slower or faster is found, with bounds that contain it, except for 1 in 20") {
    std::size_t held = 0;
    for (std::uint64_t seed = 0; seed < 20; ++seed)
        for (const double factor : {1.1, 0.9}) {
            const two_reports files(
                report_of(json::array({point_of(
                    4, {way_of("map", times(1000, seed)), way_of("spmd", times(800, seed + 100))})})),
                report_of(json::array({point_of(4, {way_of("map", times(1000, seed + 200)),
                                                    way_of("spmd", times(800 * factor, seed + 300))})})));
            const comparison result = files.compared();
            CAPTURE(seed, factor);
            CHECK(result.ways[0].change == verdict::same);
            CHECK(result.ways[1].change == (factor > 1 ? verdict::slower : verdict::faster));
            held += result.ways[1].ratio.holds(factor) ? 1U : 0U;
            CHECK(count_slower(result, 5) == (factor > 1 ? 1 : 0));
            CHECK(count_slower(result, 20) == 0);
            CHECK_THAT(render_table(result),
                       Contains(factor > 1 ? "spmd is slower: 1." : "spmd is faster: 0.") &&
                           Contains("The same within 5 %: 1 of 2 figures."));
        }
    CHECK(held >= 36); // of 40
}

TEST_CASE("bounds of 0.9 to 2.5 cannot tell, and do not pass a gate at 20 %") {
    // The middle of what is half 1000 and half 1500 is known to be between the two, and no better.
    const samples before = times(1000, 1, 16);
    samples after = times(1000, 2, 16);
    for (std::size_t i = 0; i < 8; ++i) after[i] *= 1.5;
    const two_reports files(report_of(json::array({point_of(4, {way_of("map", before)})})),
                            report_of(json::array({point_of(4, {way_of("map", after)})})));
    const comparison result = files.compared();
    REQUIRE(result.ways[0].ratio.low < 0.95);
    REQUIRE(result.ways[0].ratio.high > 1.5);
    CHECK(result.ways[0].change == verdict::cannot_tell);
    CHECK(run_compare({files.first, files.second, "--fail-if-slower", "20"}).status == 3);
    CHECK_THAT(render_table(result),
               Contains("Cannot tell: 1 of 1 figures.\nmap: between 0.741 and 2.813 times "
                        "the time before; about 53 rounds, or a\nquieter machine, would tell."));
    CHECK(run_compare({files.first, files.second}).status == 0); // no gate
}

TEST_CASE("a sure difference below 5 % is the same: two runs of one program have such differences") {
    const samples before(41, 1000.0);
    const samples after(41, 1040.0);
    const comparison result = two_reports(report_of(json::array({point_of(4, {way_of("map", before)})})),
                                          report_of(json::array({point_of(4, {way_of("map", after)})})))
                                  .compared();
    CHECK(result.ways[0].ratio.value == Approx(1.04));
    CHECK(result.ways[0].change == verdict::same);
}

TEST_CASE("a phase in which a third of the rounds was disturbed is not a change") {
    const samples before = times(1000, 1);
    samples after = before;
    for (std::size_t i = 0; i < 14; ++i) after[i] *= 1.5;
    const comparison result = two_reports(report_of(json::array({point_of(4, {way_of("map", before)})})),
                                          report_of(json::array({point_of(4, {way_of("map", after)})})))
                                  .compared();
    CHECK(result.ways[0].change == verdict::cannot_tell);
}

TEST_CASE("relative to a way: a machine that is slower in one run changes nothing, a way that is does") {
    const auto with = [](double machine, double spmd, std::uint64_t seed) {
        const samples serial = times(2000 * machine, seed);
        return report_of(json::array(
            {point_of(4, {way_of("serial", serial), way_of("map", times(1000 * machine, seed + 1)),
                          way_of("spmd", times(900 * machine * spmd, seed + 2))})}));
    };
    const two_reports files(with(1, 1, 1), with(1.3, 1.2, 10));
    CHECK(count_slower(files.compared(), 5) == 3);
    const comparison relative = files.compared("serial");
    REQUIRE(relative.ways.size() == 2);
    CHECK(relative.ways[0].change == verdict::same);
    CHECK(relative.ways[1].change == verdict::slower);
    CHECK_THAT(render_table(relative), Contains("over serial"));
    CHECK_THROWS_WITH(files.compared("openmp"), Contains("one of the reports has no way 'openmp'"));
}

TEST_CASE("a machine that is slower in one run, as a fixed loop tells, changes nothing, a program that "
          "is does") {
    const auto with = [](double machine, double program, std::uint64_t seed) {
        json result = way_of("spmd", times(1000 * machine * program, seed));
        result["pace_ns"] = samples(41, 10'000 * machine);
        return report_of(json::array({point_of(4, {result})}));
    };
    const comparison machine = two_reports(with(1, 1, 1), with(1.1, 1, 2)).compared();
    CHECK(machine.ways[0].change == verdict::same);
    CHECK(machine.ways[0].ratio.value == Approx(1.1).epsilon(0.02));
    REQUIRE(machine.ways[0].paced);
    CHECK(machine.ways[0].paced->value == Approx(1.0).epsilon(0.02));
    CHECK(two_reports(with(1, 1, 1), with(1.02, 1.1, 2)).compared().ways[0].change == verdict::slower);
    json without = with(1, 1.2, 3);
    without["points"][0]["ways"][0].erase("pace_ns");
    CHECK(two_reports(with(1, 1, 1), without).compared().ways[0].change == verdict::slower);
}

TEST_CASE(
    "times and times at one pace that disagree cannot be told, but where the pace explains the change") {
    const auto with = [](double machine, double time) {
        json result = way_of("spmd", samples(41, time));
        result["pace_ns"] = samples(41, machine);
        return report_of(json::array({point_of(4, {result})}));
    };
    struct disagreement {
        double machine; // slower by
        double time;    // longer by
        verdict wanted;
        const char* said;
    };
    for (const disagreement& each :
         {disagreement{1.2, 1.2, verdict::same, "The same within 5 %: 1 of 1"},
          disagreement{1.0, 1.2, verdict::slower, "spmd is slower: 1.2"},
          disagreement{1.2, 1.0, verdict::cannot_tell,
                       "spmd: the same within 5 % by the clock, and faster at one pace"},
          disagreement{1.4, 1.2, verdict::cannot_tell,
                       "spmd: slower by the clock, and faster at one pace"}}) {
        CAPTURE(each.machine, each.time);
        const two_reports files(with(1000, 1000), with(1000 * each.machine, 1000 * each.time));
        const comparison result = files.compared();
        CHECK(result.ways[0].change == each.wanted);
        CHECK_THAT(render_table(result), Contains(each.said));
        // As the clock has it none but the first is slower, and at its pace the machine may excuse that.
        CHECK(run_compare({files.first, files.second, "--fail-if-slower", "10"}).status ==
              (each.wanted == verdict::slower ? 1 : 0));
    }
}

TEST_CASE("a sweep: points are matched in any order, and unmatched ones are named") {
    const two_reports files(
        report_of(json::array({point_of(1, {way_of("map", times(1000, 1)), way_of("tbb", times(1, 2))}),
                               point_of(4, {way_of("map", times(500, 2))})}),
                  {"ranks"}),
        report_of(json::array({point_of(4, {way_of("map", times(500, 3))}),
                               point_of(1, {way_of("map", times(1000, 4))}),
                               point_of(9, {way_of("map", times(1, 1))})}),
                  {"ranks"}));
    const comparison result = files.compared();
    REQUIRE(result.ways.size() == 2);
    CHECK(result.ways[0].point == "1 rank");
    CHECK(result.ways[1].point == "4 ranks");
    CHECK(result.missing == std::vector<std::string>{"tbb is in " + files.first + " alone",
                                                     "9 ranks is in " + files.second + " alone"});
    CHECK_THAT(render_table(result), Contains("not compared: "));
    const json data = json::parse(render_json(result));
    CHECK(data["ways"][1]["point"] == "4 ranks");
    CHECK(data["ways"][1]["change"] == "the same within 5 %");
}

TEST_CASE("other differences of the reports are warnings") {
    json other = report_of(json::array({point_of(4, {way_of("map", times(1000, 2, 3))})}));
    other["machine"]["cpu"] = "another CPU";
    other["seed"] = 2;
    const comparison result =
        two_reports(report_of(json::array({point_of(4, {way_of("map", times(1000, 1))})})), other).compared();
    CHECK(result.warnings == std::vector<std::string>{"different machines: a CPU; another CPU",
                                                      "different seeds, so other items: 1; 2"});
}

TEST_CASE("other items, pools and warm-ups are warnings, each once") {
    const auto with = [](const std::function<void(json&)>& act) {
        json result = report_of(json::array({point_of(4, {way_of("map", times(1000, 1))}),
                                             point_of(8, {way_of("map", times(1000, 2))})}),
                                {"ranks"});
        act(result);
        return result;
    };
    struct difference {
        std::function<void(json&)> act;
        const char* said;
    };
    for (const difference& each :
         {difference{[](json& r) {
                         for (json& point : r["points"]) point["bytes"] = 512'000;
                     },
                     "different items, by their bytes: 0; 512000"},
          difference{[](json& r) { r["warmup"] = 0; }, "different warm-up runs: 1; 0"},
          difference{[](json& r) { r["pool"]["pinned"] = true; },
                     "different pinning of workers: false; true"},
          difference{[](json& r) { r["pool"]["placement"] = "per_numa_node"; },
                     "different placements: compact; per_numa_node"}})
        CHECK(two_reports(with([](json&) {}), with(each.act)).compared().warnings ==
              std::vector<std::string>{each.said});
    CHECK(two_reports(with([](json&) {}), with([](json&) {})).compared().warnings.empty());
}

TEST_CASE("relative to a way: one with other rounds, such as another program's, is refused") {
    const auto with = [](std::size_t peers) {
        return report_of(json::array({point_of(
            4, {way_of("serial", times(1000, 1)), way_of("ipython-parallel", times(900, 2, peers))})}));
    };
    const two_reports before(with(400), with(41));
    CHECK_THROWS_WITH(
        before.compared("serial"),
        "--relative-to: " + before.first +
            " has 41 samples of 'serial' and 400 of 'ipython-parallel', which are not of the same rounds");
    const two_reports after(with(41), with(7));
    CHECK_THROWS_AS(after.compared("serial"), spmd_bench::report_error);
    CHECK_THROWS_WITH(after.compared("serial"),
                      Contains(after.second + " has 41 samples of 'serial' and 7 of "));
    CHECK(after.compared().ways.size() == 2);
}

TEST_CASE("a ratio that is not a finite number cannot tell, and does not pass a gate") {
    const auto with = [](double serial, double map) {
        return report_of(json::array(
            {point_of(4, {way_of("serial", samples(9, serial)), way_of("map", samples(9, map))})}));
    };
    for (const auto& [before, after] : {std::pair{with(1e300, 1e-300), with(1e300, 1e-300)}, // 0 / 0
                                        std::pair{with(1e-300, 1e300), with(1e-300, 1e300)}, // infinite, both
                                        std::pair{with(1, 1), with(1e-300, 1e300)},          // infinite
                                        std::pair{with(1e300, 1e-300), with(1, 1)}}) {       // 1 / 0
        const two_reports files(before, after);
        const comparison result = files.compared("serial");
        CHECK(result.ways[0].change == verdict::cannot_tell);
        CHECK_THAT(render_table(result), Contains("map: the times have no finite ratio."));
        CHECK(run_compare({files.first, files.second, "--relative-to", "serial", "--fail-if-slower", "20"})
                  .status == 3);
        CHECK(json::parse(render_json(result))["ways"][0]["ratio"]["high"].is_null());
    }
}

TEST_CASE("fewer than six rounds have no change and no bounds, say so, and do not pass a gate") {
    const auto with = [](const samples& map) {
        return report_of(json::array({point_of(4, {way_of("map", map), way_of("spmd", times(1000, 1))})}));
    };
    struct rounds {
        std::size_t before;
        std::size_t after;
    };
    for (const auto& [before, after] :
         {rounds{1, 1}, rounds{2, 2}, rounds{5, 5}, rounds{5, 41}, rounds{41, 1}}) {
        CAPTURE(before, after);
        const two_reports files(with(samples(before, 1000.0)), with(samples(after, 2000.0)));
        const comparison result = files.compared();
        CHECK(result.ways[0].change == verdict::cannot_tell);
        CHECK(result.ways[0].ratio.value == 2);
        CHECK(result.ways[1].change == verdict::same);
        CHECK(run_compare({files.first, files.second, "--fail-if-slower", "10"}).status == 3);
        const std::size_t rounds = std::min(before, after);
        CHECK_THAT(render_table(result),
                   Contains("Cannot tell: 1 of 2 figures.") &&
                       Contains("map: " + std::to_string(rounds) + (rounds == 1 ? " round" : " rounds") +
                                " are too few; use at least 6.") &&
                       Contains("The same within 5 %: 1 of 2 figures."));
        const json data = json::parse(render_json(result));
        CHECK(data["ways"][0]["ratio"] == json{{"value", 2}, {"low", nullptr}, {"high", nullptr}});
        CHECK(data["ways"][0]["change"] == "cannot tell");
    }
    const two_reports enough(with(samples(6, 1000.0)), with(samples(6, 2000.0)));
    CHECK(enough.compared().ways[0].change == verdict::slower);
}

TEST_CASE("figures with too few rounds do not widen the bounds of the others") {
    const auto with = [](std::size_t others, double spmd, std::uint64_t seed) {
        std::vector<json> ways{way_of("spmd", times(spmd, seed))};
        for (std::size_t i = 0; i < others; ++i) ways.push_back(way_of(std::to_string(i), {1000}));
        return report_of(json::array({point_of(4, ways)}));
    };
    CHECK(two_reports(with(0, 1000, 1), with(0, 1100, 2)).compared().ways[0].ratio ==
          two_reports(with(9, 1000, 1), with(9, 1100, 2)).compared().ways[0].ratio);
}

TEST_CASE("settings that a workload does not have, which are null, are the same in both reports") {
    json null = report_of(json::array({point_of(4, {way_of("map", times(1000, 1))})}));
    for (const char* setting : {"item_cost_ns", "file_size_bytes", "skew"})
        null["points"][0]["at"][setting] = nullptr;
    const comparison result = two_reports(null, null).compared();
    CHECK(result.ways.size() == 1);
    CHECK(result.missing.empty());
}

TEST_CASE("spmd_bench's own reports are compared") {
    const temporary_directory scratch;
    const std::string file =
        scratch.write("report.json", spmd_bench::render_json(test_support::sample_report()));
    const comparison result = compare_reports(file, file);
    CHECK(result.ways.size() == test_support::sample_report().points[0].ways.size());
    CHECK(std::ranges::count(result.ways, verdict::same, &compared_way::change) == std::ssize(result.ways));
}
