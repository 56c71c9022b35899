// Guards against: costs that are divided by the wrong count, or taken from samples of other rounds, and ways
// that do not run items that do nothing.

#include <catch2/catch.hpp>
#include <spmd_bench/run/probe.hpp>

#include <string>
#include <vector>

using namespace spmd_bench;

TEST_CASE("costs are differences within rounds, by ranks and by items") {
    // 100 ns, and 3 ns for each of 10 more ranks, and 2 ns for each of 50 items; a round is 1,000 ns slower.
    const std::vector<double> one_rank{100, 1'100, 100};
    const std::vector<double> no_items{130, 1'130, 130};
    const std::vector<double> all{230, 1'230, 230};
    const cost_scale scale{.items = 50, .ranks = 11};
    const way_cost spmd = cost_of(way_kind::spmd_graph, one_rank, no_items, all, scale);
    CHECK(spmd.way == way_kind::spmd_graph);
    CHECK(spmd.per_run_ns->value == 100);
    CHECK(spmd.per_rank_ns->value == Approx(3));
    CHECK(spmd.per_item_ns->value == Approx(2));
    CHECK(spmd.per_item_ns->high == Approx(2));
    CHECK_FALSE(cost_of(way_kind::map, one_rank, no_items, all, scale).per_rank_ns);
    CHECK_FALSE(cost_of(way_kind::spmd, one_rank, no_items, all, {.items = 0, .ranks = 1}).per_rank_ns);
    CHECK_FALSE(cost_of(way_kind::spmd, one_rank, no_items, all, {.items = 0, .ranks = 1}).per_item_ns);
}

TEST_CASE("every way that runs items that do nothing is measured") {
    const std::vector<way_kind> ways{way_kind::map, way_kind::spmd, way_kind::read};
    const auto costs =
        measure_costs({.ranks = 4, .threads = 2}, {.items = 10, .ranks = 4, .rounds = 6}, ways, 1);
    REQUIRE(costs.size() == 2);
    CHECK(costs[0].way == way_kind::map);
    CHECK(costs[1].way == way_kind::spmd);
    CHECK(costs[1].per_run_ns->value > 0);
}

TEST_CASE("the parts of a run are those of all its threads' time") {
    const spmd::engine_pool pool({.ranks = 3, .threads = 2});
    const workload work = spin_workload(30, std::chrono::microseconds(20));
    const time_parts parts = measure_parts(work, pool);
    CHECK(parts.total_ns > 0);
    CHECK(parts.items_ns > 0);
    CHECK(parts.scheduling_ns >= 0);
}
