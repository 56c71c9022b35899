// Guards against: a peer that is listed and cannot be made, or that ends the program by an item's error. That each gives
// the serial results is tested in ways_test.cpp.

#include <catch2/catch.hpp>
#include <spmd_bench/run/peers.hpp>

#include <filesystem>
#include <string>

using namespace spmd_bench;

TEST_CASE("every peer that is not absent can be made, and no other") {
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

TEST_CASE("an error of one item is the run's, and the next run is without") {
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
