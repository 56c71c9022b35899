// Guards programs that include <spmd/engine_pool.hpp> alone: plain ranks and maps need no other header.
#include <spmd/engine_pool.hpp>

#include <catch2/catch.hpp>

#include <cstddef>
#include <numeric>
#include <stdexcept>
#include <vector>

TEST_CASE("engine_pool.hpp alone broadcasts plain ranks, in each way to take their results") {
    const spmd::engine_pool pool{{.ranks = 10, .threads = 2}};
    std::vector<int> items(100);
    std::iota(items.begin(), items.end(), 0);
    const auto part_of = [](spmd::rank me, const std::vector<int>& all) {
        const auto mine = me.part(all);
        return std::vector<int>(mine.begin(), mine.end());
    };
    const auto sum_of = [&](spmd::rank me) {
        const auto mine = me.part(items);
        return std::accumulate(mine.begin(), mine.end(), 0);
    };
    CHECK(pool.broadcast(part_of, items).concat() == items);
    CHECK(pool.broadcast(sum_of).reduce(spmd::plus) == 4950);
    CHECK(pool.on({1, 3}).broadcast([](spmd::rank me) { return me.engine(); }).get() ==
          std::vector<std::size_t>{1, 3});
    CHECK(pool.broadcast(sum_of).start().get().size() == 10);
}

TEST_CASE("engine_pool.hpp alone maps, and its errors are those of the tasks") {
    const spmd::engine_pool pool{{.ranks = 3, .threads = 2}};
    const std::vector<int> items{1, 2, 3};
    CHECK(pool.map([](int item) { return item * item; }, items).get() == std::vector<int>{1, 4, 9});
    CHECK_THROWS_AS(pool.map(
                            [](int item) {
                                if (item == 2) throw std::runtime_error("two");
                            },
                            items)
                        .get(),
                    spmd::composite_error);
}
