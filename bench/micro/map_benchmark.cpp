// An empty body per item, its result collected: spmd's map with one task per item and with automatic chunks,
// against oneTBB's loop with one task per item.
#include "empty_body.hpp"

#include <spmd/spmd.hpp>

#include <benchmark/benchmark.h>
#include <oneapi/tbb/parallel_for.h>

#include <cstddef>
#include <numeric>
#include <optional>
#include <vector>

namespace {

std::vector<std::size_t> items(const benchmark::State& state) {
    std::vector<std::size_t> all(static_cast<std::size_t>(state.range(0)));
    std::iota(all.begin(), all.end(), std::size_t{0});
    return all;
}

template <std::size_t Chunk>
void spmd_map(benchmark::State& state) {
    const std::vector<std::size_t> all = items(state);
    const spmd::engine_pool pool({.ranks = 1});
    const spmd::view chunked = pool.with({.chunk = Chunk == 0 ? std::nullopt : std::optional(Chunk)});
    for (auto _ : state) benchmark::DoNotOptimize(chunked.map(empty_body, all).get());
    state.SetItemsProcessed(state.iterations() * state.range(0));
    state.SetComplexityN(state.range(0));
}

void tbb_task_per_item(benchmark::State& state) {
    const std::vector<std::size_t> all = items(state);
    for (auto _ : state) {
        std::vector<int> results(all.size());
        oneapi::tbb::parallel_for(
            oneapi::tbb::blocked_range<std::size_t>(0, all.size()),
            [&](const auto& range) {
                for (std::size_t i = range.begin(); i < range.end(); ++i) results[i] = empty_body(all[i]);
            },
            oneapi::tbb::simple_partitioner());
        benchmark::DoNotOptimize(results);
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
    state.SetComplexityN(state.range(0));
}

void sizes(benchmark::internal::Benchmark* suite) {
    suite->RangeMultiplier(10)->Range(100, 1'000'000)->Complexity()->UseRealTime();
}

BENCHMARK(spmd_map<1>)->Name("map/spmd_task_per_item")->Apply(sizes);
BENCHMARK(spmd_map<0>)->Name("map/spmd_automatic")->Apply(sizes);
BENCHMARK(tbb_task_per_item)->Name("map/parallel_for_simple")->Apply(sizes);

} // namespace
