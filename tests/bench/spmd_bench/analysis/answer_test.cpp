// Guards against: an answer that claims more than was measured, or is about another point, and one that omits
// the decisive figure.

#include "bench/spmd_bench/sample_report.hpp"

#include <catch2/catch.hpp>
#include <spmd_bench/analysis/answer.hpp>

#include <algorithm>
#include <functional>
#include <random>
#include <string>
#include <vector>

using namespace spmd_bench;
using namespace test_support;
using namespace std::chrono_literals;

namespace {

/// The answer where map took 100 ns in each round, and spmd these times.
std::string answer_for(std::vector<double> spmd) {
    report what;
    const std::vector<measurement> both{{way_kind::map, 1, always(100, spmd.size())},
                                        {way_kind::spmd, 1, std::move(spmd)}};
    what.points = {summarise({}, 0, both, 0)};
    return answer_of(what, {}).sentences.front();
}

bool says(const report_answer& answer, const std::string& sentence) {
    CAPTURE(answer.sentences, sentence);
    return std::ranges::find(answer.sentences, sentence) != answer.sentences.end();
}

/// A sweep over ranks with these times of spmd; map always takes 1 ms.
report ranks_sweep(const std::vector<std::pair<std::size_t, double>>& spmd_by_ranks) {
    report what;
    what.swept = {sweep_axis::ranks};
    for (const auto& [ranks, time] : spmd_by_ranks) {
        const std::vector<measurement> both{{way_kind::map, 1, always(1e6)},
                                            {way_kind::spmd, 1, always(time)}};
        what.points.push_back(summarise({.ranks = ranks}, 0, both, 0));
    }
    return what;
}

} // namespace

TEST_CASE("the answer for one point claims a difference only where there is one") {
    CHECK(answer_for({90, 91, 92, 93, 94, 95}) ==
          "Use spmd, it saves 5 to 10 %: it took 0.925 x map's time (95 % sure: 0.900 to 0.950).");
    CHECK(answer_for(always(125)) ==
          "Use map, it saves 20 %: spmd took 1.250 x map's time (95 % sure: 1.250 to 1.250).");
    CHECK(answer_for({98, 99, 100, 100, 101, 102}) ==
          "The same within 5 %: spmd took 1.000 x map's time (95 % sure: 0.980 to 1.020).");
    CHECK(answer_for({90, 90, 90, 110, 110, 110}) == "Cannot tell: spmd took between 0.900 and 1.100 times "
                                                     "map's time; about 26 rounds, or a quieter machine, "
                                                     "would tell.");
    CHECK(answer_for(always(90, 5)) ==
          "Cannot tell: spmd took 0.900 x map's time, but 5 rounds are too few; use at least 6.");
    CHECK(answer_for(always(96)) ==
          "The same within 5 %: spmd took 0.960 x map's time (95 % sure: 0.960 to 0.960).");
    // Observed once, and reported as "No difference".
    CHECK(answer_for({6.5, 10, 102.1, 102.1, 1000, 1737.9}) ==
          "Cannot tell: spmd took between 0.065 and 17.379 times map's time; a quieter machine would tell.");
}

TEST_CASE("the answer for one point has the fastest way, the costs, the limit, and the reading") {
    report what = sample_report();
    std::vector<measurement> more = sample_measurements();
    more.push_back({way_kind::tbb, 1, always(0.72e6)});
    what.points[0].ways = summarise({.items = 500}, 1, more, 0).ways;
    const report_answer answer =
        answer_of(what, {{way_kind::map, {}, {}, interval_estimate{52, 50, 55}},
                         {way_kind::spmd, {}, interval_estimate{8.04, 8, 9}, interval_estimate{1, -2, 4}},
                         {way_kind::tbb, {}, {}, interval_estimate{9, 9, 9}}});
    CHECK(says(answer, "The fastest of all was tbb: 0.800 x spmd's time (95 % sure: 0.758 to 0.900)."));
    CHECK(says(
        answer,
        "Overhead, with items that do nothing: map 52 ns per item; spmd 8.0 ns per rank and at most 4.0 ns "
        "per item."));
    CHECK(says(answer,
               "spmd is limited by memory or I/O: 30 % of the threads' time is what items take longer "
               "than one by one."));
    CHECK(says(answer, "Opening and reading the files alone takes 56 % of spmd's time."));
    CHECK(answer.costs.size() == 3);
}

TEST_CASE("a way that had the least median by chance is not a winner") {
    report what;
    const std::vector<measurement> all{{way_kind::map, 1, always(100)},
                                       {way_kind::spmd, 1, {80, 90, 80, 90, 80, 90, 85}},
                                       {way_kind::tbb, 1, {90, 80, 90, 80, 90, 80, 84}}};
    what.points = {summarise({}, 0, all, 0)};
    CHECK(says(answer_of(what, {}),
               "Of all ways tbb had the least median, but is not clearly faster than spmd."));
}

TEST_CASE("without spmd and map the answer is the fastest way") {
    report what;
    const std::vector<measurement> one{{way_kind::serial, 0, always(1e6)}, {way_kind::read, 0, always(1e5)}};
    what.points = {summarise({}, 0, one, 0)};
    CHECK(
        answer_of(what, {}).sentences ==
        std::vector<std::string>{"serial had the least median, 1 ms; measure spmd and map to compare them."});
    what.points[0].ways.clear();
    CHECK(answer_of(what, {}).sentences.empty());
}

TEST_CASE("a sweep over item costs has the winners, and the crossover") {
    const report_answer answer = answer_of(sample_sweep(), {});
    CHECK(says(answer, "spmd is the faster at 2 of 3 points, most at item cost 0 ns: spmd took 0.000 x map's "
                       "time (95 % sure: 0.000 to 0.000)."));
    CHECK(says(answer, "map is the faster at 1 of 3 points, most at item cost 1 us: spmd took 1.250 x map's "
                       "time (95 % sure: 1.250 to 1.250)."));
    CHECK(says(answer,
               "Crossover at an item cost of 400 ns (95 % sure: 400 ns to 400 ns): spmd is the faster "
               "below, map above."));
    REQUIRE(answer.crossovers.size() == 1);
    CHECK(answer.crossovers[0].crossing_ns->value == Approx(400));
    CHECK(answer.crossovers[0].even_ns->value == Approx(200 / (1.5 / 0.95 - 1))); // 200 + c = 1.5 c / 0.95
}

TEST_CASE("a point where chance may have decided counts for neither") {
    report what = ranks_sweep({{1, 0.5e6}, {2, 2e6}});
    const std::vector<measurement> both{
        {way_kind::map, 1, always(1e6)},
        {way_kind::spmd, 1, {0.9e6, 0.95e6, 0.9e6, 1.1e6, 0.9e6, 1.1e6, 0.9e6}}};
    what.points.push_back(summarise({.ranks = 3}, 0, both, 0));
    const report_answer answer = answer_of(what, {});
    CHECK(answer.sentences[0].starts_with("spmd is the faster at 1 of 3 points, most at 1 rank: "));
    CHECK(answer.sentences[1].starts_with("map is the faster at 1 of 3 points, most at 2 ranks: "));
    CHECK(answer.sentences[2] ==
          "Cannot tell at 1 of 3 points; more than 51 rounds, or a quieter machine, would.");
}

TEST_CASE("points that are surely within 5 % are the same, and ones that surely differ by less are not won") {
    const report_answer answer = answer_of(ranks_sweep({{1, 1.01e6}, {2, 0.96e6}, {3, 0.5e6}}), {});
    CHECK(answer.sentences[0].starts_with("spmd is the faster at 1 of 3 points, most at 3 ranks: "));
    CHECK(answer.sentences[1] == "The same within 5 % at 2 of 3 points.");
}

TEST_CASE("of many points some differ by chance, and count for neither") {
    std::mt19937_64 draw(1);
    std::uniform_real_distribution<double> time(0.9e6, 1.1e6);
    int named = 0;
    constexpr int sweeps = 100;
    for (int sweep = 0; sweep < sweeps; ++sweep) {
        report what;
        what.swept = {sweep_axis::ranks};
        what.request.measurement.repetitions = 15;
        for (std::size_t ranks = 1; ranks <= 24; ++ranks) {
            std::vector<measurement> both{{way_kind::map, 1, always(0, 15)},
                                          {way_kind::spmd, 1, always(0, 15)}};
            for (measurement& each : both)
                for (double& one : each.nanoseconds) one = time(draw);
            what.points.push_back(summarise({.ranks = ranks}, 0, both, 0));
        }
        named += static_cast<int>(
            std::ranges::any_of(answer_of(what, {}).sentences, [](const std::string& sentence) {
                return sentence.find("is the faster") != std::string::npos;
            }));
    }
    CAPTURE(named);
    CHECK(named <= 10); // 5 of 100, and two standard deviations
}

TEST_CASE("without a win of map the answer is the item cost from which spmd gains too little") {
    report what = sample_sweep();
    for (point_result& point : what.points) { // map takes 500 (cost + 20 ns), spmd 500 cost
        const auto cost = static_cast<double>(point.settings.item_cost.count());
        const std::vector<measurement> both{{way_kind::map, 1, always(500 * (cost + 20))},
                                            {way_kind::spmd, 1, always(500 * cost)}};
        point = summarise(point.settings, 0, both, 0);
    }
    CHECK(says(answer_of(what, {}),
               "spmd saves 5 % or more up to an item cost of 380 ns (95 % sure: 380 ns to "
               "380 ns), less above."));
}

TEST_CASE("the answer says that there is no crossover") {
    report what = sample_sweep();
    what.points.pop_back();
    CHECK(says(answer_of(what, {}),
               "Between the item costs measured there is no crossover, nor one where spmd's "
               "gain falls below 5 %, for sure."));
}

TEST_CASE("every other setting has its own crossover, and the answer has the first ones") {
    report what = sample_sweep();
    what.swept = {sweep_axis::ranks, sweep_axis::item_cost};
    const std::vector<point_result> once = what.points;
    for (const std::size_t ranks : {1U, 2U, 3U, 4U, 5U})
        for (point_result point : once) {
            point.settings.ranks = ranks;
            what.points.push_back(point);
        }
    what.points.erase(what.points.begin(), what.points.begin() + 3);
    const report_answer answer = answer_of(what, {});
    CHECK(answer.crossovers.size() == 5);
    CHECK(answer.crossovers[4].settings.ranks == 5);
    CHECK(says(answer,
               "At 3 ranks: Crossover at an item cost of 400 ns (95 % sure: 400 ns to 400 ns): spmd is "
               "the faster below, map above."));
    CHECK(says(answer, "… and so on, for 2 more."));
}

TEST_CASE("a sweep over ranks finds the number from which more gain nothing") {
    const report_answer enough = answer_of(ranks_sweep({{1, 2e6}, {2, 1.01e6}, {8, 1e6}, {64, 1.5e6}}), {});
    CHECK(says(enough, "From 2 ranks on more lose: 64 take 1.49 times as long (least median: 8)."));
    REQUIRE(enough.ranks.size() == 1);
    CHECK(enough.ranks[0].settings.ranks == 2);
    CHECK(enough.ranks[0].fastest == 8);
    CHECK(says(answer_of(ranks_sweep({{1, 1.02e6}, {8, 1e6}, {64, 1.03e6}}), {}),
               "From 1 rank on more gain nothing (least median: 8)."));
    // Times that may be slower by chance are not surely slower.
    report noisy = ranks_sweep({{1, 2e6}, {8, 1e6}});
    const std::vector<measurement> both{
        {way_kind::map, 1, always(1e6)},
        {way_kind::spmd, 1, {0.95e6, 1.3e6, 0.96e6, 1.2e6, 0.97e6, 1.1e6, 1.3e6}}};
    noisy.points.insert(noisy.points.begin() + 1, summarise({.ranks = 2}, 0, both, 0));
    CHECK(answer_of(noisy, {}).ranks.front().settings.ranks == 8);
    CHECK(says(answer_of(ranks_sweep({{1, 2e6}, {2, 1e6}}), {}),
               "More ranks still gain at 2, the most that were measured."));
}

TEST_CASE("a sweep has the limits of spmd") {
    report what = ranks_sweep({{1, 2e6}, {2, 1e6}, {8, 1e6}});
    what.points[0].spmd_parts = time_parts{.total_ns = 100, .items_ns = 50, .imbalance_ns = 50};
    what.points[1].spmd_parts = time_parts{.total_ns = 100, .items_ns = 60, .imbalance_ns = 40};
    what.points[2].spmd_parts = time_parts{.total_ns = 100, .items_ns = 95, .scheduling_ns = 5};
    const report_answer answer = answer_of(what, {});
    CHECK(says(answer,
               "spmd is limited by imbalance at 2 of 3 points; at 1 rank 50 % of the threads' time is "
               "waiting for the last rank."));
    CHECK(says(answer, "spmd is limited by nothing at 1 of 3 points: the items have at least 90 % of the "
                       "threads' time."));
}

TEST_CASE("a sweep of few rounds claims nothing") {
    report what = sample_sweep();
    what.request.measurement.repetitions = 5;
    for (point_result& point : what.points)
        for (way_result& way : point.ways) way.samples_ns.resize(5);
    const report_answer answer = answer_of(what, {});
    CHECK(answer.sentences ==
          std::vector<std::string>{"5 repetitions are too few to tell differences at 3 points from chance."});
    CHECK_FALSE(answer.crossovers.front().crossing_ns);
}
