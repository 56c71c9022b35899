#pragma once

#include "rank_counters.hpp"

#include <spmd/spmd.hpp>

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <type_traits>

/// Measures the time of many collectives within one broadcast, on rank 0.
class collective_stopwatch {
public:
    /// Number of collectives before the measured ones.
    static constexpr std::size_t uncounted = 5;

    explicit collective_stopwatch(std::size_t collectives) : collectives_(collectives) {}

    /// Number of measured collectives.
    std::size_t collectives() const { return collectives_; }
    void start(const spmd::rank& me) {
        if (me.id() == 0) started_ = clock::now();
    }
    void stop(const spmd::rank& me) {
        if (me.id() == 0) elapsed_ = clock::now() - started_;
    }
    /// Total time of the measured collectives.
    std::chrono::duration<double> elapsed() const { return elapsed_; }

    /// Collective i remains to be called by rank `me`; starts and stops the time. For collectives that no
    /// rank leaves before all have arrived:
    ///
    ///     for (std::size_t i = 0; watch->goes_on(me, i); ++i) co_await me.barrier();
    bool continues(const spmd::rank& me, std::size_t i) {
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

/// A benchmark of `Collectives`, a rank that calls one collective again and again. Its argument is the
/// number of ranks, an iteration is one collective, and all iterations of a batch are one broadcast.
template <auto Collectives>
void measure_collectives(benchmark::State& state) {
    const auto ranks = static_cast<std::size_t>(state.range(0));
    const spmd::engine_pool pool({.ranks = ranks});
    const auto collectives = static_cast<std::size_t>(state.max_iterations);
    double nanoseconds = 0;
    while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(collectives))) {
        collective_stopwatch watch(collectives);
        const auto body = [&](spmd::rank me) { return Collectives(me, &watch); };
        if constexpr (std::is_void_v<std::invoke_result_t<decltype(body), spmd::rank>>)
            pool.broadcast(spmd::on_fibers(body)).get();
        else
            pool.broadcast(body).get();
        state.SetIterationTime(watch.elapsed().count());
        nanoseconds += watch.elapsed().count() * 1e9;
    }
    count_ranks(state, ranks, std::chrono::duration<double, std::nano>(nanoseconds));
    state.counters["us_per_collective"] = nanoseconds / static_cast<double>(state.iterations()) / 1e3;
}
