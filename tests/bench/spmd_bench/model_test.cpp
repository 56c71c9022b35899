// Guards against: a prediction that is not what the measured parts add up to, and a model that does not say how far it goes.
#include "sample_report.hpp"

#include <catch2/catch.hpp>
#include <spmd_bench/model.hpp>
#include <spmd_bench/options.hpp>
#include <spmd_bench/render.hpp>
#include <spmd_bench/report.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

using namespace spmd_bench;
using Catch::Contains;

namespace {

interval_estimate sure(double value) { return {value, value, value}; }

/// Times that known parts add up to: 1 us a launch, 10 ns of a thread's time a rank, 1 us an item.
point_result point(std::size_t ranks, std::size_t threads) {
    constexpr double items = 1000;
    const std::size_t most = (ranks + threads - 1) / threads;
    const double share = static_cast<double>(most) / static_cast<double>(ranks);
    const double spmd = 1000 + share * (static_cast<double>(ranks) * 10 + items * 1000);
    point_result made;
    made.at.ranks = ranks;
    made.at.items = 1000;
    made.at.threads = threads;
    for (const auto& [name, time] :
         {std::pair<const char*, double>{"serial", items * 1000}, {"spmd", spmd}}) {
        way_result way;
        way.name = name;
        way.samples_ns = {time};
        way.median_ns = sure(time);
        made.ways.push_back(way);
    }
    return made;
}

report measured(const std::vector<point_result>& points) {
    report made;
    made.available_threads = 64;
    made.asked.ways = {"serial", "spmd"};
    made.points = points;
    // In wall time, on the threads of the first point.
    const auto threads = static_cast<double>(points.front().at.threads);
    made.answer.costs = {{"spmd", sure(1000), sure(10 / threads), sure(0)}};
    return made;
}

} // namespace

TEST_CASE("predictions are what the parts add up to, and residuals of such times are none") {
    const scaling_model model = model_of(measured({point(64, 2), point(64, 1), point(7, 2)}));
    CHECK(model.at.ranks == 64);
    CHECK(model.parts.launch == 1000);
    CHECK(model.parts.per_rank == 10);
    CHECK(model.parts.work == 1'000'000);
    REQUIRE(model.predictions.size() == 9);
    for (const model_prediction& each : model.predictions) {
        CAPTURE(each.cores);
        const double expected = 1000 + std::max(1.0, 64.0 / static_cast<double>(each.cores)) / 64 * 1'000'640;
        CHECK(each.low_ns == Approx(expected));
        CHECK(each.high_ns == Approx(expected));
        CHECK(each.speedup == Approx(1'000'000 / expected));
    }
    CHECK(model.predictions.front().cores == 1);
    CHECK(model.predictions.back().cores == 256);
    CHECK(model.predictions[5].limit == "nothing");
    CHECK(model.predictions[8].limit == "imbalance"); // 64 ranks on 256 cores
    for (const model_residual& each : model.residuals) CHECK(each.predicted_ns == Approx(each.measured_ns));
}

TEST_CASE("ranks that do not divide evenly: the thread with the most counts") {
    const scaling_model model = model_of(measured({point(5, 2)}));
    CHECK(model.predictions[1].low_ns == Approx(1000 + 0.6 * 1'000'050)); // 3 of 5 ranks on 2 cores
    CHECK(model.predictions[2].limit == "imbalance");                     // 2 of 5 on 4
}

TEST_CASE("what items cost is between shared by all threads and done by one") {
    report what = measured({point(64, 2)});
    what.answer.costs[0].per_item_ns = sure(50); // of wall time on 2 threads: 100 of a thread's
    const scaling_model model = model_of(what);
    CHECK(model.predictions[3].high_ns - model.predictions[3].low_ns == Approx(100'000 * (1 - 8.0 / 64)));
    CHECK(model.predictions.back().limit == "concat");
    CHECK_THAT(model.limits[1], Contains("cannot tell how much of what items cost the threads share"));
}

TEST_CASE(
    "items that run slower at once do so on all cores but one, and it says that it does not know more") {
    report what = measured({point(64, 2)});
    what.points[0].spmd_parts =
        time_parts{.total_ns = 2'400'000, .items_ns = 1'000'000, .slower_ns = 500'000};
    const scaling_model model = model_of(what);
    CHECK(model.parts.slowdown == 1.5);
    CHECK(model.predictions[0].low_ns == Approx(1000 + 1'000'640));
    CHECK(model.predictions[1].low_ns == Approx(1000 + 0.5 * 1'500'640));
    CHECK(model.predictions[1].limit == "memory or I/O");
    CHECK(std::ranges::any_of(model.limits, [](const std::string& each) {
        return each.find("1.50 times as long") != std::string::npos;
    }));
}

TEST_CASE("on one thread nothing runs at once, whatever its items took") {
    report what = measured({point(64, 1)});
    what.points[0].spmd_parts =
        time_parts{.total_ns = 2'400'000, .items_ns = 1'000'000, .slower_ns = 500'000};
    CHECK(model_of(what).parts.slowdown == 1);
}

TEST_CASE("threads that had no CPU of their own are not trusted") {
    report what = measured({point(64, 8)});
    what.available_threads = 1;
    CHECK(model_of(what).limits.front() == "It was measured on 8 threads, which took turns, as 1 CPU is "
                                           "available: beyond 4 cores it is a guess.");
}

TEST_CASE("of a sweep it is the model of where spmd gains most, not of items that take no time") {
    report what = measured({point(64, 2), point(64, 2)});
    what.points[0].at.item_cost = std::chrono::nanoseconds(0);
    what.points[0].ways[0].median_ns = sure(300);
    what.points[0].ways[1].median_ns = sure(3000);
    what.points[1].at.item_cost = std::chrono::nanoseconds(1000);
    const scaling_model model = model_of(what);
    CHECK(model.at.item_cost == std::chrono::nanoseconds(1000));
    CHECK(model.parts.work == 1'000'000);
}

TEST_CASE("it says where it stops being trustworthy, and how far the measurements are from it") {
    report what = measured({point(64, 2), point(64, 1)});
    what.points[1].ways[1].median_ns = sure(3'000'000);
    const scaling_model model = model_of(what);
    CHECK(model.limits.front() == "It was measured on 2 threads: beyond 8 cores it is a guess.");
    CHECK_THAT(
        model.limits.back(),
        Contains(
            "Of 2 measured points, 1 is more than 20 % from it; the farthest took 3.00 times what it says."));
    what.model = model;
    what.swept = {"threads"};
    for (const std::string& text : {render_table(what), render_markdown(what), render_html(what)})
        CHECK_THAT(text, Contains("Model of spmd at 2 threads: ") &&
                             Contains("beyond 8 cores it is a guess") && Contains("256"));
    CHECK_THAT(render_json(what), Contains("\"predictions\""));
}
