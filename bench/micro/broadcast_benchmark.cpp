// One empty body per rank, its result collected in a new vector: spmd's broadcast against the bare loops of
// oneTBB and OpenMP. "sync" is pool.broadcast(task).get() in one statement; "async" in two.
#include "empty_body.hpp"
#include "rank_counters.hpp"

#include <spmd/spmd.hpp>

#include <benchmark/benchmark.h>
#include <malloc.h>
#include <oneapi/tbb/parallel_for.h>
#if defined(_OPENMP) && __has_include(<omp.h>)
#include <omp.h>
#endif

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

namespace {

using clock = std::chrono::steady_clock;

constexpr auto task = [](spmd::rank me) { return empty_body(me.id()); };

struct spmd_sync {
    explicit spmd_sync(std::size_t ranks) : pool({.ranks = ranks}) {}
    std::vector<int> operator()(std::size_t) const { return pool.broadcast(task).get(); }
    spmd::engine_pool pool;
};
struct spmd_async {
    explicit spmd_async(std::size_t ranks) : pool({.ranks = ranks}) {}
    std::vector<int> operator()(std::size_t) const {
        auto results = pool.broadcast(task).start();
        return results.get();
    }
    spmd::engine_pool pool;
};
struct serial {
    explicit serial(std::size_t) {}
    std::vector<int> operator()(std::size_t ranks) const {
        std::vector<int> results(ranks);
        for (std::size_t i = 0; i < ranks; ++i) results[i] = empty_body(i);
        return results;
    }
};
template <class Partitioner>
struct tbb_parallel_for {
    explicit tbb_parallel_for(std::size_t) {}
    std::vector<int> operator()(std::size_t ranks) const {
        std::vector<int> results(ranks);
        oneapi::tbb::parallel_for(
            oneapi::tbb::blocked_range<std::size_t>(0, ranks),
            [&](const auto& range) {
                for (std::size_t i = range.begin(); i < range.end(); ++i) results[i] = empty_body(i);
            },
            Partitioner());
        return results;
    }
};
#ifdef _OPENMP
struct openmp_static {
    explicit openmp_static(std::size_t) {}
    int threads = static_cast<int>(spmd::available_threads());
    std::vector<int> operator()(std::size_t ranks) const {
        std::vector<int> results(ranks);
#pragma omp parallel for schedule(static) num_threads(threads)
        for (std::size_t i = 0; i < ranks; ++i) results[i] = empty_body(i);
        return results;
    }
};
#endif

/// Idle threads of libgomp spin for a while, on cores that the next benchmark needs.
void let_openmp_threads_go() {
#if defined(_OPENMP) && __has_include(<omp.h>)
    omp_pause_resource_all(omp_pause_hard);
#endif
}

template <class Way>
void hot(benchmark::State& state) {
    const auto ranks = static_cast<std::size_t>(state.range(0));
    const Way way(ranks);
    benchmark::DoNotOptimize(way(ranks));
    const auto begin = clock::now();
    for (auto _ : state) benchmark::DoNotOptimize(way(ranks));
    count_ranks(state, ranks, clock::now() - begin);
    let_openmp_threads_go();
}

/// Broadcasts after 5 ms of idling, when all other threads are asleep.
template <class Way>
void cold(benchmark::State& state) {
    const auto ranks = static_cast<std::size_t>(state.range(0));
    const Way way(ranks);
    for (int i = 0; i < 3; ++i) benchmark::DoNotOptimize(way(ranks));
    clock::duration spent{};
    for (auto _ : state) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        const auto begin = clock::now();
        benchmark::DoNotOptimize(way(ranks));
        const auto elapsed = clock::now() - begin;
        state.SetIterationTime(std::chrono::duration<double>(elapsed).count());
        spent += elapsed;
    }
    count_ranks(state, ranks, spent);
    let_openmp_threads_go();
}

void hot_ranks(benchmark::internal::Benchmark* suite) {
    for (const int ranks : {1, 2, 16, 100, 1'000, 10'000, 100'000, 1'000'000}) suite->Arg(ranks);
    suite->Complexity();
    suite->UseRealTime();
}
void cold_ranks(benchmark::internal::Benchmark* suite) {
    suite->Arg(2)->Arg(100)->UseManualTime()->Iterations(50)->Unit(benchmark::kMicrosecond);
}

void spin_for(std::chrono::nanoseconds time) {
    const auto begin = clock::now();
    while (clock::now() - begin < time) {
    }
}

/// 100 ranks of 20 µs after 5 ms of idling, workers pinned; x_ideal is the time over the ideal one.
void cold_work(benchmark::State& state) {
    constexpr std::chrono::microseconds each{20};
    constexpr std::size_t ranks = 100;
    const spmd::engine_pool pool({.ranks = ranks, .pin_workers = state.range(0) != 0});
    const std::chrono::duration<double> ideal = each * ranks / static_cast<double>(pool.threads());
    std::chrono::duration<double> spent{};
    for (auto _ : state) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        const auto begin = clock::now();
        pool.broadcast([&](spmd::rank) { spin_for(each); }).get();
        const std::chrono::duration<double> elapsed = clock::now() - begin;
        state.SetIterationTime(elapsed.count());
        spent += elapsed;
    }
    state.counters["x_ideal"] = spent / (ideal * static_cast<double>(state.iterations()));
}

/// The memory of a rank's slot beyond its result, during a broadcast.
template <class Result>
void slot_memory(benchmark::State& state) {
    const auto ranks = static_cast<std::size_t>(state.range(0));
    const spmd::engine_pool pool({.ranks = ranks});
    const auto allocated = [] {
        const struct mallinfo2 now = mallinfo2();
        return static_cast<double>(now.uordblks + now.hblkhd);
    };
    double most = 0;
    for (auto _ : state) {
        const double before = allocated();
        auto results =
            pool.broadcast([](spmd::rank me) { return Result(static_cast<Result>(me.id())); }).start();
        const double beyond = (allocated() - before) / static_cast<double>(ranks) - sizeof(Result);
        most = std::max(most, beyond);
        results.wait();
    }
    state.counters["bytes_per_rank_beyond_result"] = most;
}

/// A result without a default constructor, which a vector cannot create before the run.
class from_id {
public:
    explicit from_id(std::size_t id) : id_(id) {}
    std::size_t id() const { return id_; }

private:
    std::size_t id_;
};

using oneapi::tbb::auto_partitioner;
using oneapi::tbb::static_partitioner;

BENCHMARK(hot<spmd_sync>)->Name("broadcast/spmd_sync")->Apply(hot_ranks);
BENCHMARK(hot<spmd_async>)->Name("broadcast/spmd_async")->Apply(hot_ranks);
BENCHMARK(hot<serial>)->Name("broadcast/serial")->Apply(hot_ranks);
BENCHMARK(hot<tbb_parallel_for<static_partitioner>>)->Name("broadcast/parallel_for_static")->Apply(hot_ranks);
BENCHMARK(hot<tbb_parallel_for<auto_partitioner>>)->Name("broadcast/parallel_for_auto")->Apply(hot_ranks);
BENCHMARK(cold<spmd_sync>)->Name("broadcast_cold/spmd_sync")->Apply(cold_ranks);
BENCHMARK(cold<spmd_async>)->Name("broadcast_cold/spmd_async")->Apply(cold_ranks);
BENCHMARK(cold<tbb_parallel_for<static_partitioner>>)
    ->Name("broadcast_cold/parallel_for_static")
    ->Apply(cold_ranks);
#ifdef _OPENMP
BENCHMARK(hot<openmp_static>)->Name("broadcast/openmp_static")->Apply(hot_ranks);
BENCHMARK(cold<openmp_static>)->Name("broadcast_cold/openmp_static")->Apply(cold_ranks);
#endif
BENCHMARK(cold_work)
    ->Name("broadcast_cold/100x20us/pin")
    ->Arg(0)
    ->Arg(1)
    ->UseManualTime()
    ->Iterations(50)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(slot_memory<int>)->Name("broadcast/slot_memory/int")->Arg(1'000'000)->Iterations(5)->UseRealTime();
BENCHMARK(slot_memory<from_id>)
    ->Name("broadcast/slot_memory/no_default")
    ->Arg(1'000'000)
    ->Iterations(5)
    ->UseRealTime();

} // namespace
