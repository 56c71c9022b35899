// The cost of state that stays with its rank: one body over the rank's part of a vector, computed from its
// id, and over its slice of a scattered vector; a body with an object per rank against one without; and
// scattering and gathering.
#include "rank_counters.hpp"

#include <spmd/spmd.hpp>

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

namespace {

using clock = std::chrono::steady_clock;

/// Sums a rank's items. Not inlined, so that all ways run the same code.
[[gnu::noinline]] std::int64_t sum_of(std::span<const std::int64_t> mine) {
    return std::accumulate(mine.begin(), mine.end(), std::int64_t{0});
}
[[gnu::noinline]] std::int64_t bump(std::int64_t& mine) { return ++mine; }

std::vector<std::int64_t> items_for(const benchmark::State& state) {
    std::vector<std::int64_t> items(static_cast<std::size_t>(state.range(0) * state.range(1)));
    std::iota(items.begin(), items.end(), std::int64_t{0});
    return items;
}

template <class Run>
void time(benchmark::State& state, const Run& run) {
    benchmark::DoNotOptimize(run());
    const auto begin = clock::now();
    for (auto _ : state) benchmark::DoNotOptimize(run());
    count_ranks(state, static_cast<std::size_t>(state.range(0)), clock::now() - begin);
}

spmd::engine_pool pool_for(const benchmark::State& state) {
    return spmd::engine_pool({.ranks = static_cast<std::size_t>(state.range(0))});
}

void part_of_vector(benchmark::State& state) {
    const spmd::engine_pool pool = pool_for(state);
    const std::vector<std::int64_t> items = items_for(state);
    time(state, [&] { return pool.broadcast([&](spmd::rank me) { return sum_of(me.part(items)); }).get(); });
}
void scattered_slice(benchmark::State& state) {
    const spmd::engine_pool pool = pool_for(state);
    auto slices = pool.scatter(items_for(state));
    time(state, [&] {
        return pool.broadcast([](spmd::rank, std::span<std::int64_t> mine) { return sum_of(mine); }, slices)
            .get();
    });
}

/// A number per rank in a vector, against an object per rank: the bare launch plus one access.
void element_of_vector(benchmark::State& state) {
    const spmd::engine_pool pool = pool_for(state);
    std::vector<std::int64_t> numbers(pool.size());
    time(state, [&] { return pool.broadcast([&](spmd::rank me) { return bump(numbers[me.id()]); }).get(); });
}
void local_object(benchmark::State& state) {
    const spmd::engine_pool pool = pool_for(state);
    auto numbers = pool.make_local<std::int64_t>(0);
    time(state, [&] {
        return pool.broadcast([](spmd::rank, std::int64_t& mine) { return bump(mine); }, numbers).get();
    });
}

void scatter_and_gather(benchmark::State& state) {
    const spmd::engine_pool pool = pool_for(state);
    const std::vector<std::int64_t> items = items_for(state);
    time(state, [&] { return pool.gather(pool.scatter(items)); });
}

void map_vector(benchmark::State& state) {
    const spmd::engine_pool pool = pool_for(state);
    const std::vector<std::int64_t> items = items_for(state);
    time(state, [&] {
        return pool.with({.chunk = spmd::automatic})
            .map([](std::int64_t item) { return -item; }, items)
            .get();
    });
}
void map_scattered(benchmark::State& state) {
    const spmd::engine_pool pool = pool_for(state);
    const auto slices = pool.scatter(items_for(state));
    time(state, [&] {
        return pool.with({.chunk = spmd::automatic})
            .map([](std::int64_t item) { return -item; }, slices)
            .get();
    });
}

/// Ranks, and items per rank.
void ranks_and_items(benchmark::internal::Benchmark* suite) {
    suite->ArgNames({"", "items"})->UseRealTime();
    for (const int ranks : {100, 1'000, 10'000, 100'000})
        for (const int items : {1, 10, 100}) suite->Args({ranks, items});
}
void ranks_only(benchmark::internal::Benchmark* suite) {
    for (const int ranks : {100, 1'000, 10'000, 100'000}) suite->Arg(ranks);
    suite->Complexity()->UseRealTime();
}
void few(benchmark::internal::Benchmark* suite) {
    suite->ArgNames({"", "items"})->Args({100, 100})->Args({1'000, 1'000})->UseRealTime();
}

BENCHMARK(part_of_vector)->Name("rank_state/part_of_vector")->Apply(ranks_and_items);
BENCHMARK(scattered_slice)->Name("rank_state/scattered_slice")->Apply(ranks_and_items);
BENCHMARK(element_of_vector)->Name("rank_state/element_of_vector")->Apply(ranks_only);
BENCHMARK(local_object)->Name("rank_state/local_object")->Apply(ranks_only);
BENCHMARK(scatter_and_gather)->Name("rank_state/scatter_and_gather")->Apply(few);
BENCHMARK(map_vector)->Name("rank_state/map_vector")->Apply(few);
BENCHMARK(map_scattered)->Name("rank_state/map_scattered")->Apply(few);

} // namespace
