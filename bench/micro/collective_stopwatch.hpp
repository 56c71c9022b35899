#pragma once

#include "rank_counters.hpp"

#include <spmd/spmd.hpp>

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <cstdint>

/// Takes the time of many collectives within one broadcast, on rank 0.
class collective_stopwatch {
public:
    /// How many collectives come before those that count.
    static constexpr std::size_t uncounted = 5;

    explicit collective_stopwatch(std::size_t collectives) : collectives_(collectives) {}

    /// How many collectives count.
    std::size_t collectives() const { return collectives_; }
    void start(const spmd::rank& me) {
        if (me.id() == 0) started_ = clock::now();
    }
    void stop(const spmd::rank& me) {
        if (me.id() == 0) elapsed_ = clock::now() - started_;
    }
    /// Of the collectives that count, all together.
    std::chrono::duration<double> elapsed() const { return elapsed_; }

    /// Whether rank `me` is to come to collective i; starts and stops when it is time. For what no rank leaves before all
    /// have come:
    ///
    ///     for (std::size_t i = 0; watch->goes_on(me, i); ++i) co_await me.barrier();
    bool goes_on(const spmd::rank& me, std::size_t i) {
        if (i == uncounted) start(me);
        if (i < uncounted + collectives_) return true;
        stop(me);
        return false;
    }

private:
    using clock = std::chrono::steady_clock;

    std::size_t collectives_;
    clock::time_point started_;
    clock::duration elapsed_{};
};

/// A benchmark of what `Meetings`, a coroutine, does over and over; its argument is the number of ranks. An iteration
/// is one collective, and all iterations are one broadcast.
template <spmd::task<> (*Meetings)(spmd::rank, collective_stopwatch*)>
void meet(benchmark::State& state) {
    const auto ranks = static_cast<std::size_t>(state.range(0));
    const spmd::engine_pool pool({.ranks = ranks});
    const auto collectives = static_cast<std::size_t>(state.max_iterations);
    double nanoseconds = 0;
    while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(collectives))) {
        collective_stopwatch watch(collectives);
        pool.broadcast([&](spmd::rank me) { return Meetings(me, &watch); }).get();
        state.SetIterationTime(watch.elapsed().count());
        nanoseconds += watch.elapsed().count() * 1e9;
    }
    count_ranks(state, ranks, std::chrono::duration<double, std::nano>(nanoseconds));
    state.counters["us_per_collective"] = nanoseconds / static_cast<double>(state.iterations()) / 1e3;
}
