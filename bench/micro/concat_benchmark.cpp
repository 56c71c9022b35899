// Concatenating the parts of 100 ranks: sizes unknown before the run (vectors) and known (one output), into
// fresh and into reused memory, against memcpy of equally many bytes.
#include <spmd/spmd.hpp>

#include <benchmark/benchmark.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

namespace {

using clock = std::chrono::steady_clock;
using digest = std::array<std::uint8_t, 16>;

std::size_t digests(const benchmark::State& state) {
    return static_cast<std::size_t>(state.range(0)) / sizeof(digest);
}

template <class Timed>
void time(benchmark::State& state, Timed&& timed) {
    const auto begin = clock::now();
    timed();
    state.SetIterationTime(std::chrono::duration<double>(clock::now() - begin).count());
}

template <bool Reused>
void unknown_sizes(benchmark::State& state) {
    const spmd::engine_pool pool({.ranks = 100});
    const std::size_t count = digests(state);
    std::vector<digest> flat;
    for (auto _ : state) {
        auto parts = pool.broadcast([&](spmd::rank me) {
                             return std::vector<digest>(me.part(count).size(), digest{1});
                         })
                         .start();
        parts.wait();
        if (!Reused) flat = {};
        time(state, [&] { flat = parts.concat(std::move(flat)); });
        benchmark::DoNotOptimize(flat.data());
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
}

template <bool Reused>
void known_sizes(benchmark::State& state) {
    const spmd::engine_pool pool({.ranks = 100});
    std::vector<digest> flat(digests(state));
    for (auto _ : state) {
        if (!Reused) flat = {};
        time(state, [&] {
            flat.resize(digests(state));
            pool.broadcast([&](spmd::rank me) {
                    const std::span<digest> mine = me.part(std::span(flat));
                    std::memset(mine.data(), 1, mine.size_bytes());
                })
                .get();
        });
        benchmark::DoNotOptimize(flat.data());
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
}

template <bool Reused>
void copy(benchmark::State& state) {
    const auto size = static_cast<std::size_t>(state.range(0));
    const std::vector<std::byte> from(size, std::byte{1});
    std::unique_ptr<std::byte[]> into;
    for (auto _ : state) {
        if (!Reused) into.reset();
        time(state, [&] {
            if (into == nullptr) into = std::make_unique_for_overwrite<std::byte[]>(size);
            std::memcpy(into.get(), from.data(), size);
        });
        benchmark::DoNotOptimize(into.get());
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
}

/// Enough iterations that the first one, which cannot reuse memory, carries no weight.
void sizes(benchmark::internal::Benchmark* suite) {
    suite->Iterations(20);
    suite->Arg(64 << 10)->Arg(1 << 20)->Arg(64 << 20)->Arg(256 << 20)->UseManualTime()->Unit(
        benchmark::kMicrosecond);
}

BENCHMARK(unknown_sizes<false>)->Name("concat/unknown_sizes/fresh")->Apply(sizes);
BENCHMARK(unknown_sizes<true>)->Name("concat/unknown_sizes/reused")->Apply(sizes);
BENCHMARK(known_sizes<false>)->Name("concat/known_sizes/fresh")->Apply(sizes);
BENCHMARK(known_sizes<true>)->Name("concat/known_sizes/reused")->Apply(sizes);
BENCHMARK(copy<false>)->Name("concat/memcpy/fresh")->Apply(sizes);
BENCHMARK(copy<true>)->Name("concat/memcpy/reused")->Apply(sizes);

} // namespace
