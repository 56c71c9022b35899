// Guards against: time that is counted twice or not at all, and a limit that is not the largest loss.

#include <catch2/catch.hpp>
#include <spmd_bench/analysis/time_parts.hpp>

#include <vector>

using namespace spmd_bench;
using namespace std::chrono_literals;

namespace {

spmd::interval ran(std::chrono::nanoseconds begin, std::chrono::nanoseconds end, std::size_t thread) {
    return {.begin = begin, .end = end, .cpu = end - begin, .thread = thread};
}

void check_sum(const time_parts& parts) {
    CHECK(parts.items_ns + parts.slower_ns + parts.imbalance_ns + parts.scheduling_ns ==
          Approx(parts.total_ns));
}

} // namespace

TEST_CASE("each part is the one worked out by hand") {
    // thread 0:  |..AAAAAAAA.BBBBBBBB|      each sign is 10 ns; the run ends 10 ns after the last rank
    // thread 1:  |....CCCCCCCC.......|
    const std::vector<spmd::interval> ranks{ran(20ns, 100ns, 0), ran(110ns, 190ns, 0), ran(40ns, 120ns, 1)};
    const time_parts parts = parts_of_run(ranks, 2, 200, 180);
    CHECK(parts.total_ns == 400);
    CHECK(parts.items_ns == 180);
    CHECK(parts.slower_ns == 60);     // 3 * 80 - 180
    CHECK(parts.imbalance_ns == 70);  // thread 1, from 120 to 190
    CHECK(parts.scheduling_ns == 90); // 20 + 10 + 10 of thread 0, 40 + 10 of thread 1
    check_sum(parts);
    CHECK(limit_of(parts) == limit::scheduling);
    CHECK(share_of_limit(parts) == Approx(0.225));
}

TEST_CASE("a thread without a rank waits for the others where there are fewer ranks than threads") {
    const std::vector<spmd::interval> one{ran(0ns, 100ns, 5)};
    const time_parts parts = parts_of_run(one, 4, 100, 100);
    CHECK(parts.imbalance_ns == 300);
    CHECK(parts.scheduling_ns == 0);
    CHECK(limit_of(parts) == limit::imbalance);
    check_sum(parts);
}

TEST_CASE("a thread that ran none of many ranks was not woken: that is scheduling") {
    const std::vector<spmd::interval> four{ran(0ns, 10ns, 0), ran(10ns, 20ns, 0), ran(20ns, 30ns, 0),
                                           ran(30ns, 40ns, 0)};
    const time_parts parts = parts_of_run(four, 2, 40, 40);
    CHECK(parts.imbalance_ns == 0);
    CHECK(parts.scheduling_ns == 40);
    CHECK(limit_of(parts) == limit::scheduling);
    check_sum(parts);
}

TEST_CASE("items that take longer at once are limited by memory or I/O") {
    const std::vector<spmd::interval> two{ran(0ns, 100ns, 0), ran(0ns, 100ns, 1)};
    const time_parts parts = parts_of_run(two, 2, 100, 120);
    CHECK(parts.slower_ns == 80);
    CHECK(limit_of(parts) == limit::memory_or_io);
    check_sum(parts);
}

TEST_CASE("nothing limits a run whose items have nine tenths of the time, nor one of no time") {
    const std::vector<spmd::interval> two{ran(0ns, 95ns, 0), ran(0ns, 95ns, 1)};
    CHECK(limit_of(parts_of_run(two, 2, 100, 190)) == limit::nothing);
    CHECK(limit_of(parts_of_run({}, 2, 0, 0)) == limit::nothing);
    CHECK(share_of_limit(parts_of_run({}, 2, 0, 0)) == 0);
}

TEST_CASE("items that took less time than in the plain loop leave no part below 0") {
    const std::vector<spmd::interval> two{ran(0ns, 50ns, 0), ran(0ns, 50ns, 1)};
    const time_parts parts = parts_of_run(two, 2, 60, 200);
    CHECK(parts.slower_ns == 0);
    CHECK(parts.imbalance_ns == 0);
    CHECK(parts.scheduling_ns == 0);
}
