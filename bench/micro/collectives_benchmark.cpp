// The cost of a collective in the steady state: all iterations are one broadcast of coroutine ranks, in which
// rank 0 measures the time, so that launching is excluded. Also: launching ranks without collectives, and the
// memory of waiting ranks.
#include "collective_stopwatch.hpp"
#include "empty_body.hpp"

#include <spmd/spmd.hpp>

#include <benchmark/benchmark.h>
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace {

spmd::task<> barriers(spmd::rank me, collective_stopwatch* watch) {
    for (std::size_t i = 0; watch->continues(me, i); ++i) co_await me.barrier();
}

void barriers_on_fibers(spmd::rank me, collective_stopwatch* watch) {
    for (std::size_t i = 0; watch->continues(me, i); ++i) me.barrier().get();
}

spmd::task<> barrier_in_callee(spmd::rank me) { co_await me.barrier(); }

spmd::task<> nested_barriers(spmd::rank me, collective_stopwatch* watch) {
    for (std::size_t i = 0; watch->continues(me, i); ++i) co_await barrier_in_callee(me);
}

spmd::task<> all_reduces(spmd::rank me, collective_stopwatch* watch) {
    const auto size = static_cast<double>(me.size());
    for (std::size_t i = 0; watch->continues(me, i); ++i)
        if (co_await me.all_reduce(1.0, std::plus<>{}) != size) throw std::logic_error("a wrong sum");
}

/// Sums vectors, 16 MiB of all ranks together, whose memory goes round.
spmd::task<> vector_all_reduces(spmd::rank me, collective_stopwatch* watch) {
    constexpr std::size_t all_bytes = std::size_t{1} << 24;
    std::vector<double> values(all_bytes / sizeof(double) / me.size());
    for (std::size_t i = 0; watch->continues(me, i); ++i) {
        values.back() = 1;
        values = co_await me.all_reduce(std::move(values), std::plus<>{});
        if (values.back() != static_cast<double>(me.size())) throw std::logic_error("a wrong sum");
    }
}

/// Each rank sends a number to every rank.
spmd::task<> all_to_alls(spmd::rank me, collective_stopwatch* watch) {
    std::vector<std::size_t> values(me.size(), me.id());
    for (std::size_t i = 0; watch->continues(me, i); ++i) {
        const std::vector<std::size_t> received = co_await me.all_to_all(values);
        if (received.back() != me.size() - 1) throw std::logic_error("a wrong value");
    }
}

/// Splits into two groups without using them.
spmd::task<> splits(spmd::rank me, collective_stopwatch* watch) {
    for (std::size_t i = 0; watch->continues(me, i); ++i) {
        const spmd::rank half = co_await me.split(me.id() % 2);
        if (half.id() != me.id() / 2) throw std::logic_error("a wrong id");
    }
}

template <class Body>
void launch_ranks(benchmark::State& state, const Body& body) {
    const spmd::engine_pool pool({.ranks = static_cast<std::size_t>(state.range(0))});
    benchmark::DoNotOptimize(pool.broadcast(body).get());
    const auto begin = std::chrono::steady_clock::now();
    for (auto _ : state) benchmark::DoNotOptimize(pool.broadcast(body).get());
    const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - begin;
    count_ranks(state, static_cast<std::size_t>(state.range(0)), spent);
}

void launch(benchmark::State& state) {
    launch_ranks(state, [](spmd::rank me) -> spmd::task<int> { co_return empty_body(me.id()); });
}

void launch_on_fibers(benchmark::State& state) {
    launch_ranks(state, spmd::on_fibers([](spmd::rank me) { return empty_body(me.id()); }));
}

double allocated_bytes() {
    const struct mallinfo2 now = mallinfo2();
    return static_cast<double>(now.uordblks + now.hblkhd);
}

/// The memory of a broadcast whose ranks wait in a barrier, measured by the last one before it arrives.
void waiting_memory(benchmark::State& state) {
    const auto ranks = static_cast<std::size_t>(state.range(0));
    const spmd::engine_pool pool({.ranks = ranks});
    double most = 0;
    for (auto _ : state) {
        std::atomic<std::size_t> started = 0;
        double waiting = 0;
        const double before = allocated_bytes();
        pool.broadcast([&](spmd::rank me) -> spmd::task<> {
                if (started.fetch_add(1) + 1 == me.size()) waiting = allocated_bytes();
                co_await me.barrier();
            })
            .get();
        most = std::max(most, (waiting - before) / static_cast<double>(ranks));
    }
    state.counters["bytes_per_rank"] = most;
}

void up_to_a_million_ranks(benchmark::internal::Benchmark* suite) {
    // 2, 16 and 64 are the sizes of suite collective_peers.
    for (const int ranks : {1, 2, 10, 16, 64, 100, 1'000, 10'000, 100'000, 1'000'000}) suite->Arg(ranks);
    suite->Complexity();
}

BENCHMARK(measure_collectives<barriers>)->Name("barrier/flat")->Apply(up_to_a_million_ranks)->UseManualTime();
BENCHMARK(measure_collectives<barriers_on_fibers>)
    ->Name("barrier/on_fibers")
    ->RangeMultiplier(10)
    ->Range(1, 100'000)
    ->UseManualTime();
BENCHMARK(measure_collectives<nested_barriers>)
    ->Name("barrier/nested")
    ->Apply(up_to_a_million_ranks)
    ->UseManualTime();
BENCHMARK(measure_collectives<all_reduces>)
    ->Name("all_reduce/double")
    ->Apply(up_to_a_million_ranks)
    ->UseManualTime();
BENCHMARK(measure_collectives<vector_all_reduces>)
    ->Name("all_reduce/vectors_of_16_MiB")
    ->Arg(2)
    ->Arg(16)
    ->Arg(1'000)
    ->UseManualTime();
// Ranks² values: beyond 1,000 ranks they would dominate.
BENCHMARK(measure_collectives<all_to_alls>)
    ->Name("all_to_all")
    ->Arg(1)
    ->Arg(2)
    ->Arg(10)
    ->Arg(100)
    ->Arg(1'000)
    ->Complexity()
    ->UseManualTime();
BENCHMARK(measure_collectives<splits>)->Name("split/odd_even")->Apply(up_to_a_million_ranks)->UseManualTime();
BENCHMARK(launch)->Name("coroutine/launch")->Apply(up_to_a_million_ranks)->UseRealTime();
BENCHMARK(launch_on_fibers)->Name("fibers/launch")->RangeMultiplier(10)->Range(1, 100'000)->UseRealTime();
BENCHMARK(waiting_memory)
    ->Name("coroutine/waiting_memory")
    ->Arg(1'000)
    ->Arg(1'000'000)
    ->Iterations(3)
    ->UseRealTime();

} // namespace
