// Guards against: a way without a name or a description, and one that runs a workload it cannot run.

#include <catch2/catch.hpp>
#include <spmd_bench/options/way_kind.hpp>

#include <set>
#include <string_view>

using namespace spmd_bench;

TEST_CASE("every way has a name and a description of its own") {
    std::set<std::string_view> descriptions;
    for (const auto& [name, way] : names<way_kind>) {
        CHECK(named_by<way_kind>(name) == way);
        CHECK(name_of(way) == name);
        descriptions.insert(description_of(way));
    }
    CHECK(descriptions.size() == names<way_kind>.size());
    CHECK_THROWS_WITH(named_by<way_kind>("mpi"),
                      "is one of serial, map, map-chunked, spmd, spmd-graph, spmd-relist, openmp, "
                      "openmp-dynamic, std-async, std-par, tbb, tbb-task-group, read, not 'mpi'");
}

TEST_CASE("ways that need files cannot run without") {
    CHECK(why_not(way_kind::read, workload_kind::files).empty());
    CHECK(why_not(way_kind::read, workload_kind::memory) == "it needs the workload 'files'");
    CHECK(why_not(way_kind::spmd_relist, workload_kind::spin) == "it needs the workload 'files'");
    CHECK(why_not(way_kind::map, workload_kind::empty).empty());
}

TEST_CASE("peers are the ways of other libraries") {
    CHECK(is_peer(way_kind::openmp));
    CHECK(is_peer(way_kind::tbb_task_group));
    CHECK_FALSE(is_peer(way_kind::serial));
    CHECK_FALSE(is_peer(way_kind::spmd));
}
