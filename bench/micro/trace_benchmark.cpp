// The cost of a trace: ranks that do nothing, without and with a recorder, in a broadcast and in a barrier.
// Recorded runs count their events; the difference in time is the cost of an event (`ns_per_event` includes
// everything else that a rank does).
#include <spmd/spmd.hpp>

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace {

constexpr std::size_t room = std::size_t{1} << 22;

void run(benchmark::State& state, bool traced, auto task) {
    const auto ranks = static_cast<std::size_t>(state.range(0));
    std::optional<spmd::trace_recorder> trace;
    std::optional<spmd::engine_pool> pool;
    const auto renew = [&] {
        if (traced) trace.emplace(spmd::trace_options{.capacity = room});
        pool.emplace(spmd::engine_pool_options{.ranks = ranks, .threads = 1, .trace = trace});
    };
    renew();
    std::size_t events = 0;
    for ([[maybe_unused]] auto each : state) {
        pool->broadcast(task).get();
        if (!traced || trace->events() < room / 2) continue;
        state.PauseTiming();
        events += trace->events();
        renew();
        state.ResumeTiming();
    }
    if (traced) events += trace->events();
    const double all = static_cast<double>(ranks) * static_cast<double>(state.iterations());
    state.SetItemsProcessed(state.range(0) * state.iterations());
    state.counters["ns_per_rank"] = // without the paused time
        benchmark::Counter(all * 1e-9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
    state.counters["events_per_rank"] = static_cast<double>(events) / all;
}

void plain(benchmark::State& state, bool traced) {
    run(state, traced, [](spmd::rank) {});
}
void collective(benchmark::State& state, bool traced) {
    run(state, traced, [](spmd::rank me) -> spmd::task<> { co_await me.barrier(); });
}

BENCHMARK_CAPTURE(plain, off, false)->Name("trace/plain/off")->Arg(1000)->Arg(10'000);
BENCHMARK_CAPTURE(plain, on, true)->Name("trace/plain/on")->Arg(1000)->Arg(10'000);
BENCHMARK_CAPTURE(collective, off, false)->Name("trace/barrier/off")->Arg(1000)->Arg(10'000);
BENCHMARK_CAPTURE(collective, on, true)->Name("trace/barrier/on")->Arg(1000)->Arg(10'000);

} // namespace
