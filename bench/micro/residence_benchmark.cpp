// The share of runs of a rank on the thread of its previous run, where its data may still be in the cache, as
// the counter `stays` (1: always; 1/n: any of n threads by chance): spmd's broadcast and its coroutine ranks
// against oneTBB's parallel_for with each of its partitioners.
#include "rank_counters.hpp"

#include <spmd/spmd.hpp>

#include <benchmark/benchmark.h>
#include <oneapi/tbb/parallel_for.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace {

using clock = std::chrono::steady_clock;

std::uint32_t number_of_this_thread() {
    static std::atomic<std::uint32_t> next{1};
    static thread_local const std::uint32_t number = next.fetch_add(1, std::memory_order_relaxed);
    return number;
}

/// The last thread of each rank, and the number of runs on the same thread again.
class residence {
public:
    explicit residence(std::size_t ranks) : last_(ranks) {}

    /// Records that rank `id` runs on this thread.
    void visit(std::size_t id) {
        const std::uint32_t here = number_of_this_thread();
        visit_record& record = last_[id];
        record.stays += static_cast<std::uint32_t>(record.thread == here);
        record.thread = here;
    }
    /// Resets the numbers, but not the threads.
    void restart() {
        for (visit_record& each : last_) each.stays = 0;
    }
    void restart(std::size_t id) { last_[id].stays = 0; }
    double stays() const {
        double all = 0;
        for (const visit_record& each : last_) all += each.stays;
        return all;
    }

private:
    struct visit_record {
        std::uint32_t thread = 0;
        std::uint32_t stays = 0;
    };
    std::vector<visit_record> last_;
};

void spin_for(std::chrono::nanoseconds time) {
    if (time.count() == 0) return;
    const auto begin = clock::now();
    while (clock::now() - begin < time) {
    }
}

struct body {
    residence* places;
    std::chrono::nanoseconds time;

    void operator()(std::size_t id) const {
        places->visit(id);
        spin_for(time);
    }
};

struct spmd_plain {
    explicit spmd_plain(std::size_t ranks) : pool({.ranks = ranks}) {}
    void run(const body& each) const {
        pool.broadcast([&](spmd::rank me) { each(me.id()); }).get();
    }
    spmd::engine_pool pool;
};
struct spmd_coroutine {
    explicit spmd_coroutine(std::size_t ranks) : pool({.ranks = ranks}) {}
    void run(const body& each) const {
        pool.broadcast([&](spmd::rank me) -> spmd::task<> {
                each(me.id());
                co_return;
            })
            .get();
    }
    spmd::engine_pool pool;
};
template <class Partitioner>
struct parallel_for {
    explicit parallel_for(std::size_t count) : ranks(count) {}
    void run(const body& each) {
        oneapi::tbb::parallel_for(
            oneapi::tbb::blocked_range<std::size_t>(0, ranks),
            [&](const auto& range) {
                for (std::size_t id = range.begin(); id < range.end(); ++id) each(id);
            },
            partitioner);
    }
    std::size_t ranks;
    Partitioner partitioner; // a member, as the affine one remembers
};

void report(benchmark::State& state, const residence& places, std::size_t ranks, double seconds) {
    const double visits = static_cast<double>(ranks) * static_cast<double>(state.iterations());
    state.counters["stays"] = places.stays() / visits;
    count_ranks(state, ranks, std::chrono::duration<double>(seconds));
}

/// Uncounted runs before the counted ones.
constexpr std::size_t uncounted = 3;

/// Consecutive broadcasts.
template <class Way>
void repeated(benchmark::State& state) {
    const auto ranks = static_cast<std::size_t>(state.range(0));
    residence places(ranks);
    Way way(ranks);
    const body each{&places, std::chrono::nanoseconds(state.range(1))};
    for (std::size_t i = 0; i < uncounted; ++i) way.run(each);
    places.restart();
    const auto begin = clock::now();
    for (auto _ : state) way.run(each);
    report(state, places, ranks, std::chrono::duration<double>(clock::now() - begin).count());
}

/// Coroutine ranks between collectives: an iteration is one barrier.
void between_barriers(benchmark::State& state) {
    const auto ranks = static_cast<std::size_t>(state.range(0));
    residence places(ranks);
    const spmd::engine_pool pool({.ranks = ranks});
    const body each{&places, std::chrono::nanoseconds(state.range(1))};
    const auto waves = static_cast<std::size_t>(state.max_iterations);
    double seconds = 0;
    while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(waves))) {
        auto begin = clock::now();
        pool.broadcast([&](spmd::rank me) -> spmd::task<> {
                for (std::size_t wave = 0; wave < uncounted + waves; ++wave) {
                    if (wave == uncounted) places.restart(me.id());
                    if (wave == uncounted && me.id() == 0) begin = clock::now();
                    each(me.id());
                    co_await me.barrier();
                }
            })
            .get();
        seconds += std::chrono::duration<double>(clock::now() - begin).count();
        state.SetIterationTime(seconds);
    }
    report(state, places, ranks, seconds);
}

/// Ranks, and ns of work per rank.
void sizes(benchmark::internal::Benchmark* suite) {
    suite->Args({100, 0})->Args({100, 1000})->Args({100, 20'000});
    suite->Args({10'000, 0})->Args({10'000, 1000});
    suite->Args({1'000'000, 0})->Args({1'000'000, 100});
    suite->ArgNames({"", "ns"});
}

using namespace oneapi::tbb;

BENCHMARK(repeated<spmd_plain>)->Name("residence/spmd_plain")->Apply(sizes)->UseRealTime();
BENCHMARK(repeated<spmd_coroutine>)->Name("residence/spmd_coroutine")->Apply(sizes)->UseRealTime();
BENCHMARK(between_barriers)->Name("residence/spmd_barriers")->Apply(sizes)->UseManualTime();
BENCHMARK(repeated<parallel_for<static_partitioner>>)
    ->Name("residence/parallel_for_static")
    ->Apply(sizes)
    ->UseRealTime();
BENCHMARK(repeated<parallel_for<auto_partitioner>>)
    ->Name("residence/parallel_for_auto")
    ->Apply(sizes)
    ->UseRealTime();
BENCHMARK(repeated<parallel_for<affinity_partitioner>>)
    ->Name("residence/parallel_for_affinity")
    ->Apply(sizes)
    ->UseRealTime();
BENCHMARK(repeated<parallel_for<simple_partitioner>>)
    ->Name("residence/parallel_for_simple")
    ->Apply(sizes)
    ->UseRealTime();

} // namespace
