// Guards the named operations: results worked out by hand; ties of min_at and max_at, which the lowest rank
// wins; and vectors, which every operation combines element by element.

#include "support/pools.hpp"

#include <spmd/spmd.hpp>

#include <catch2/catch.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace {

using namespace test_support;
using spmd::located;
using spmd::rank;
using spmd::task;

} // namespace

TEST_CASE("each operation combines values, and vectors element by element") {
    using numbers = std::vector<int>;
    CHECK(spmd::plus(2, 3) == 5);
    CHECK(spmd::plus(std::string("a"), std::string("b")) == "ab");
    CHECK(spmd::min(2, 3) == 2);
    CHECK(spmd::max(2, 3) == 3);
    CHECK(spmd::bit_and(6, 3) == 2);
    CHECK(spmd::bit_or(6, 3) == 7);
    CHECK(spmd::logical_and(true, false) == false);
    CHECK(spmd::logical_or(true, false) == true);
    for_each_launcher(2, [](const spmd::engine_pool& pool) {
        const auto combined = [&pool](auto op) {
            return pool
                .broadcast([op](rank me) -> task<numbers> {
                    const numbers mine = me.id() == 0 ? numbers{1, 6} : numbers{4, 3};
                    co_return co_await me.all_reduce(mine, op);
                })
                .get()
                .front();
        };
        CHECK(combined(spmd::plus) == numbers{5, 9});
        CHECK(combined(spmd::min) == numbers{1, 3});
        CHECK(combined(spmd::max) == numbers{4, 6});
        CHECK(combined(spmd::bit_and) == numbers{0, 2});
        CHECK(combined(spmd::bit_or) == numbers{5, 7});
        CHECK(combined(spmd::logical_and) == numbers{1, 1});
    });
}

TEST_CASE("min_at and max_at yield the value and its lowest rank, in every reduction") {
    for_each_pool([](const spmd::engine_pool& pool) {
        const std::size_t size = pool.size();
        // 0 1 2 0 1 2 …: ties at every third rank.
        const auto found = pool.broadcast([](rank me) -> task<bool> {
                                   const double mine = static_cast<double>(me.id() % 3);
                                   const std::size_t last = me.size() < 3 ? me.size() - 1 : 2;
                                   const located<double> least = co_await me.all_reduce(mine, spmd::min_at);
                                   const located<double> most = co_await me.all_reduce(mine, spmd::max_at);
                                   const auto reduced = co_await me.reduce(mine, spmd::max_at);
                                   const located<double> so_far = co_await me.scan(mine, spmd::min_at);
                                   const std::vector<double> pair{mine, -mine};
                                   const auto pairs = co_await me.all_reduce(pair, spmd::min_at);
                                   co_return least == located<double>{0, 0} &&
                                       most.index == last&& most.value == static_cast<double>(last) &&
                                       reduced.has_value() == (me.id() == 0) && so_far.index == 0 &&
                                       pairs[0].index == 0 && pairs[1].index == last;
                               })
                               .get();
        for (const bool each : found) REQUIRE(each);
        const auto id_modulo = [](rank me) { return me.id() % 3; };
        REQUIRE(pool.broadcast(id_modulo).reduce(spmd::min_at) == located<std::size_t>{0, 0});
        REQUIRE(pool.broadcast(id_modulo).reduce(spmd::max_at).index == (size < 3 ? size - 1 : 2));
    });
}
