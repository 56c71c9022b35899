// The costs in runtime/include/spmd/detail/launch/costs.hpp, from which all thresholds follow: what a thread
// pays to wake another, how long that takes to run, and what a claim and a look for work cost.

#include <spmd/detail/base/clock.hpp>
#include <spmd/detail/launch/index_claims.hpp>
#include <spmd/engine_pool.hpp>
#include <spmd/spmd.hpp>

#include <benchmark/benchmark.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <thread>

namespace {

using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;
using spmd::detail::index_claims;
using spmd::detail::placed_range;

double seconds(clock_type::duration time) { return std::chrono::duration<double>(time).count(); }

// Time that start() of as many ranks takes as the argument says, on two threads of which one sleeps: it
// lingers for 100 us only.
void call_sleeping(benchmark::State& state) {
    spmd::engine_pool pool({.ranks = static_cast<std::size_t>(state.range(0)), .threads = 2});
    for (auto _ : state) {
        std::this_thread::sleep_for(1ms);
        const auto begin = clock_type::now();
        auto result = pool.broadcast([](spmd::rank) {}).start();
        state.SetIterationTime(seconds(clock_type::now() - begin));
        result.wait();
    }
}
BENCHMARK(call_sleeping)->Name("costs/call_sleeping")->Arg(2)->UseManualTime()->Unit(benchmark::kMicrosecond);

// Time from start() until the first rank runs on a woken thread, while the caller sleeps too.
void woken_after(benchmark::State& state) {
    spmd::engine_pool pool({.ranks = static_cast<std::size_t>(state.range(0)), .threads = 2});
    for (auto _ : state) {
        std::this_thread::sleep_for(1ms);
        clock_type::time_point ran;
        const auto begin = clock_type::now();
        auto result = pool.broadcast([&](spmd::rank me) {
                              if (me.id() == 0) ran = clock_type::now();
                          })
                          .start();
        result.wait_for(1s);
        state.SetIterationTime(seconds(ran - begin));
    }
}
BENCHMARK(woken_after)->Name("costs/woken_after")->Arg(2)->UseManualTime()->Unit(benchmark::kMicrosecond);

// A claim of as many indices as the argument says, by one thread, or by two at the same time.
void claim(benchmark::State& state) {
    static std::atomic<index_claims*> shared{nullptr};
    constexpr std::size_t count = std::size_t{1} << 50;
    if (state.thread_index() == 0) {
        const placed_range all{0, {0, count}};
        const auto chunk = static_cast<std::size_t>(state.range(0));
        shared = new index_claims({&all, 1}, chunk, static_cast<std::size_t>(state.threads()), 1);
    }
    std::size_t cursor = 0;
    for (auto _ : state) benchmark::DoNotOptimize(shared.load()->claim_in(0, cursor));
    if (state.thread_index() == 0) delete shared.exchange(nullptr);
}
BENCHMARK(claim)->Name("costs/claim")->Arg(2)->ThreadRange(1, 2)->UseRealTime();

// A look for work that is not there, with the pause between two looks.
void look(benchmark::State& state) {
    std::atomic<std::size_t> nothing{0};
    for (auto _ : state) {
        benchmark::DoNotOptimize(nothing.load(std::memory_order_relaxed));
        spmd::detail::relax();
    }
}
BENCHMARK(look)->Name("costs/look")->Arg(2);

} // namespace
