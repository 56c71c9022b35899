// Guards calls when results are ready against being lost, made twice, or made before all tasks have ended;
// and the descriptor of an event loop against results that are not counted, and against being closed too
// early.

#include "support/pools.hpp"

#include <spmd/spmd.hpp>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <poll.h>

#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace test_support;
using spmd::rank;

constexpr int at_most_ms = 60'000;

bool is_readable(int fd, int within_ms) {
    pollfd each{fd, POLLIN, 0};
    return ::poll(&each, 1, within_ms) == 1 && (each.revents & POLLIN) != 0;
}

} // namespace

TEST_CASE("a function is called once, when all tasks have ended") {
    for_each_concurrent_pool(20, 2, [](const spmd::engine_pool& pool) {
        gate open;
        std::atomic<int> ended{0};
        auto result = pool.broadcast([&](rank me) {
                              open.wait(me);
                              ++ended;
                          })
                          .start();
        // Owned by the functions, which may run a moment after get() returns.
        const auto calls = std::make_shared<std::atomic<int>>(0);
        const auto ended_at_call = std::make_shared<std::atomic<int>>(0);
        for (int i = 0; i < 3; ++i)
            result.on_ready([=, &ended] {
                *ended_at_call = ended.load();
                ++*calls;
            });
        CHECK(*calls == 0);
        open.open();
        result.wait();
        while (*calls < 3) std::this_thread::yield();
        CHECK(*ended_at_call == 20);
        result.on_ready([=] { ++*calls; });
        CHECK(*calls == 4); // at once
        result.get();
        CHECK(*calls == 4);
    });
}

TEST_CASE("a function is called for results that fail, are cancelled or dropped") {
    for_each_concurrent_pool(20, 2, [](const spmd::engine_pool& pool) {
        const auto calls = std::make_shared<std::atomic<int>>(0);
        const auto call = [=] { ++*calls; };
        auto failing = pool.broadcast([](rank) { throw std::runtime_error("no input"); }).start();
        failing.on_ready(call);
        CHECK_THROWS_AS(failing.get(), spmd::composite_error);
        gate open;
        auto cancelled = pool.broadcast([&](rank me) { open.wait(me); }).start();
        cancelled.on_ready(call);
        cancelled.cancel();
        cancelled.wait();
        {
            const auto dropped = pool.broadcast([&](rank me) { open.wait(me); }).start();
            dropped.on_ready(call);
        }
        while (*calls < 3) std::this_thread::yield();
        CHECK_THROWS_AS(spmd::async_result<int>().on_ready(call), std::logic_error);
    });
}

TEST_CASE("a function may own what cannot be copied") {
    const spmd::engine_pool pool = make_jthread_pool(3, {2});
    const auto seen = std::make_shared<std::atomic<int>>(0);
    auto result = pool.broadcast([](rank) {}).start();
    result.on_ready([seen, number = std::make_unique<int>(7)] { *seen = *number; });
    result.get();
    while (*seen != 7) std::this_thread::yield();
}

TEST_CASE("the descriptor is readable while results are ready that were not counted yet") {
    for_each_concurrent_pool(20, 2, [](const spmd::engine_pool& pool) {
        const spmd::ready_event ready;
        CHECK((::fcntl(ready.fd(), F_GETFD) & FD_CLOEXEC) != 0);
        CHECK_FALSE(is_readable(ready.fd(), 0));
        CHECK(ready.take() == 0);
        gate open;
        auto first = pool.broadcast([&](rank me) { open.wait(me); }).start();
        ready.watch(first);
        CHECK_FALSE(is_readable(ready.fd(), 5));
        open.open();
        CHECK(is_readable(ready.fd(), at_most_ms));
        CHECK(first.ready());
        CHECK(ready.take() == 1);
        CHECK_FALSE(is_readable(ready.fd(), 0));

        auto second = pool.broadcast([](rank me) { return me.id(); }).start();
        ready.watch(second);
        ready.watch(first);
        for (std::size_t seen = 0; seen < 2;) {
            REQUIRE(is_readable(ready.fd(), at_most_ms));
            seen += ready.take();
        }
        CHECK(second.reduce(spmd::plus) == 190);
    });
}

TEST_CASE("a descriptor may be dropped before the results that it watches") {
    for_each_concurrent_pool(20, 2, [](const spmd::engine_pool& pool) {
        gate open;
        auto result = pool.broadcast([&](rank me) { open.wait(me); }).start();
        std::optional<spmd::ready_event> dropped(std::in_place);
        dropped->watch(result);
        dropped.reset();
        open.open();
        result.get();
    });
}
