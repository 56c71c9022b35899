// Guards against: a point that is measured with another point's workload or pool, or out of order.

#include <catch2/catch.hpp>
#include <spmd_bench/options/options.hpp>
#include <spmd_bench/run/experiment.hpp>

#include <algorithm>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

using namespace spmd_bench;

namespace {

report run(const std::string& line) {
    std::istringstream stream(line);
    temporary_directory scratch;
    return run_experiment(parse_options({std::istream_iterator<std::string>(stream), {}}), scratch);
}

} // namespace

TEST_CASE("every point has its own ranks, items and files") {
    const report result =
        run("--ranks 2,5 --items 3,40 --file-size 10,20 --threads 2 --repetitions 2 --ways map,spmd");
    REQUIRE(result.points.size() == 8);
    CHECK(result.swept == std::vector{sweep_axis::file_size, sweep_axis::items, sweep_axis::ranks});
    CHECK(result.workload == "MD5 of files, random bytes, seed 1");
    for (const point_result& each : result.points) {
        CHECK(each.bytes == each.settings.items * each.settings.file_size);
        REQUIRE(each.ways.size() == 2);
        CHECK(each.ways[0].submissions == each.settings.items);
        CHECK(each.ways[1].submissions == each.settings.ranks);
        CHECK(each.ways[0].samples_ns.size() == 2);
        CHECK(each.spmd_parts.has_value());
    }
    CHECK(result.points[1].settings.ranks == 5);
    CHECK(result.points[0].settings.ranks == 2);
}

TEST_CASE("the answer has the costs of the ways, and the report the absent peers") {
    const report result = run("--workload spin --item-cost 0,1us --ranks 2 --threads 2 --repetitions 2");
    CHECK(result.workload == "items that spin");
    CHECK(result.answer.costs.size() == result.request.ways.size());
    CHECK(result.answer.crossovers.size() == 1);
    CHECK(result.clock_overhead_ns > 0);
    for (const auto& [name, way] : names<way_kind>) {
        const auto absent = std::ranges::find(result.absent_peers, std::string(name),
                                              &std::pair<std::string, std::string>::first);
        CHECK((absent != result.absent_peers.end()) == !why_not(way, workload_kind::files).empty());
    }
}

TEST_CASE("chunks are those of the point") {
    const report result =
        run("--workload empty --items 10 --ranks 2 --chunk auto,1,3 --repetitions 2 --ways map-chunked");
    REQUIRE(result.points.size() == 3);
    CHECK_FALSE(result.points[0].ways[0].submissions);
    CHECK(result.points[1].ways[0].submissions == 10U);
    CHECK(result.points[2].ways[0].submissions == 4U);
    CHECK_FALSE(result.points[2].spmd_parts);
}
