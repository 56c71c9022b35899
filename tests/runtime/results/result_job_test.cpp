// Guards against tasks that start after being cancelled, that never see the stop request, that outlive the
// result they belong to, and against errors that do not say which ranks failed, why, and how many more.

#include "support/pools.hpp"

#include <spmd/spmd.hpp>

#include <catch2/catch.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace test_support;
using Catch::Matchers::Equals;
using spmd::rank;

} // namespace

TEST_CASE("tasks cancelled before they start never run") {
    for (const std::size_t ranks : swept_ranks()) {
        const spmd::engine_pool pool = make_parked_pool(ranks);
        std::atomic<std::size_t> runs{0};
        auto result = pool.broadcast([&](rank) { return ++runs; }).start();
        result.cancel();
        CHECK_FALSE(result.ready()); // each rank still has to be marked as cancelled
        const std::string some = std::to_string(ranks);
        const std::string expected = "cancelled: " + some + " of " + some +
                                     (ranks == 1 ? " rank" : " ranks") + " did not run to the end";
        CHECK_THROWS_WITH(result.get(), Equals(expected));
        CHECK_THROWS_AS(result.get(), spmd::cancelled_error);
        CHECK(result.ready());
        CHECK(result.progress().done == ranks);
        const auto all = result.outcomes();
        for (std::size_t id = 0; id < ranks; ++id) {
            REQUIRE_FALSE(all[id].has_value());
            REQUIRE(spmd::message_of(all[id].error()) ==
                    "cancelled: rank " + std::to_string(id) + " did not run to the end");
        }
        CHECK(runs == 0);
    }
    const spmd::engine_pool pool = make_parked_pool(2);
    auto items = pool.map([](int i) { return i; }, std::vector{1, 2, 3}).start();
    items.cancel();
    CHECK_THROWS_WITH(items.get(), Equals("cancelled: 3 of 3 items did not run to the end"));
}

TEST_CASE("tasks cancelled before a late helper arrives never run") {
    const auto helpers = std::make_shared<parked_helpers>();
    const spmd::engine_pool pool = make_parked_pool(7, helpers);
    std::atomic<std::size_t> runs{0};
    auto result = pool.broadcast([&](rank) { ++runs; }).start();
    result.cancel();
    helpers->come();
    CHECK(result.ready());
    CHECK(runs == 0);
    CHECK_THROWS_AS(result.get(), spmd::cancelled_error);
}

TEST_CASE("a cancel during the run reaches running ranks, and the others never start") {
    for_each_concurrent_pool(100, 2, [](const spmd::engine_pool& pool) {
        std::atomic<std::size_t> started{0};
        std::atomic<std::size_t> stopped{0};
        auto result = pool.broadcast([&](rank me) {
                              ++started;
                              while (!me.stop_requested()) std::this_thread::yield();
                              ++stopped;
                              return me.id();
                          })
                          .start();
        REQUIRE(eventually([&] { return started > 0; }));
        result.cancel();
        REQUIRE_THROWS_AS(result.get(), spmd::cancelled_error);
        CHECK(started == stopped);
        CHECK(started <= 2 + 1); // at most one per thread, including the caller
        const auto all = result.outcomes();
        std::size_t done = 0;
        for (std::size_t id = 0; id < all.size(); ++id) {
            if (all[id]) REQUIRE(std::as_const(all[id]).value() == id);
            done += all[id].has_value() ? 1U : 0U;
        }
        CHECK(done == started); // a rank that checked in time has a result
    });
}

TEST_CASE("a rank may cancel its own broadcast") {
    for_each_pool([](const spmd::engine_pool& pool) {
        std::atomic<const spmd::async_result<void>*> self{nullptr};
        std::atomic<std::size_t> runs{0};
        auto result = pool.with({.chunk = 1})
                          .broadcast([&](rank) {
                              ++runs;
                              if (const auto* mine = self.load()) mine->cancel();
                          })
                          .start();
        self = &result;
        result.wait();
        CHECK(result.ready());
        CHECK(runs <= pool.size());
        CHECK(result.outcomes().size() == pool.size());
    });
}

TEST_CASE("tasks dropped in flight get a stop request and are awaited") {
    for_each_concurrent_pool(3, 2, [](const spmd::engine_pool& pool) {
        for (int round = 0; round < 10; ++round) {
            std::atomic<int> running{0};
            std::atomic<int> ended{0};
            const auto captured = std::make_shared<int>(1);
            {
                auto result = pool.broadcast([&, captured](rank me) {
                                      ++running;
                                      while (!me.stop_requested()) std::this_thread::yield();
                                      std::this_thread::sleep_for(std::chrono::microseconds(200));
                                      --running;
                                      ++ended;
                                  })
                                  .start();
                REQUIRE(eventually([&] { return running > 0; }));
            }
            CHECK(running == 0);
            CHECK(ended > 0);
            CHECK(captured.use_count() == 1);
        }
    });
}

TEST_CASE("a result dropped before it starts runs nothing") {
    std::atomic<int> runs{0};
    {
        const spmd::engine_pool pool = make_parked_pool(5);
        auto result = pool.broadcast([&](rank) { ++runs; }).start();
        auto moved = std::move(result);
    }
    CHECK(runs == 0);
}

TEST_CASE("a result dropped half-read does not start the rest") {
    const spmd::engine_pool pool = make_parked_pool(10);
    std::atomic<int> runs{0};
    {
        auto result = pool.broadcast([&](rank) { ++runs; }).start();
        for (const std::size_t id : result.in_order())
            if (id == 3) break;
    }
    CHECK(runs == 4);
}

TEST_CASE("an error stops the others only when requested") {
    for_each_launcher(100, [](const spmd::engine_pool& pool) {
        std::atomic<std::size_t> runs{0};
        const auto fails = [&](rank me) {
            ++runs;
            if (me.id() == 20) throw std::runtime_error("twenty");
        };
        auto all = pool.broadcast(fails).start();
        CHECK_THROWS_WITH(all.get(), Equals("1 of 100 ranks failed: rank 20: twenty"));
        CHECK(runs == 100);

        runs = 0;
        auto some = pool.with({.on_error = spmd::on_error::stop}).broadcast(fails).start();
        some.wait();
        std::size_t not_run = 0;
        for (const auto& each : some.outcomes()) {
            if (each) continue;
            if (spmd::message_of(each.error()) != "twenty") ++not_run;
        }
        CHECK(runs + not_run == 100);
    });
    const spmd::engine_pool alone = make_parked_pool(100); // on one thread, in order
    std::atomic<std::size_t> runs{0};
    auto result = alone.with({.on_error = spmd::on_error::stop})
                      .broadcast([&](rank me) {
                          ++runs;
                          if (me.id() == 20) throw std::runtime_error("twenty");
                      })
                      .start();
    CHECK_THROWS_WITH(result.get(), Equals("1 of 100 ranks failed: rank 20: twenty (79 were cancelled)"));
    CHECK(runs == 21);
}

TEST_CASE("under on_error::stop the running ranks see the stop request") {
    for_each_concurrent_pool(2, 2, [](const spmd::engine_pool& pool) {
        gate other_runs;
        auto result = pool.with({.on_error = spmd::on_error::stop})
                          .broadcast([&](rank me) {
                              if (me.id() == 0) {
                                  other_runs.wait(me);
                                  throw std::runtime_error("stop");
                              }
                              other_runs.open();
                              while (!me.stop_requested()) std::this_thread::yield(); // otherwise never ends
                          })
                          .start();
        CHECK_THROWS_WITH(result.get(), Equals("1 of 2 ranks failed: rank 0: stop"));
    });
}

TEST_CASE("get names every failed rank in order; its message lists the first few") {
    struct failing {
        std::size_t ranks;
        std::size_t every;
        const char* message;
    };
    const failing cases[] = {
        {1, 1, "1 of 1 rank failed: rank 0: bad 0"},
        {2, 2, "1 of 2 ranks failed: rank 0: bad 0"},
        {9, 3, "3 of 9 ranks failed: rank 0: bad 0; rank 3: bad 3; rank 6: bad 6"},
        {4, 1, "4 of 4 ranks failed: rank 0: bad 0; rank 1: bad 1; rank 2: bad 2; rank 3: bad 3"},
        {1000, 10,
         "100 of 1000 ranks failed: rank 0: bad 0; rank 10: bad 10; rank 20: bad 20; rank 30: bad 30; "
         "and 96 more"},
    };
    for (const failing& expected : cases) {
        for_each_launcher(expected.ranks, [&](const spmd::engine_pool& pool) {
            auto result = pool.broadcast([&](rank me) {
                                  if (me.id() % expected.every == 0)
                                      throw std::runtime_error("bad " + std::to_string(me.id()));
                                  return me.id();
                              })
                              .start();
            try {
                (void)result.get();
                FAIL("did not throw");
            } catch (const spmd::composite_error& error) {
                CHECK(std::string(error.what()) == expected.message);
                CHECK(error.kind() == spmd::task_kind::rank);
                REQUIRE(error.failures().size() == (expected.ranks + expected.every - 1) / expected.every);
                for (std::size_t i = 0; i < error.failures().size(); ++i) {
                    const spmd::failure& each = error.failures()[i];
                    REQUIRE(each.index == i * expected.every);
                    REQUIRE(spmd::message_of(each.error) == "bad " + std::to_string(each.index));
                }
            }
            CHECK_THROWS_AS(result.get(), spmd::composite_error); // rethrown: nothing was taken
            CHECK(result.outcomes().size() == expected.ranks);
            CHECK_THROWS_AS(result.get(), std::logic_error);
        });
    }
}

TEST_CASE("concat and reduce throw the errors that get throws") {
    for_each_launcher(3, [](const spmd::engine_pool& pool) {
        const auto fails = [](rank me) {
            if (me.id() == 1) throw 1;
            return std::string("x");
        };
        const char* const message = "1 of 3 ranks failed: rank 1: an unknown exception";
        CHECK_THROWS_WITH(pool.broadcast(fails).concat(), Equals(message));
        CHECK_THROWS_WITH(pool.broadcast(fails).reduce(std::plus<>{}), Equals(message));
        CHECK_THROWS_WITH(pool.broadcast(fails).reduce(std::plus<>{}, ""), Equals(message));
        CHECK_NOTHROW(pool.broadcast(fails).wait());
    });
}

TEST_CASE("cancel after the end changes nothing") {
    for_each_launcher(4, [](const spmd::engine_pool& pool) {
        auto result = pool.broadcast([](rank me) { return me.id(); }).start();
        result.wait();
        result.cancel();
        CHECK(result.get().size() == 4);
    });
}
