// Guards the figures of `timing`: CPU time against wall time, and the values of an empty timing.
#include <spmd/timing.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <vector>

using namespace std::chrono_literals;

TEST_CASE("wall is the end of the last task, cpu the sum, imbalance the most over the mean") {
    // Two threads for 40 ms: 10 + 30 + 20 ms of CPU time, mean 20.
    const spmd::timing cost({{.begin = 0ms, .end = 10ms, .cpu = 10ms, .thread = 0},
                             {.begin = 10ms, .end = 40ms, .cpu = 30ms, .thread = 0},
                             {.begin = 0ms, .end = 25ms, .cpu = 20ms, .thread = 1}});
    CHECK(cost.wall() == 40ms);
    CHECK(cost.cpu() == 60ms);
    CHECK(cost.imbalance() == 1.5);
    CHECK(cost.speed_up() == 1.5);
}

TEST_CASE("tasks that share a core yield no speed-up, however long each seems to run") {
    // Both seem to run for 20 ms at the same time; each had the core for half of it.
    const spmd::timing cost({{.begin = 0ms, .end = 20ms, .cpu = 10ms, .thread = 0},
                             {.begin = 0ms, .end = 20ms, .cpu = 10ms, .thread = 1}});
    CHECK(cost.speed_up() == 1.0);
    CHECK(cost.imbalance() == 1.0);
}

TEST_CASE("an empty timing has zero times, imbalance 1 and speed-up 0") {
    for (const spmd::timing& cost : {spmd::timing({}), spmd::timing(std::vector<spmd::interval>(2))}) {
        CHECK(cost.wall() == 0ns);
        CHECK(cost.cpu() == 0ns);
        CHECK(cost.imbalance() == 1.0);
        CHECK(cost.speed_up() == 0.0);
    }
}
