// What collective costs, in the steady state: all iterations take place in one broadcast of coroutine ranks, and rank 0
// takes the time of them all, so launching is not in it. Beside that: launching ranks that do not meet, and the
// memory of ranks that wait.
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
#include <vector>

namespace {

spmd::task<> barriers(spmd::rank me, collective_stopwatch* watch) {
    for (std::size_t i = 0; watch->goes_on(me, i); ++i) co_await me.barrier();
}

spmd::task<> barrier_of_helper(spmd::rank me) { co_await me.barrier(); }

spmd::task<> nested_barriers(spmd::rank me, collective_stopwatch* watch) {
    for (std::size_t i = 0; watch->goes_on(me, i); ++i) co_await barrier_of_helper(me);
}

spmd::task<> all_reduces(spmd::rank me, collective_stopwatch* watch) {
    const auto size = static_cast<double>(me.size());
    for (std::size_t i = 0; watch->goes_on(me, i); ++i)
        if (co_await me.all_reduce(1.0, std::plus<>{}) != size) throw std::logic_error("a wrong sum");
}

/// Each rank gives a vector of a number for each, and takes one.
spmd::task<> all_to_alls(spmd::rank me, collective_stopwatch* watch) {
    std::vector<std::size_t> values(me.size(), me.id());
    for (std::size_t i = 0; watch->goes_on(me, i); ++i) {
        const std::vector<std::size_t> taken = co_await me.all_to_all(values);
        if (taken.back() != me.size() - 1) throw std::logic_error("a wrong value");
    }
}

/// Two groups, left again at once.
spmd::task<> splits(spmd::rank me, collective_stopwatch* watch) {
    for (std::size_t i = 0; watch->goes_on(me, i); ++i) {
        const spmd::rank half = co_await me.split(me.id() % 2);
        if (half.id() != me.id() / 2) throw std::logic_error("a wrong id");
    }
}

void launch(benchmark::State& state) {
    const spmd::engine_pool pool({.ranks = static_cast<std::size_t>(state.range(0))});
    const auto body = [](spmd::rank me) -> spmd::task<int> { co_return empty_body(me.id()); };
    benchmark::DoNotOptimize(pool.broadcast(body).get());
    const auto begin = std::chrono::steady_clock::now();
    for (auto _ : state) benchmark::DoNotOptimize(pool.broadcast(body).get());
    const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - begin;
    count_ranks(state, static_cast<std::size_t>(state.range(0)), spent);
}

double allocated_bytes() {
    const struct mallinfo2 now = mallinfo2();
    return static_cast<double>(now.uordblks + now.hblkhd);
}

/// What the broadcast has allocated when all ranks but one wait in a barrier, and that one is on its way there.
void waiting_memory(benchmark::State& state) {
    const auto ranks = static_cast<std::size_t>(state.range(0));
    const spmd::engine_pool pool({.ranks = ranks});
    double most = 0;
    for (auto _ : state) {
        std::atomic<std::size_t> came = 0;
        double waiting = 0;
        const double before = allocated_bytes();
        pool.broadcast([&](spmd::rank me) -> spmd::task<> {
                if (came.fetch_add(1) + 1 == me.size()) waiting = allocated_bytes();
                co_await me.barrier();
            })
            .get();
        most = std::max(most, (waiting - before) / static_cast<double>(ranks));
    }
    state.counters["bytes_per_rank"] = most;
}

void up_to_a_million_ranks(benchmark::internal::Benchmark* suite) {
    // 2, 16 and 64 are the sizes of suite collective_peers, too.
    for (const int ranks : {1, 2, 10, 16, 64, 100, 1'000, 10'000, 100'000, 1'000'000}) suite->Arg(ranks);
    suite->Complexity();
}

BENCHMARK(meet<barriers>)->Name("barrier/flat")->Apply(up_to_a_million_ranks)->UseManualTime();
BENCHMARK(meet<nested_barriers>)->Name("barrier/nested")->Apply(up_to_a_million_ranks)->UseManualTime();
BENCHMARK(meet<all_reduces>)->Name("all_reduce/double")->Apply(up_to_a_million_ranks)->UseManualTime();
// Ranks² values: beyond 1,000 ranks they would be all that is measured.
BENCHMARK(meet<all_to_alls>)
    ->Name("all_to_all")
    ->Arg(1)
    ->Arg(2)
    ->Arg(10)
    ->Arg(100)
    ->Arg(1'000)
    ->Complexity()
    ->UseManualTime();
BENCHMARK(meet<splits>)->Name("split/odd_even")->Apply(up_to_a_million_ranks)->UseManualTime();
BENCHMARK(launch)->Name("coroutine/launch")->Apply(up_to_a_million_ranks)->UseRealTime();
BENCHMARK(waiting_memory)
    ->Name("coroutine/waiting_memory")
    ->Arg(1'000)
    ->Arg(1'000'000)
    ->Iterations(3)
    ->UseRealTime();

} // namespace
