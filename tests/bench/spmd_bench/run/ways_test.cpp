// Guards against: a way that loses, duplicates or reorders items, for fewer items than ranks and for none; a
// way that cannot run twice; a way that swallows the error of an item.

#include <spmd/engine_pool.hpp>

#include <catch2/catch.hpp>
#include <spmd_bench/run/measure.hpp>
#include <spmd_bench/run/ways.hpp>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

using namespace spmd_bench;

namespace {

std::vector<way_kind> possible_ways(workload_kind workload) {
    std::vector<way_kind> possible;
    for (const auto& [name, way] : names<way_kind>)
        if (why_not(way, workload).empty()) possible.push_back(way);
    return possible;
}

} // namespace

TEST_CASE("every way reproduces the serial results, again and again") {
    const auto kind = GENERATE(workload_kind::files, workload_kind::memory, workload_kind::spin,
                               workload_kind::mixed, workload_kind::empty);
    const auto ranks = GENERATE(as<std::size_t>{}, 1, 3, 40);
    const auto items = GENERATE(as<std::size_t>{}, 0, 1, 7, 100);
    const auto threads = GENERATE(as<std::size_t>{}, 1, 2, 5);
    temporary_directory scratch;
    const spmd::engine_pool pool({.ranks = ranks, .threads = threads});
    const workload work = make_workload(
        {.kind = kind, .items = items, .file_size = 33, .item_cost = std::chrono::nanoseconds(200)}, scratch);
    for (const auto& each : make_ways(work, pool, possible_ways(kind))) {
        CAPTURE(name_of(each->kind()), ranks, items, threads);
        each->prepare();
        for (int repetition = 0; repetition < 3; ++repetition) {
            each->run();
            CHECK(difference(each->expected(), each->results()).empty());
            each->forget();
        }
        each->settle();
    }
}

TEST_CASE("submissions are counted where they are known") {
    temporary_directory scratch;
    const spmd::engine_pool pool({.ranks = 7, .threads = 2});
    const workload work = make_workload({.items = 20}, scratch);
    for (const auto& each : make_ways(work, pool, possible_ways(workload_kind::files))) {
        CAPTURE(name_of(each->kind()));
        if (each->kind() == way_kind::serial) CHECK(each->submissions() == 0U);
        if (each->kind() == way_kind::map) CHECK(each->submissions() == 20U);
        if (each->kind() == way_kind::map_chunked) CHECK_FALSE(each->submissions());
        if (each->kind() == way_kind::spmd) CHECK(each->submissions() == 7U);
        if (each->kind() == way_kind::spmd_graph) CHECK(each->submissions() == 9U);
        if (each->kind() == way_kind::openmp) CHECK(each->submissions() == 2U);
        if (each->kind() == way_kind::tbb_task_group) CHECK(each->submissions() == 20U);
    }
    const std::vector<way_kind> chunked{way_kind::map_chunked};
    CHECK(make_ways(work, pool, chunked, 6)[0]->submissions() == 4U);
}

TEST_CASE("a missing file is an error in every way, which names it") {
    temporary_directory scratch;
    const spmd::engine_pool pool({.ranks = 3, .threads = 2});
    const workload work = make_workload({.items = 6}, scratch);
    const std::string& gone = std::get<file_workload>(work).items()[4];
    const auto ways = make_ways(work, pool, possible_ways(workload_kind::files));
    std::filesystem::remove(gone);
    for (const auto& each : ways) {
        CAPTURE(name_of(each->kind()));
        each->prepare();
        if (each->kind() == way_kind::spmd_relist) {
            each->run();
            CHECK(difference(each->expected(), each->results()) == "5 results, not 6");
        } else {
            CHECK_THROWS_WITH(each->run(), Catch::Contains(gone) && Catch::Contains("No such file"));
        }
    }
}

TEST_CASE("a way that cannot run the workload is refused") {
    const spmd::engine_pool pool({.ranks = 2, .threads = 1});
    const workload work = empty_workload(3);
    const std::vector<way_kind> needs_files{way_kind::read};
    CHECK_THROWS_WITH(make_ways(work, pool, needs_files), "the way 'read' does not run here");
}
