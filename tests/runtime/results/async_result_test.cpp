// Guards results in flight against being taken twice or from an empty object, lost by a wait that timed out,
// held back by a rank that still runs, combined in an order that depends on the threads; and against times
// recorded without being requested.

#include "support/pools.hpp"

#include <spmd/spmd.hpp>

#include <catch2/catch.hpp>

#include <bit>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <functional>
#include <iterator>
#include <memory>
#include <random>
#include <ranges>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

namespace {

using namespace test_support;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::Equals;
using spmd::rank;

constexpr auto id_of = [](rank me) { return me.id(); };

static_assert(!std::is_copy_constructible_v<spmd::async_result<int>>);
static_assert(std::is_nothrow_move_constructible_v<spmd::async_result<int>>);
static_assert(std::is_nothrow_move_assignable_v<spmd::async_result<int>>);
static_assert(std::ranges::input_range<spmd::ordered_results<int>>);
static_assert(std::ranges::input_range<spmd::ordered_results<std::unique_ptr<int>>>);
static_assert(std::ranges::input_range<spmd::ordered_results<void>>);
static_assert(std::is_same_v<std::ranges::range_reference_t<spmd::ordered_results<int>>, int&>);

// Values of magnitudes from 1e-4 to 1e4 and both signs, so that another order of addition yields another sum.
float mixed(std::size_t i) {
    static const std::vector<float> numbers = [] {
        std::mt19937 random(20260101);
        std::vector<float> all(8000);
        for (float& each : all) {
            each = static_cast<float>(random() % 20'001) / 10'000.0F - 1.0F;
            for (auto power = random() % 5; power > 0; --power) each *= 10.0F;
            for (auto power = random() % 5; power > 0; --power) each /= 10.0F;
        }
        return all;
    }();
    return numbers[i];
}

// The documented tree in another formulation: leaves of 1,024 from the left; above them, neighbours are
// paired level by level with an odd last one moving up, so the left side has the largest power of two of
// leaves.
template <class Value, class ValueAt, class Op>
Value modelled_tree(std::size_t first_leaf, std::size_t leaves, std::size_t count, const ValueAt& value,
                    const Op& op) {
    if (leaves == 1) {
        Value sum = value(first_leaf * 1024);
        for (std::size_t i = first_leaf * 1024 + 1; i < std::min(count, (first_leaf + 1) * 1024); ++i)
            sum = op(sum, value(i));
        return sum;
    }
    const std::size_t left = std::bit_floor(leaves - 1);
    return op(modelled_tree<Value>(first_leaf, left, count, value, op),
              modelled_tree<Value>(first_leaf + left, leaves - left, count, value, op));
}

std::chrono::nanoseconds own_cpu_time() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

void spin(std::chrono::nanoseconds cpu) {
    const auto end = own_cpu_time() + cpu;
    while (own_cpu_time() < end) continue;
}

void spin_for(int steps) {
    volatile int sink = 0;
    for (int i = 0; i < steps; ++i) sink = sink + i;
}

struct way_to_take {
    const char* name;
    std::function<void(spmd::async_result<std::vector<int>>&)> take;
};

const std::vector<way_to_take> ways_to_take{
    {"get", [](auto& result) { (void)result.get(); }},
    {"concat", [](auto& result) { (void)result.concat(); }},
    {"reduce", [](auto& result) { (void)result.reduce([](auto a, const auto&) { return a; }); }},
    {"reduce from", [](auto& result) { (void)result.reduce([](auto a, const auto&) { return a; }, {}); }},
    {"in_order", [](auto& result) { (void)*result.in_order().begin(); }},
    {"in_order of a temporary", [](auto& result) { (void)*std::move(result).in_order().begin(); }},
    {"outcomes", [](auto& result) { (void)result.outcomes(); }},
};

} // namespace

TEST_CASE("results can be taken only once, in every way") {
    for_each_launcher(5, [](const spmd::engine_pool& pool) {
        for (const way_to_take& first : ways_to_take) {
            for (const way_to_take& second : ways_to_take) {
                if (std::string(first.name) == "in_order of a temporary") continue;
                INFO(first.name << ", then " << second.name);
                auto result = pool.broadcast([](rank me) { return std::vector<int>(me.id()); }).start();
                first.take(result);
                CHECK_THROWS_WITH(second.take(result), Contains("taken"));
                CHECK_THROWS_AS(second.take(result), std::logic_error);
                if (std::string(second.name) == "in_order of a temporary") continue;
                result.wait(); // waiting and querying stay valid after the results are taken
                CHECK(result.ready());
                CHECK(result.progress().done == 5);
            }
        }
    });
}

TEST_CASE("an async_result that is empty or was moved from is rejected") {
    const spmd::engine_pool pool = make_shuffled_pool(3, 1);
    auto source = pool.broadcast([](rank) { return std::vector<int>{1}; }).start();
    auto target = std::move(source);
    spmd::async_result<std::vector<int>> made_empty;
    // NOLINTNEXTLINE(bugprone-use-after-move): the moved-from state is under test
    for (spmd::async_result<std::vector<int>>* empty : {&source, &made_empty}) {
        for (const way_to_take& way : ways_to_take) {
            INFO(way.name);
            CHECK_THROWS_AS(way.take(*empty), std::logic_error);
        }
        CHECK_THROWS_AS(empty->wait(), std::logic_error);
        CHECK_THROWS_AS(empty->wait_for(0s), std::logic_error);
        CHECK_THROWS_AS(empty->ready(), std::logic_error);
        CHECK_THROWS_AS(empty->progress(), std::logic_error);
        CHECK_THROWS_AS(empty->cancel(), std::logic_error);
        CHECK_THROWS_AS(empty->timing(), std::logic_error);
    }
    CHECK(target.get().size() == 3);
    source = pool.broadcast([](rank) { return std::vector<int>{1, 2}; }).start(); // assignable
    CHECK(source.concat().size() == 6);
}

TEST_CASE("wait_for times out, and nothing is lost") {
    for_each_concurrent_pool(4, 2, [](const spmd::engine_pool& pool) {
        gate door;
        auto result = pool.broadcast([&](rank me) {
                              door.wait(me);
                              return me.id();
                          })
                          .start();
        CHECK_FALSE(result.wait_for(1ms));
        CHECK_FALSE(result.wait_for(0s));
        CHECK_FALSE(result.wait_for(-1s));
        CHECK_FALSE(result.wait_for(std::chrono::duration<double>(0.001)));
        CHECK_FALSE(result.ready());
        door.open();
        CHECK(result.wait_for(1min));
        CHECK(result.wait_for(0s));
        CHECK(result.ready());
        CHECK(result.get() == std::vector<std::size_t>{0, 1, 2, 3});
    });
}

TEST_CASE("wait_for starts the tasks if they are not started, and wakes when they end") {
    for_each_concurrent_pool(100, 2, [](const spmd::engine_pool& pool) {
        for (int round = 0; round < 200; ++round) {
            CHECK(pool.broadcast(id_of).start().wait_for(1min)); // within the statement that submits
            auto result = pool.broadcast(id_of).start();
            REQUIRE(result.wait_for(1min));
            REQUIRE(result.get().size() == 100);
        }
    });
}

TEST_CASE("progress counts the tasks that have ended") {
    for_each_concurrent_pool(6, 2, [](const spmd::engine_pool& pool) {
        gate door;
        auto result = pool.broadcast([&](rank me) {
                              if (me.id() == 5) door.wait(me);
                              if (me.id() == 2) throw 2;
                          })
                          .start();
        CHECK(eventually([&] { return result.progress().done == 5; }));
        CHECK(result.progress().total == 6);
        CHECK_FALSE(result.ready());
        door.open();
        result.wait();
        CHECK(result.progress().done == 6);
    });
    const spmd::engine_pool pool = make_parked_pool(6);
    auto result = pool.broadcast(id_of).start();
    CHECK(result.progress().done == 0);
    CHECK(*result.in_order().begin() == 0);
    CHECK(result.progress().done == 1);
}

TEST_CASE("progress counts the items that ranks have reported, during the run and after it") {
    for_each_concurrent_pool(6, 2, [](const spmd::engine_pool& pool) {
        gate door;
        auto result = pool.broadcast([&](rank me) {
                              for (std::size_t item = 0; item < me.id(); ++item) me.advance();
                              if (me.id() != 5) return;
                              me.advance(100);
                              door.wait(me);
                              me.advance(1000);
                          })
                          .start();
        CHECK(eventually([&] { return result.progress().done == 5 && result.progress().items == 115; }));
        door.open();
        CHECK_NOTHROW(result.get());
        CHECK(result.progress().items == 1115);
        CHECK(result.progress().done == 6);
    });
    for_each_pool([](const spmd::engine_pool& pool) {
        auto reporting = pool.broadcast([](rank me) { me.advance(me.id()); }).start();
        auto silent = pool.broadcast([](rank) {}).start();
        reporting.wait();
        silent.wait();
        REQUIRE(reporting.progress().items == pool.size() * (pool.size() - 1) / 2);
        REQUIRE(silent.progress().items == 0);
    });
}

TEST_CASE("items of ended ranks are never missing, however the ranks ended") {
    for_each_concurrent_pool(2000, 2, [](const spmd::engine_pool& pool) {
        auto result = pool.broadcast([](rank me) {
                              me.advance(3);
                              if (me.id() % 7 == 0) throw 7;
                          })
                          .start();
        for (spmd::progress seen; seen.done < seen.total || seen.total == 0;) {
            seen = result.progress();
            REQUIRE(seen.items >= 3 * seen.done);
            REQUIRE(seen.items <= 3 * seen.total);
        }
    });
}

TEST_CASE("a map's items are its tasks") {
    for_each_launcher(3, [](const spmd::engine_pool& pool) {
        const std::vector<int> numbers(50, 1);
        for (const std::optional<std::size_t> chunk :
             {std::optional(std::size_t{1}), std::optional(std::size_t{7}),
              std::optional<std::size_t>(spmd::automatic)}) {
            auto result = pool.with({.chunk = chunk}).map([](int number) { return number; }, numbers).start();
            result.wait();
            const auto [done, total, items] = result.progress();
            REQUIRE((done == 50 && total == 50 && items == 50));
        }
    });
}

TEST_CASE("in_order yields the first ranks while the last still runs") {
    for_each_concurrent_pool(20, 2, [](const spmd::engine_pool& pool) {
        for (int round = 0; round < 20; ++round) {
            gate door;
            auto result = pool.broadcast([&](rank me) {
                                  if (me.id() == 19) door.wait(me);
                                  return me.id();
                              })
                              .start();
            std::size_t expected = 0;
            for (const std::size_t id : result.in_order()) {
                REQUIRE(id == expected++);
                if (id == 18) {
                    CHECK_FALSE(result.ready());
                    door.open();
                }
            }
            CHECK(expected == 20);
        }
    });
}

TEST_CASE("in_order yields a result although the next task waits for it") {
    // Both items are claimed as one range. The second blocks until the first has been seen, so a waiter that
    // is woken only at the end of a range, or that misses a wake, never returns.
    for_each_concurrent_pool(1, 2, [](const spmd::engine_pool& pool) {
        for (int round = 0; round < 3000; ++round) {
            gate started;
            gate seen;
            auto result = pool.with({.chunk = 2})
                              .map(
                                  [&](int item) {
                                      if (item == 0) {
                                          started.open();
                                          spin_for(round % 100);
                                      } else {
                                          const auto end = std::chrono::steady_clock::now() + 10s;
                                          while (!seen.is_open() && std::chrono::steady_clock::now() < end)
                                              std::this_thread::yield();
                                          if (!seen.is_open())
                                              throw std::runtime_error("the first result was not seen");
                                      }
                                      return item;
                                  },
                                  std::vector{0, 1})
                              .start();
            while (!started.is_open()) continue; // so that the caller cannot claim the first item alone
            auto ordered = result.in_order();
            auto next = ordered.begin();
            REQUIRE(*next == 0);
            seen.open();
            REQUIRE_NOTHROW(*++next == 1);
        }
    });
}

TEST_CASE("in_order works on a temporary, for void and for bool") {
    for_each_pool([](const spmd::engine_pool& pool) {
        std::size_t expected = 0;
        for (const std::size_t id : pool.broadcast(id_of).in_order()) REQUIRE(id == expected++);
        CHECK(expected == pool.size());
        expected = 0;
        std::atomic<std::size_t> runs{0};
        for (const std::size_t id : pool.broadcast([&](rank) { ++runs; }).in_order())
            REQUIRE(id == expected++);
        CHECK(expected == pool.size());
        CHECK(runs == pool.size());
        expected = 0;
        for (const bool odd : pool.broadcast([](rank me) { return me.id() % 2 == 1; }).in_order())
            REQUIRE(odd == (expected++ % 2 == 1));
    });
}

TEST_CASE("in_order starts the job itself, and leaves the rest to the destructor") {
    for_each_pool([](const spmd::engine_pool& pool) {
        std::atomic<std::size_t> runs{0};
        {
            auto result = pool.broadcast([&](rank me) {
                                  ++runs;
                                  return me.id();
                              })
                              .start();
            auto ordered = result.in_order();
            REQUIRE(*ordered.begin() == 0);
        }
        const std::size_t ran = runs;
        CHECK(ran >= 1);
        CHECK(ran <= pool.size());
    });
}

TEST_CASE("in_order throws a failed rank's error at its position, and continues after it") {
    for_each_launcher(6, [](const spmd::engine_pool& pool) {
        auto result = pool.broadcast([](rank me) {
                              if (me.id() == 1 || me.id() == 4)
                                  throw std::runtime_error("bad " + std::to_string(me.id()));
                              return me.id();
                          })
                          .start();
        auto ordered = result.in_order();
        std::vector<std::string> seen;
        for (auto next = ordered.begin(); next != ordered.end(); ++next) {
            try {
                seen.push_back(std::to_string(*next));
            } catch (const spmd::composite_error& error) {
                REQUIRE(error.failures().size() == 1);
                seen.push_back(error.what());
            }
        }
        CHECK(seen == std::vector<std::string>{"0", "1 of 6 ranks failed: rank 1: bad 1", "2", "3",
                                               "1 of 6 ranks failed: rank 4: bad 4", "5"});
    });
}

TEST_CASE("in_order of a cancelled broadcast throws cancelled_error for ranks that never ran") {
    const spmd::engine_pool pool = make_parked_pool(3);
    auto result = pool.broadcast(id_of).start();
    auto ordered = result.in_order();
    auto next = ordered.begin();
    CHECK(*next == 0);
    result.cancel();
    CHECK(*next == 0); // available results stay available
    ++next;
    CHECK_THROWS_WITH(*next, Equals("cancelled: rank 1 did not run to the end"));
    CHECK_THROWS_AS(*next, spmd::cancelled_error);
}

TEST_CASE("reduce adds in one fixed order: bitwise equal for every launcher and number of threads") {
    for (const std::size_t count : {1U, 2U, 1000U, 1023U, 1024U, 1025U, 3000U, 7177U}) {
        INFO(count << " floats");
        const std::size_t leaves = (count + 1023) / 1024;
        const float expected = modelled_tree<float>(0, leaves, count, mixed, std::plus<>{});
        const auto same = [&](float sum) {
            return std::bit_cast<std::uint32_t>(sum) == std::bit_cast<std::uint32_t>(expected);
        };
        const auto of_rank = [](rank me) { return mixed(me.id()); };
        for_each_launcher(count, [&](const spmd::engine_pool& pool) {
            CHECK(same(pool.broadcast(of_rank).reduce(std::plus<>{})));
            const auto items = std::views::iota(std::size_t{0}, count);
            CHECK(same(pool.with({.chunk = spmd::automatic}).map(mixed, items).reduce(std::plus<>{})));
        });
        for_each_concurrent_pool(count, 16, [&](const spmd::engine_pool& pool) {
            CHECK(same(pool.broadcast(of_rank).reduce(std::plus<>{})));
        });
    }
    float backwards = 0;
    for (std::size_t i = 1000; i > 0; --i) backwards += mixed(i - 1);
    // Otherwise this test would prove nothing.
    CHECK(backwards != modelled_tree<float>(0, 1, 1000, mixed, std::plus<>{}));
}

TEST_CASE("reduce keeps the order of a non-commutative operation") {
    for (const std::size_t count : {1U, 2U, 26U, 1024U, 2049U, 5000U}) {
        std::string expected;
        for (std::size_t id = 0; id < count; ++id) expected += std::to_string(id) + ' ';
        for_each_launcher(count, [&](const spmd::engine_pool& pool) {
            const auto word = [](rank me) { return std::to_string(me.id()) + ' '; };
            CHECK(pool.broadcast(word).reduce(std::plus<>{}) == expected);
            CHECK(pool.broadcast(word).reduce(std::plus<>{}, "first: ") == "first: " + expected);
        });
    }
}

TEST_CASE("reduce works into another type, on move-only results, and on none") {
    for_each_launcher(10, [](const spmd::engine_pool& pool) {
        const auto owner =
            pool.broadcast([](rank me) { return std::make_unique<std::size_t>(me.id()); })
                .reduce([](std::unique_ptr<std::size_t> a, const std::unique_ptr<std::size_t>& b) {
                    *a += *b;
                    return a;
                });
        CHECK(*owner == 45);
        const auto any = [](bool a, bool b) { return a || b; };
        CHECK(pool.broadcast([](rank me) { return me.id() == 7; }).reduce(any));
        const std::vector<int> none;
        const auto same = [](int i) { return i; };
        CHECK_THROWS_AS(pool.map(same, none).reduce(std::plus<>{}), std::invalid_argument);
        CHECK(pool.map(same, none).reduce(std::plus<>{}, 42) == 42);
        CHECK(pool.map(same, std::vector{1, 2}).reduce(std::plus<>{}, 42) == 45);
    });
}

TEST_CASE("outcomes hold the good results beside the errors") {
    for_each_pool([](const spmd::engine_pool& pool) {
        const auto some_throw = [](rank me) {
            if (me.id() % 3 == 1) throw std::out_of_range(std::to_string(me.id()));
            return std::make_unique<std::size_t>(me.id());
        };
        auto result = pool.broadcast(some_throw).start();
        if (pool.size() > 1) CHECK_THROWS_AS(result.get(), spmd::composite_error);
        auto all = result.outcomes();
        REQUIRE(all.size() == pool.size());
        for (std::size_t id = 0; id < all.size(); ++id) {
            REQUIRE(bool(all[id]) == (id % 3 != 1));
            REQUIRE((all[id].error() == nullptr) == (id % 3 != 1));
            if (all[id]) {
                REQUIRE(*all[id].value() == id);
            } else {
                REQUIRE(spmd::message_of(all[id].error()) == std::to_string(id));
                REQUIRE_THROWS_AS(all[id].value(), std::out_of_range);
            }
        }
        auto nothing = pool.broadcast([&](rank me) { (void)some_throw(me); }).outcomes();
        for (std::size_t id = 0; id < nothing.size(); ++id) REQUIRE(nothing[id].has_value() == (id % 3 != 1));
    });
}

TEST_CASE("times are recorded only when requested") {
    for_each_launcher(4, [](const spmd::engine_pool& pool) {
        auto untimed = pool.broadcast(id_of).start();
        CHECK_THROWS_WITH(untimed.timing(), Contains(".timing = true"));
        CHECK_THROWS_AS(untimed.timing(), std::logic_error);
        CHECK(untimed.get().size() == 4);

        auto result = pool.with({.timing = true})
                          .broadcast([](rank me) {
                              if (me.id() == 2) spin(20ms);
                              if (me.id() == 3) throw 3;
                          })
                          .start();
        const spmd::timing timing = result.timing();
        REQUIRE(timing.tasks().size() == 4);
        std::chrono::nanoseconds sum{};
        for (const spmd::interval& task : timing.tasks()) {
            CHECK(task.begin >= 0ns);
            CHECK(task.begin <= task.end);
            CHECK(task.end <= timing.wall());
            CHECK(task.cpu >= 0ns);
            sum += task.cpu;
        }
        CHECK(sum == timing.cpu());
        CHECK(timing.tasks()[2].cpu >= 20ms);
        for (const std::size_t other : {0U, 1U, 3U}) CHECK(timing.tasks()[other].cpu < timing.tasks()[2].cpu);
        CHECK(timing.imbalance() > 1.0);
        CHECK(timing.imbalance() <= 4.0);
        CHECK(timing.speed_up() > 0.0);
        CHECK_THROWS_AS(result.get(), spmd::composite_error);
        CHECK(result.timing().tasks().size() == 4);
    });
}

TEST_CASE("timing names the threads, and is zero for tasks that never ran") {
    const spmd::engine_pool alone = make_shuffled_pool(10, 1);
    const auto timing = alone.with({.timing = true}).broadcast(id_of).timing();
    for (const spmd::interval& task : timing.tasks()) CHECK(task.thread == timing.tasks().front().thread);

    const spmd::engine_pool parked = make_parked_pool(3);
    auto result = parked.with({.timing = true}).broadcast(id_of).start();
    result.cancel();
    const auto nothing = result.timing();
    for (const spmd::interval& task : nothing.tasks()) CHECK((task.end == 0ns && task.cpu == 0ns));
    CHECK(nothing.wall() == 0ns);
    CHECK(nothing.cpu() == 0ns);
    CHECK(nothing.imbalance() == 1.0);
    CHECK(nothing.speed_up() == 0.0);
    CHECK(spmd::timing({}).imbalance() == 1.0);
    const spmd::timing uneven({{0ns, 10ns, 30ns, 0}, {0ns, 20ns, 10ns, 1}});
    CHECK(uneven.wall() == 20ns);
    CHECK(uneven.cpu() == 40ns);
    CHECK(uneven.imbalance() == 1.5);
    CHECK(uneven.speed_up() == 2.0);
}

TEST_CASE("several threads may wait, query and cancel at the same time") {
    for_each_launcher(200, [](const spmd::engine_pool& pool) {
        for (int round = 0; round < 10; ++round) {
            auto result = pool.broadcast(id_of).start();
            std::atomic<int> finished{0};
            {
                std::vector<std::jthread> others;
                for (int i = 0; i < 3; ++i)
                    others.emplace_back([&, i] {
                        if (i == 0) result.wait();
                        if (i == 1) finished += result.wait_for(1min) ? 0 : 100;
                        (void)result.progress();
                        ++finished;
                    });
                result.wait();
            }
            REQUIRE(finished == 3);
            REQUIRE(result.get().size() == 200);
        }
    });
}

TEST_CASE("a new result may replace one in flight, which is stopped and awaited") {
    for_each_concurrent_pool(2, 2, [](const spmd::engine_pool& pool) {
        std::atomic<int> running{0};
        auto result = pool.broadcast([&](rank me) {
                              ++running;
                              while (!me.stop_requested()) std::this_thread::yield();
                              --running;
                              return me.id();
                          })
                          .start();
        CHECK(eventually([&] { return running > 0; }));
        result = pool.broadcast(id_of).start();
        CHECK(running == 0);
        CHECK(result.get() == std::vector<std::size_t>{0, 1});
    });
}
