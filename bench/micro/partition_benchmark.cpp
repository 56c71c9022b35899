// All parts of n items over 100 ranks; `weighted` includes computing its cuts.
#include <spmd/partition.hpp>

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

constexpr std::size_t ranks = 100;

template <auto Rule>
void rule(benchmark::State& state) {
    auto n = static_cast<std::size_t>(state.range(0));
    for (auto _ : state) {
        benchmark::DoNotOptimize(n);
        for (std::size_t rank = 0; rank < ranks; ++rank) benchmark::DoNotOptimize(Rule(n, rank, ranks));
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(ranks));
}

void weighted(benchmark::State& state) {
    std::vector<std::uint64_t> weights(static_cast<std::size_t>(state.range(0)));
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = i * 2'654'435'761 % 1'000;
    for (auto _ : state) benchmark::DoNotOptimize(spmd::weighted(weights, ranks));
    state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(rule<spmd::balanced>)->Name("partition/balanced")->Arg(500)->Arg(1'000'000);
BENCHMARK(rule<spmd::block>)->Name("partition/block")->Arg(500)->Arg(1'000'000);
BENCHMARK(rule<spmd::cyclic>)->Name("partition/cyclic")->Arg(500)->Arg(1'000'000);
BENCHMARK(weighted)->Name("partition/weighted")->Arg(500)->Arg(1'000'000);

} // namespace
