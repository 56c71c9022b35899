// Guards the start of work: a destroyed submission must run nothing; one that is awaited or started must run
// once; and a coroutine that awaits one must hold no thread, be resumed once, and receive its errors. Also
// that a stop token cancels the submissions it was passed to.

#include "support/pools.hpp"

#include <spmd/spmd.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace test_support;
using Catch::Matchers::Contains;
using spmd::rank;
using spmd::task;

/// A coroutine unrelated to ranks, such as an event loop's.
struct detached {
    struct promise_type {
        detached get_return_object() const noexcept { return {}; }
        std::suspend_never initial_suspend() const noexcept { return {}; }
        std::suspend_never final_suspend() const noexcept { return {}; }
        void return_void() const noexcept {}
        void unhandled_exception() const noexcept { std::terminate(); }
    };
};

detached sum_of(const spmd::engine_pool& pool, std::vector<int> numbers, std::atomic<int>& sum) {
    const auto twice = [](int number) { return 2 * number; };
    const std::vector<int> doubled = co_await pool.map(twice, numbers);
    sum = std::accumulate(doubled.begin(), doubled.end(), 0);
}

detached message_of_failure(const spmd::engine_pool& pool, std::atomic<bool>& has_failed) {
    const auto fail = [](rank me) {
        if (me.id() == 1) throw std::runtime_error("no");
    };
    auto running = pool.broadcast(fail).start();
    try {
        co_await running;
    } catch (const spmd::composite_error&) {
        has_failed = true;
    }
}

} // namespace

TEST_CASE("a destroyed submission has run nothing and destroys its task") {
    for_each_launcher(7, [](const spmd::engine_pool& pool) {
        std::atomic<int> runs{0};
        const auto captured = std::make_shared<int>(1);
        {
            const auto plain = pool.broadcast([&, captured](rank) { ++runs; });
            const auto coroutine = pool.broadcast([&, captured](rank) -> task<> {
                ++runs;
                co_return;
            });
            const auto map = pool.map([&, captured](int) { ++runs; }, std::vector{1, 2, 3});
        }
        REQUIRE(runs == 0);
        REQUIRE(captured.use_count() == 1);
    });
}

TEST_CASE("a submission runs once, whether started or awaited, with any number of arguments") {
    for_each_launcher(6, [](const spmd::engine_pool& pool) {
        std::atomic<int> runs{0};
        const auto count = [&](rank, auto... numbers) {
            ++runs;
            return (0 + ... + numbers);
        };
        auto described = pool.broadcast(count, 1, 2, 3, 4, 5, 6, 7);
        REQUIRE(runs == 0);
        described.wait();
        REQUIRE(runs == 6);
        REQUIRE(described.get() == std::vector(6, 28));
        REQUIRE(runs == 6);
        auto running = pool.broadcast(count, 1).start();
        REQUIRE(running.get() == std::vector(6, 1));
        REQUIRE(runs == 12);

        auto started = pool.broadcast(count);
        auto result = started.start();
        REQUIRE_THROWS_AS(started.get(), std::logic_error);
        REQUIRE_THROWS_AS(started.start(), std::logic_error);
        REQUIRE(result.get() == std::vector(6, 0));
        REQUIRE(runs == 18);
    });
}

TEST_CASE(
    "a rank awaits submissions of its own pool and of another, and works on them without other threads") {
    for_each_pool([](const spmd::engine_pool& pool) {
        const spmd::engine_pool other = make_shuffled_pool(3, 5);
        const std::vector<int> items{1, 2, 3, 4};
        const auto got =
            pool.broadcast([&](rank me) -> task<int> {
                    const auto add = [id = static_cast<int>(me.id())](int item) { return item + id; };
                    const std::vector<int> mapped = co_await pool.map(add, items);
                    const auto id_of = [](rank inner) { return static_cast<int>(inner.id()); };
                    auto running = other.broadcast(id_of).start();
                    co_await me.barrier();
                    const std::vector<int> ids = co_await running;
                    const auto inner = [](rank each) -> task<int> {
                        co_return co_await each.all_reduce(1, spmd::plus);
                    };
                    const std::vector<int> sizes = co_await other.broadcast(inner);
                    co_return std::accumulate(mapped.begin(), mapped.end(), 0) +
                        100 * std::accumulate(ids.begin(), ids.end(), 0) + 1000 * sizes.front();
                })
                .get();
        for (std::size_t id = 0; id < got.size(); ++id) REQUIRE(got[id] == 3310 + 4 * static_cast<int>(id));
    });
}

TEST_CASE("ranks that await a broadcast hold no thread") {
    for_each_concurrent_pool(50, 2, [](const spmd::engine_pool& pool) {
        // All ranks but the last await work of another pool, which ends only after the last has run.
        gate door;
        const spmd::engine_pool slow = make_jthread_pool(1, {60});
        std::atomic<std::size_t> came{0};
        pool.broadcast([&](rank me) -> task<> {
                if (me.id() + 1 == me.size()) {
                    while (came + 1 < me.size()) std::this_thread::yield();
                    door.open();
                    co_return;
                }
                const auto wait = [&](rank inner) { door.wait(inner); };
                std::atomic<bool> begun{false};
                const auto begin_and_wait = [&](rank inner) {
                    begun = true;
                    wait(inner);
                };
                auto held = slow.broadcast(begin_and_wait).start();
                while (!begun) std::this_thread::yield(); // keeps the threads of `pool` out of it
                ++came;
                co_await held;
            })
            .wait();
        REQUIRE(came == 49);
    });
}

TEST_CASE("an exception of an awaited submission is thrown at the co_await") {
    for_each_launcher(4, [](const spmd::engine_pool& pool) {
        const auto caught = pool.broadcast([&](rank) -> task<int> {
                                    const auto fail = [](rank inner) -> int {
                                        if (inner.id() == 2) throw std::runtime_error("no");
                                        return 1;
                                    };
                                    int failures = 0;
                                    try {
                                        co_await pool.broadcast(fail);
                                    } catch (const spmd::composite_error& error) {
                                        failures = static_cast<int>(error.failures().size());
                                    }
                                    co_return failures;
                                })
                                .get();
        REQUIRE(caught == std::vector(4, 1));
    });
}

TEST_CASE("any coroutine can await a submission, and resumes when it has ended") {
    for_each_concurrent_pool(5, 2, [](const spmd::engine_pool& pool) {
        for (int round = 0; round < 50; ++round) {
            std::atomic<int> sum{0};
            sum_of(pool, {1, 2, 3, 4, 5}, sum);
            REQUIRE(eventually([&] { return sum == 30; }));
            std::atomic<bool> has_failed{false};
            message_of_failure(pool, has_failed);
            REQUIRE(eventually([&] { return has_failed.load(); }));
        }
    });
}

TEST_CASE("a stop token cancels its submissions, before and while they run") {
    for_each_concurrent_pool(10, 2, [](const spmd::engine_pool& pool) {
        std::stop_source stop;
        const spmd::view stoppable = pool.with({.stop = stop.get_token()});
        std::atomic<int> runs{0};
        auto running = stoppable
                           .broadcast([&](rank me) {
                               ++runs;
                               while (!me.stop_requested()) std::this_thread::yield();
                           })
                           .start();
        REQUIRE(eventually([&] { return runs > 0; }));
        stop.request_stop();
        running.wait();
        auto late = stoppable.map([&](int) { ++runs; }, std::vector{1, 2, 3});
        const int before = runs;
        REQUIRE_THROWS_AS(late.get(), spmd::cancelled_error);
        REQUIRE(runs == before);
    });
}

TEST_CASE("a chunk of no items is rejected") {
    const spmd::engine_pool pool = make_shuffled_pool(2, 1);
    REQUIRE_THROWS_WITH(pool.with({.chunk = 0}).map([](int) {}, std::vector{1}).get(),
                        Contains("at least one item, not 0"));
}
