// Guards against: a listed peer that cannot be created, or that terminates the program for an item's error.
// ways_test.cpp checks the results.

#include <catch2/catch.hpp>
#include <spmd_bench/run/peers.hpp>

#include <filesystem>
#include <string>

using namespace spmd_bench;

TEST_CASE("every peer that is not absent can be created, and no other way") {
    const workload work = empty_workload(3);
    for (const auto& [name, way] : names<way_kind>) {
        CAPTURE(name);
        if (is_peer(way) && why_not(way, workload_kind::empty).empty())
            CHECK(make_peer(way, work, 2)->kind() == way);
        else
            CHECK_THROWS_AS(make_peer(way, work, 2), std::invalid_argument);
    }
    CHECK_THROWS_WITH(make_peer(way_kind::map, work, 2), "'map' is not a peer of this build");
}

TEST_CASE("an item's error is thrown by the run, and the next run has none") {
    temporary_directory scratch;
    const workload work = make_workload({.items = 5, .file_size = 1}, scratch);
    const std::string& path = std::get<file_workload>(work).items()[3];
    for (const auto& [name, way] : names<way_kind>) {
        if (!is_peer(way) || !why_not(way, workload_kind::files).empty()) continue;
        CAPTURE(name);
        const auto peer = make_peer(way, work, 2);
        peer->prepare();
        std::filesystem::rename(path, path + "-away");
        CHECK_THROWS_WITH(peer->run(), Catch::Contains(path));
        std::filesystem::rename(path + "-away", path);
        CHECK_NOTHROW(peer->run());
        peer->settle();
    }
}
