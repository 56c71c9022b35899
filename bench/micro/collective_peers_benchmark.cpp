// A barrier and an all_reduce of a double among threads, by OpenMP and by std::barrier: the same collectives
// as barrier/flat and all_reduce/double among virtual ranks. Threads sum as one would write it by hand, which
// is faster than OpenMP's `reduction`: each writes its number into a slot, and after a barrier reads all
// slots. Every sum is checked.
#include <benchmark/benchmark.h>
#if defined(_OPENMP) && __has_include(<omp.h>) // clang-tidy has the compiler's flags, but not its omp.h
#define SPMD_MICRO_OPENMP 1
#include <omp.h>
#endif

#include <array>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <thread>
#include <vector>

namespace {

using clock = std::chrono::steady_clock;

/// A number that changes from one collective to the next, so that a stale sum is a wrong one.
double contribution(std::size_t id, std::size_t i) { return static_cast<double>(id + i); }

/// Exact for the numbers here, which are below 2^53.
double sum_of_contributions(std::size_t threads, std::size_t i) {
    const std::size_t pairs = threads * (threads - 1) / 2;
    return static_cast<double>(pairs + threads * i);
}

/// The collectives of one batch, called by all threads; thread 0 takes the time.
class thread_collectives {
public:
    thread_collectives(std::size_t threads, std::size_t collectives)
        : collectives_(collectives), slots_{std::vector<slot>(threads), std::vector<slot>(threads)} {}

    template <class Barrier>
    void barriers(std::size_t id, const Barrier& barrier) {
        run(id, barrier, [&](std::size_t) { barrier(); });
    }
    template <class Barrier>
    void all_reduces(std::size_t id, const Barrier& barrier) {
        run(id, barrier, [&](std::size_t i) {
            if (all_reduce(id, i, barrier) != sum_of_contributions(slots_[0].size(), i)) wrong_ = true;
        });
    }
    /// Throws: std::logic_error where a sum was wrong.
    std::chrono::duration<double> elapsed() const {
        if (wrong_) throw std::logic_error("a wrong sum");
        return elapsed_;
    }

private:
    struct alignas(64) slot {
        double value = 0;
    };

    /// Barriers come first, as threads that have just started share cores for a while.
    template <class Barrier, class Collective>
    void run(std::size_t id, const Barrier& barrier, const Collective& collective) {
        for (std::size_t i = 0; i < 5 + collectives_ / 4; ++i) barrier();
        const auto begin = clock::now();
        for (std::size_t i = 0; i < collectives_; ++i) collective(i);
        if (id == 0) elapsed_ = clock::now() - begin;
    }
    /// Alternates between two rows of slots: a thread that is one collective ahead does not overwrite the row
    /// being read.
    template <class Barrier>
    double all_reduce(std::size_t id, std::size_t i, const Barrier& barrier) {
        std::vector<slot>& row = slots_[i % 2];
        row[id].value = contribution(id, i);
        barrier();
        double sum = 0;
        for (const slot& each : row) sum += each.value;
        return sum;
    }

    std::size_t collectives_;
    std::array<std::vector<slot>, 2> slots_;
    clock::duration elapsed_{};
    std::atomic<bool> wrong_ = false;
};

enum class collective { barrier, all_reduce };

template <collective Which, class Barrier>
void call(thread_collectives& all, std::size_t id, const Barrier& barrier) {
    if constexpr (Which == collective::barrier)
        all.barriers(id, barrier);
    else
        all.all_reduces(id, barrier);
}

struct std_threads {
    template <collective Which>
    static void run(std::size_t count, thread_collectives& all) {
        std::barrier<> all_here(static_cast<std::ptrdiff_t>(count));
        std::vector<std::jthread> threads;
        threads.reserve(count);
        for (std::size_t id = 0; id < count; ++id)
            threads.emplace_back([&, id] { call<Which>(all, id, [&] { all_here.arrive_and_wait(); }); });
    }
};

#ifdef SPMD_MICRO_OPENMP
struct openmp_threads {
    template <collective Which>
    static void run(std::size_t count, thread_collectives& all) {
        omp_set_dynamic(0);
        bool all_here = true;
#pragma omp parallel num_threads(static_cast<int>(count)) reduction(&& : all_here)
        {
            all_here = static_cast<std::size_t>(omp_get_num_threads()) == count;
            if (all_here)
                call<Which>(all, static_cast<std::size_t>(omp_get_thread_num()), [] {
#pragma omp barrier
                });
        }
        // Idle threads of OpenMP spin for a while on cores that the next benchmark needs.
        omp_pause_resource_all(omp_pause_hard);
        if (!all_here)
            throw std::runtime_error("OpenMP started fewer threads than requested: see OMP_THREAD_LIMIT");
    }
};
#endif

/// An iteration is one collective; all iterations of a batch run on one set of threads.
template <class Threads, collective Which>
void among(benchmark::State& state) {
    const auto threads = static_cast<std::size_t>(state.range(0));
    const auto collectives = static_cast<std::size_t>(state.max_iterations);
    double seconds = 0;
    try {
        while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(collectives))) {
            thread_collectives all(threads, collectives);
            Threads::template run<Which>(threads, all);
            state.SetIterationTime(all.elapsed().count());
            seconds += all.elapsed().count();
        }
    } catch (const std::exception& error) {
        state.SkipWithError(error.what());
        return;
    }
    state.counters["us_per_collective"] = seconds / static_cast<double>(state.iterations()) * 1e6;
}

/// More threads would measure the kernel's scheduler alone.
void up_to_64_threads(benchmark::internal::Benchmark* suite) {
    for (const int threads : {2, 16, 64}) suite->Arg(threads);
    suite->UseManualTime();
}

BENCHMARK(among<std_threads, collective::barrier>)
    ->Name("collective_peers/barrier/std")
    ->Apply(up_to_64_threads);
BENCHMARK(among<std_threads, collective::all_reduce>)
    ->Name("collective_peers/all_reduce/std")
    ->Apply(up_to_64_threads);
#ifdef SPMD_MICRO_OPENMP
BENCHMARK(among<openmp_threads, collective::barrier>)
    ->Name("collective_peers/barrier/openmp")
    ->Apply(up_to_64_threads);
BENCHMARK(among<openmp_threads, collective::all_reduce>)
    ->Name("collective_peers/all_reduce/openmp")
    ->Apply(up_to_64_threads);
#endif

} // namespace
