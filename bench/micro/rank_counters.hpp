#pragma once

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <cstdint>

/// Counters of a benchmark whose iteration runs so many ranks: `items_per_second`, which are ranks, `ns_per_rank`, and the N of
/// `Complexity()`. `spent`: in all iterations.
inline void count_ranks(benchmark::State& state, std::size_t ranks,
                        std::chrono::duration<double, std::nano> spent) {
    const double all = static_cast<double>(ranks) * static_cast<double>(state.iterations());
    state.SetItemsProcessed(static_cast<std::int64_t>(all));
    state.SetComplexityN(static_cast<benchmark::IterationCount>(ranks));
    state.counters["ns_per_rank"] = spent.count() / all;
}
