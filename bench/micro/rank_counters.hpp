#pragma once

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <cstdint>

/// Sets the counters of a benchmark whose iteration runs `ranks` ranks: `items_per_second` (ranks),
/// `ns_per_rank`, and the N of `Complexity()`. `spent`: the time of all iterations.
inline void count_ranks(benchmark::State& state, std::size_t ranks,
                        std::chrono::duration<double, std::nano> spent) {
    const double all = static_cast<double>(ranks) * static_cast<double>(state.iterations());
    state.SetItemsProcessed(static_cast<std::int64_t>(all));
    state.SetComplexityN(static_cast<benchmark::IterationCount>(ranks));
    state.counters["ns_per_rank"] = spent.count() / all;
}
