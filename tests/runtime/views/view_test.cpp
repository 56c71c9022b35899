// Guards views of some ranks of a pool against the wrong ranks or order; a group of a group that counts from
// the pool; targets that do not exist or repeat; and work that runs in another arena than its engine's.

#include "support/pools.hpp"

#include <spmd/spmd.hpp>

#include <catch2/catch.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <stdexcept>
#include <vector>

namespace {

using namespace test_support;
using Catch::Matchers::Contains;
using spmd::rank;
using engines = std::vector<std::size_t>;

engines engines_of(const spmd::view& view) {
    const auto members =
        view.broadcast([](rank me) { return std::vector{me.id(), me.size(), me.engine()}; }).get();
    engines all;
    for (std::size_t id = 0; id < members.size(); ++id) {
        CHECK(members[id][0] == id);
        CHECK(members[id][1] == view.size());
        all.push_back(members[id][2]);
    }
    CHECK(all.size() == view.size());
    return all;
}

} // namespace

TEST_CASE("on() selects ranks, in the given order") {
    for_each_launcher(10, [](const spmd::engine_pool& pool) {
        const engines some{9, 1, 4};
        const auto checks = [&](const auto& all) {
            CHECK(engines_of(all.on({0, 2, 4})) == engines{0, 2, 4});
            CHECK(engines_of(all.on({5})) == engines{5});
            CHECK(engines_of(all.on(some)) == some);
            CHECK(engines_of(all.on(std::span(some).first(2))) == engines{9, 1});
            CHECK(engines_of(all.on(spmd::slice{.first = 0, .stride = 2})) == engines{0, 2, 4, 6, 8});
            CHECK(engines_of(all.on(spmd::slice{.first = 1, .stride = 3})) == engines{1, 4, 7});
            CHECK(engines_of(all.on(spmd::slice{.first = 7})) == engines{7, 8, 9});
            CHECK(engines_of(all.on(spmd::slice{.last = 3})) == engines{0, 1, 2});
            CHECK(engines_of(all.on(spmd::slice{.first = 2, .last = 100, .stride = 4})) == engines{2, 6});
            CHECK(engines_of(all.on(spmd::slice{.first = 9, .stride = static_cast<std::size_t>(-1)})) ==
                  engines{9});
            CHECK(engines_of(all.on(spmd::slice{})).size() == 10);
        };
        checks(pool);
        checks(pool.all());
        CHECK(pool.all().size() == 10);
        CHECK(engines_of(pool.all()) == engines{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
    });
}

TEST_CASE("on() of a view counts from the view, engine() from the pool") {
    for_each_launcher(10, [](const spmd::engine_pool& pool) {
        const spmd::view odd = pool.on(spmd::slice{.first = 1, .stride = 2});
        CHECK(engines_of(odd.on({4, 0})) == engines{9, 1});
        CHECK(engines_of(odd.on(spmd::slice{.first = 1, .stride = 2}).on({1})) == engines{7});
        CHECK(engines_of(pool.on({8, 3, 6}).on(spmd::slice{.first = 1})) == engines{3, 6});
        CHECK_THROWS_WITH(odd.on({5}), Contains("5"));
    });
}

TEST_CASE("targets that do not exist, repeat, or are none are rejected, naming them") {
    const spmd::engine_pool pool = make_shuffled_pool(10, 1);
    const spmd::view three = pool.on({2, 4, 6});
    CHECK_THROWS_AS(pool.on({10}), std::invalid_argument);
    CHECK_THROWS_WITH(pool.on({3, 17}), Contains("rank 17") && Contains("10"));
    CHECK_THROWS_WITH(three.on({3}), Contains("rank 3") && Contains("not below 3"));
    CHECK_THROWS_AS(pool.on({3, 4, 3}), std::invalid_argument);
    CHECK_THROWS_WITH(pool.on({3, 4, 3}), Contains("rank 3") && Contains("twice"));
    CHECK_THROWS_AS(pool.on(std::span<const std::size_t>{}), std::invalid_argument);
    CHECK_THROWS_WITH(pool.on(engines{}), Contains("at least one rank"));
    CHECK_THROWS_AS(pool.on(spmd::slice{.stride = 0}), std::invalid_argument);
    CHECK_THROWS_WITH(pool.on(spmd::slice{.stride = 0}), Contains("stride") && Contains("0"));
    CHECK_THROWS_WITH(pool.on(spmd::slice{.first = 10}), Contains("at least one rank"));
    CHECK_THROWS_WITH(pool.on(spmd::slice{.first = 5, .last = 5}), Contains("at least one rank"));
    CHECK_THROWS_WITH(pool.on(spmd::slice{.first = 5, .last = 2}), Contains("at least one rank"));
}

TEST_CASE("a view keeps its options in any order, and does not change those of others") {
    const spmd::engine_pool pool = make_shuffled_pool(6, 1);
    const auto fails = [](rank me) {
        if (me.id() == 0) throw 1;
    };
    const spmd::view timed = pool.with({.timing = true});
    CHECK(timed.on({1, 2}).broadcast([](rank) {}).timing().tasks().size() == 2);
    CHECK(pool.on({1, 2}).with({.timing = true}).broadcast([](rank) {}).timing().tasks().size() == 2);
    CHECK_THROWS_AS(pool.on({1, 2}).broadcast([](rank) {}).timing(), std::logic_error);
    CHECK_THROWS_AS(timed.with({}).broadcast(fails).timing(), std::logic_error);
}

TEST_CASE("a view and its results keep the pool alive") {
    for (const pool_kind& kind : pool_kinds()) {
        INFO(kind.name << ", " << kind.threads << " threads");
        std::optional<spmd::engine_pool> pool(kind.make(10));
        std::optional<spmd::view> some(pool->on({1, 3, 5}).on({2, 1}));
        const spmd::view everyone = pool->all();
        pool.reset();
        CHECK(engines_of(*some) == engines{5, 3});
        auto result = some->broadcast([](rank me) { return me.engine(); }).start();
        some.reset();
        CHECK(result.get() == engines{5, 3});
        CHECK(engines_of(everyone).size() == 10);
    }
}

TEST_CASE("each member runs in the arena of its engine, over several arenas") {
    // Engines 0 … 3 are in arena 0, 4 and 5 in arena 1, 6 and 7 in arena 2.
    const spmd::engine_pool pool = make_jthread_pool(8, {2, 1, 1});
    const engines arena_of{0, 0, 0, 0, 1, 1, 2, 2};
    const auto arena = [](rank) { return jthread_launcher::arena_of_this_thread(); };
    for (const engines& chosen :
         {engines{7, 0, 6, 1}, {4, 5}, {6, 4, 2, 0}, {7, 6, 5, 4, 3, 2, 1, 0}, {0, 7, 1, 5, 2}}) {
        auto result = pool.on(chosen).broadcast(arena).start();
        REQUIRE(eventually([&] { return result.ready(); })); // without the caller
        const auto ran_in = result.get();
        for (std::size_t id = 0; id < chosen.size(); ++id) CHECK(ran_in[id] == arena_of[chosen[id]]);
        CHECK(engines_of(pool.on(chosen)) == chosen); // with the caller
        std::size_t id = 0;
        for (const std::size_t engine :
             pool.on(chosen).broadcast([](rank me) { return me.engine(); }).in_order())
            CHECK(engine == chosen[id++]);
    }
}
