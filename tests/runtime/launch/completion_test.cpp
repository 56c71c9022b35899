// Guards the end of a job: a waiter that sleeps for ever because it looked just before the last index ended,
// one that is woken too early, and a continuation that runs twice or never.

#include <spmd/detail/launch/completion.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using spmd::detail::completion;
using clock_type = std::chrono::steady_clock;

struct counting_continuation final : spmd::detail::continuation {
    void resume_waiter() noexcept override { ++runs; }
    std::atomic<int> runs{0};
};

} // namespace

TEST_CASE("a completion is finished when all indices have ended, and at once if there are none") {
    completion none(0);
    CHECK(none.is_finished());
    none.wait([&] { return none.is_finished(); });
    completion three(3);
    three.end(2);
    CHECK_FALSE(three.is_finished());
    CHECK_FALSE(three.wait_until(clock_type::now() + 1ms, [&] { return three.is_finished(); }));
    three.end(1);
    CHECK(three.is_finished());
    CHECK(three.wait_until(clock_type::now() - 1s, [&] { return three.is_finished(); }));
}

TEST_CASE("waiters are woken by the last index, whenever they begin to wait") {
    for (int round = 0; round < 200; ++round) {
        completion work(4);
        std::atomic<int> ended{0};
        std::atomic<int> early{0};
        {
            std::vector<std::jthread> threads;
            for (int i = 0; i < 3; ++i)
                threads.emplace_back([&, i] {
                    const auto finished = [&] { return work.is_finished(); };
                    if (i == 0)
                        work.wait(finished);
                    else
                        while (!work.wait_until(clock_type::now() + 1min, finished)) ++early;
                    if (ended.load() != 4) ++early;
                });
            for (int i = 0; i < 2; ++i)
                threads.emplace_back([&] {
                    for (int k = 0; k < 2; ++k) {
                        ++ended;
                        work.end(1);
                    }
                });
        }
        REQUIRE(early == 0);
    }
}

TEST_CASE("a waiter for one index sets the flag that workers poll, and is woken by them") {
    completion work(2);
    std::atomic<bool> first_done{false};
    CHECK_FALSE(work.flags().is_set());
    std::jthread waiter([&] {
        while (!work.wait_for_index(clock_type::now() + 1ms, [&] { return first_done.load(); })) {
        }
    });
    while (!work.flags().has_waiters()) std::this_thread::yield();
    CHECK(work.flags().is_set());
    CHECK_FALSE(work.stop_requested());
    first_done = true;
    work.wake_index_waiters();
    waiter.join();
    CHECK_FALSE(work.flags().is_set());
    CHECK_FALSE(work.is_finished());
    work.end(2);
}

TEST_CASE("a stop sets the flag, and leaves the count of waiters") {
    completion work(1);
    work.request_stop();
    work.request_stop();
    CHECK(work.stop_requested());
    CHECK(work.flags().is_set());
    CHECK_FALSE(work.flags().has_waiters());
    CHECK_FALSE(work.is_finished());
    work.end(1);
}

TEST_CASE("a continuation runs once, or is refused when all is over") {
    completion over(0);
    counting_continuation late;
    CHECK_FALSE(over.continue_with(late));
    CHECK(late.runs == 0);
    for (int round = 0; round < 3000; ++round) {
        completion work(2);
        counting_continuation next;
        bool accepted = false;
        std::atomic<int> ready{0}; // so that both threads get there at the same time
        const auto meet = [&] {
            for (++ready; ready != 2;) spmd::detail::relax();
        };
        {
            const std::jthread awaiting([&] {
                meet();
                accepted = work.continue_with(next);
            });
            work.end(1);
            meet();
            work.end(1);
        }
        REQUIRE(next.runs == (accepted ? 1 : 0));
    }
}

TEST_CASE("several continuations run once each, or are refused") {
    for (int round = 0; round < 1000; ++round) {
        completion work(1);
        std::array<counting_continuation, 3> next;
        std::array<bool, 3> accepted{};
        std::atomic<int> ready{0}; // so that all threads get there at the same time
        const auto meet = [&] {
            for (++ready; ready != 4;) std::this_thread::yield();
        };
        {
            std::vector<std::jthread> awaiting;
            for (std::size_t i = 0; i < next.size(); ++i)
                awaiting.emplace_back([&, i] {
                    meet();
                    accepted[i] = work.continue_with(next[i]);
                });
            meet();
            work.end(1);
        }
        for (std::size_t i = 0; i < next.size(); ++i) REQUIRE(next[i].runs == (accepted[i] ? 1 : 0));
    }
}

TEST_CASE("very many continuations use no stack") {
    completion work(1);
    std::vector<counting_continuation> next(1'000'000);
    for (counting_continuation& each : next) REQUIRE(work.continue_with(each));
    work.end(1);
    CHECK(std::ranges::all_of(next, [](const counting_continuation& each) { return each.runs == 1; }));
}
