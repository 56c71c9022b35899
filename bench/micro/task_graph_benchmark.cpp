// A graph of list → broadcast → concat against the same steps without a graph.
#include "empty_body.hpp"

#include <spmd/spmd.hpp>

#include <benchmark/benchmark.h>

#include <cstddef>
#include <vector>

namespace {

std::vector<int> one_result(spmd::rank me) { return {empty_body(me.id())}; }

void graph(benchmark::State& state) {
    const spmd::engine_pool pool({.ranks = static_cast<std::size_t>(state.range(0))});
    spmd::task_graph stages{pool};
    const auto listed = stages.once("list", [] { return 0; });
    const auto parts = stages.broadcast("body", listed, [](spmd::rank me, int) { return one_result(me); });
    const auto flat = stages.concat("concat", parts);
    for (auto _ : state) {
        stages.run();
        benchmark::DoNotOptimize(stages.result(flat).data());
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
    state.SetComplexityN(state.range(0));
}

void no_graph(benchmark::State& state) {
    const spmd::engine_pool pool({.ranks = static_cast<std::size_t>(state.range(0))});
    for (auto _ : state) benchmark::DoNotOptimize(pool.broadcast(one_result).concat());
    state.SetItemsProcessed(state.iterations() * state.range(0));
    state.SetComplexityN(state.range(0));
}

BENCHMARK(graph)
    ->Name("task_graph/list_broadcast_concat")
    ->RangeMultiplier(10)
    ->Range(1, 100'000)
    ->Complexity()
    ->UseRealTime();
BENCHMARK(no_graph)
    ->Name("task_graph/without_graph")
    ->RangeMultiplier(10)
    ->Range(1, 100'000)
    ->Complexity()
    ->UseRealTime();

} // namespace
