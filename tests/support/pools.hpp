#pragma once

#include "jthread_launcher.hpp"
#include "parked_launcher.hpp"
#include "shuffled_launcher.hpp"

#include <spmd/spmd.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace test_support {

/// A launcher and its number of threads, with functions to make pools of it.
struct pool_kind {
    std::string name;
    std::size_t threads;
    std::function<spmd::engine_pool(std::size_t ranks)> make;
    std::function<std::unique_ptr<spmd::detail::launcher>()> make_launcher;
};

inline spmd::engine_pool make_jthread_pool(std::size_t ranks, std::vector<std::size_t> threads) {
    return spmd::detail::pool_maker::make(ranks, std::make_unique<jthread_launcher>(threads));
}
inline spmd::engine_pool make_shuffled_pool(std::size_t ranks, std::uint64_t seed) {
    return spmd::detail::pool_maker::make(ranks, std::make_unique<shuffled_launcher>(seed));
}
/// Nothing starts until a thread joins, and then runs on that thread alone.
inline spmd::engine_pool
make_parked_pool(std::size_t ranks,
                 std::shared_ptr<parked_helpers> helpers = std::make_shared<parked_helpers>()) {
    return spmd::detail::pool_maker::make(
        ranks, std::make_unique<parked_launcher>(std::vector<std::size_t>{2}, std::move(helpers)));
}

inline std::vector<std::size_t> distinct(std::vector<std::size_t> values) {
    std::ranges::sort(values);
    const auto repeated = std::ranges::unique(values);
    values.erase(repeated.begin(), repeated.end());
    if (!values.empty() && values.front() == 0) values.erase(values.begin());
    return values;
}

inline std::vector<std::size_t> swept_threads() { return distinct({1, 2, spmd::available_threads()}); }
inline std::vector<std::size_t> swept_ranks() {
    const std::size_t cores = spmd::available_threads();
    return distinct({1, cores - 1, cores, cores + 1, 4 * cores, 1000});
}

/// Every launcher with 1, 2 and all threads; the std::jthread one also with several arenas. Without oneTBB if
/// SPMD_TEST_WITHOUT_TBB is defined.
inline std::vector<pool_kind> pool_kinds() {
    std::vector<pool_kind> kinds;
    for (const std::size_t threads : swept_threads()) {
#ifndef SPMD_TEST_WITHOUT_TBB
        kinds.push_back(
            {"oneTBB", threads,
             [threads](std::size_t ranks) { return spmd::engine_pool{{.ranks = ranks, .threads = threads}}; },
             [threads] {
                 return spmd::detail::make_tbb_launcher(threads, spmd::placement::compact, false);
             }});
#endif
        kinds.push_back(
            {"std::jthread", threads,
             [threads](std::size_t ranks) { return make_jthread_pool(ranks, {threads}); },
             [threads] { return std::make_unique<jthread_launcher>(std::vector<std::size_t>{threads}); }});
    }
    kinds.push_back({"std::jthread in arenas of 2, 1, 1", 4,
                     [](std::size_t ranks) { return make_jthread_pool(ranks, {2, 1, 1}); },
                     [] { return std::make_unique<jthread_launcher>(std::vector<std::size_t>{2, 1, 1}); }});
    for (const std::uint64_t seed : {1U, 2U}) {
        kinds.push_back({"shuffled, seed " + std::to_string(seed), 1,
                         [seed](std::size_t ranks) { return make_shuffled_pool(ranks, seed); },
                         [seed] { return std::make_unique<shuffled_launcher>(seed); }});
    }
    return kinds;
}

/// Calls body(pool) for each launcher and number of threads, with `ranks` ranks.
template <class Body>
void for_each_launcher(std::size_t ranks, Body&& body) {
    for (const pool_kind& kind : pool_kinds()) {
        INFO(kind.name << ", " << kind.threads << " threads, " << ranks << " ranks");
        const spmd::engine_pool pool = kind.make(ranks);
        body(pool);
    }
}

/// Calls body(pool) for each launcher, number of threads and number of ranks in {1, cores-1, cores, cores+1,
/// 4·cores, 1000}.
template <class Body>
void for_each_pool(Body&& body) {
    for (const std::size_t ranks : swept_ranks()) for_each_launcher(ranks, body);
}

/// Calls body(pool) for each launcher that works while the calling thread does something else, on `threads`
/// threads.
template <class Body>
void for_each_concurrent_pool(std::size_t ranks, std::size_t threads, Body&& body) {
#ifndef SPMD_TEST_WITHOUT_TBB
    {
        INFO("oneTBB, " << threads << " threads, " << ranks << " ranks");
        const spmd::engine_pool pool{{.ranks = ranks, .threads = threads}};
        body(pool);
    }
#endif
    INFO("std::jthread, " << threads << " threads, " << ranks << " ranks");
    const spmd::engine_pool pool = make_jthread_pool(ranks, {threads});
    body(pool);
}

/// Blocks tasks until the test opens it.
class gate {
public:
    void open() noexcept { open_ = true; }
    bool is_open() const noexcept { return open_; }
    void wait() const {
        while (!open_) pause();
    }
    /// Also returns on a stop request, so that a failing test does not hang.
    void wait(const spmd::rank& me) const {
        while (!open_ && !me.stop_requested()) pause();
    }

private:
    static void pause() { std::this_thread::sleep_for(std::chrono::microseconds(50)); }

    std::atomic<bool> open_{false};
};

/// Waits until the condition holds; returns false if it does not within `time`.
template <class Condition>
[[nodiscard]] bool eventually(Condition&& condition, std::chrono::seconds time = std::chrono::minutes(1)) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
    return true;
}

} // namespace test_support
