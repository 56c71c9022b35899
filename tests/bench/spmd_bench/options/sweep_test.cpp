// Guards against: a combination that is missing or duplicated, an axis of one value that counts as swept, and
// a point that is named by the wrong axis.

#include <catch2/catch.hpp>
#include <spmd_bench/options/sweep.hpp>

#include <string>
#include <vector>

using namespace spmd_bench;
using namespace std::chrono_literals;

TEST_CASE("a sweep has every combination once, the last axis fastest") {
    sweep_axes axes;
    axes.ranks.values = {1, 2};
    axes.item_cost.values = {0ns, 5us};
    axes.threads.values = {3, 4};
    CHECK(count_points(axes) == 8);
    const std::vector<sweep_point> points = points_of(axes);
    REQUIRE(points.size() == 8);
    std::vector<std::string> texts;
    for (const sweep_point& each : points) texts.push_back(text_of(each, swept_axes(axes)));
    CHECK(texts == std::vector<std::string>{
                       "3 threads, 1 rank, item cost 0 ns", "3 threads, 1 rank, item cost 5 us",
                       "3 threads, 2 ranks, item cost 0 ns", "3 threads, 2 ranks, item cost 5 us",
                       "4 threads, 1 rank, item cost 0 ns", "4 threads, 1 rank, item cost 5 us",
                       "4 threads, 2 ranks, item cost 0 ns", "4 threads, 2 ranks, item cost 5 us"});
    CHECK(points[0].items == 500);
}

TEST_CASE("without lists there is one point, and nothing is swept") {
    CHECK(points_of({}).size() == 1);
    CHECK(swept_axes({}).empty());
    CHECK(text_of({}, {}).empty());
}

TEST_CASE("every axis has its value's text") {
    const sweep_point point{.ranks = 64,
                            .items = 1,
                            .threads = 2,
                            .chunk = 0,
                            .item_cost = 1500ns,
                            .file_size = 65'536,
                            .skew = 0.5};
    CHECK(text_of(point, {sweep_axis::threads, sweep_axis::chunk, sweep_axis::skew, sweep_axis::file_size,
                          sweep_axis::items, sweep_axis::ranks, sweep_axis::item_cost}) ==
          "2 threads, chunk auto, skew 0.5, file size 64 KiB, 1 item, 64 ranks, item cost 1.5 us");
    CHECK(text_of_axis(point, sweep_axis::file_size) == "64 KiB");
    CHECK(text_of_axis(point, sweep_axis::chunk) == "auto");
    CHECK_THROWS_WITH(named_by<sweep_axis>("cores"), Catch::Contains("not 'cores'"));
}

TEST_CASE("points are equal but for the axis that is named") {
    sweep_point other;
    other.ranks = 7;
    CHECK(equal_but_for(sweep_axis::ranks, {}, other));
    CHECK_FALSE(equal_but_for(sweep_axis::items, {}, other));
    other.skew = 9;
    CHECK_FALSE(equal_but_for(sweep_axis::ranks, {}, other));
}

TEST_CASE("the number of points saturates") {
    sweep_axes axes;
    axes.ranks.values.assign(10'000, 1);
    axes.items.values.assign(10'000, 1);
    axes.threads.values.assign(10'000, 1);
    axes.chunk.values.assign(10'000, 1);
    axes.file_size.values.assign(10'000, 1);
    CHECK(count_points(axes) == std::numeric_limits<std::size_t>::max());
}
