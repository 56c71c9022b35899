#include "ways.hpp"

#include "sums.hpp"

#include <spmd/spmd.hpp>

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(_OPENMP) && __has_include(<omp.h>)
#include <omp.h>
#endif

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <limits>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace spmd_meetings {
namespace {

using clock = std::chrono::steady_clock;

/// More would only measure the kernel's scheduler.
constexpr std::size_t most_at_once = 64;

double nanoseconds_each(clock::duration all, std::size_t count) {
    return std::chrono::duration<double, std::nano>(all).count() / static_cast<double>(count);
}

[[noreturn]] void fail(const std::string& name, std::size_t ranks) {
    throw wrong_sum(fmt::format("the way '{}' with {} ranks gave a wrong sum", name, ranks));
}

// Virtual ranks. The loops are flat, and in broadcasts of their own, so that a rank is as small as can be.

struct counted_meetings {
    std::size_t count;
    std::size_t first = uncounted(count);
    clock::time_point begin; // written by rank 0
    clock::time_point end;   // written by rank 0
    std::atomic<bool> wrong = false;

    /// Whether rank `me` is to come to meeting i; takes the time when it is time.
    bool goes_on(const spmd::rank& me, std::size_t i) {
        if (me.id() == 0 && i == first) begin = clock::now();
        if (i < first + count) return true;
        if (me.id() == 0) end = clock::now();
        return false;
    }
};

spmd::task<> barriers(spmd::rank me, counted_meetings* all) {
    for (std::size_t i = 0; all->goes_on(me, i); ++i) co_await me.barrier();
}

spmd::task<> all_reduces(spmd::rank me, counted_meetings* all) {
    for (std::size_t i = 0; all->goes_on(me, i); ++i) {
        const double sum = co_await me.all_reduce(gift(me.id(), i), std::plus<>{});
        if (sum != sum_of_gifts(me.size(), i)) all->wrong = true;
    }
}

double nanoseconds_of(spmd::task<> (*meet)(spmd::rank, counted_meetings*), const spmd::engine_pool& pool,
                      std::size_t meetings) {
    counted_meetings all{.count = meetings, .begin = {}, .end = {}};
    pool.broadcast([&](spmd::rank me) { return meet(me, &all); }).get();
    if (all.wrong) fail("spmd", pool.size());
    return nanoseconds_each(all.end - all.begin, meetings);
}

sample among_virtual_ranks(std::size_t threads, std::size_t ranks, std::size_t meetings) {
    const spmd::engine_pool pool({.ranks = ranks, .threads = threads});
    return {nanoseconds_of(barriers, pool, meetings), nanoseconds_of(all_reduces, pool, meetings)};
}

// Threads.

class threads_that_meet {
public:
    threads_that_meet(std::size_t threads, std::size_t meetings)
        : meetings_(meetings), slots_{std::vector<slot>(threads), std::vector<slot>(threads)} {}

    /// What each thread does.
    template <class Barrier>
    void meet(std::size_t id, const Barrier& barrier) {
        for (std::size_t i = 0; i < uncounted(meetings_); ++i) barrier();
        if (id == 0) begin_ = clock::now();
        for (std::size_t i = 0; i < meetings_; ++i) barrier();
        if (id == 0) middle_ = clock::now();
        for (std::size_t i = 0; i < meetings_; ++i)
            if (all_reduce(id, i, barrier) != sum_of_gifts(slots_[0].size(), i)) wrong_ = true;
        if (id == 0) end_ = clock::now();
    }
    sample taken(const std::string& name) const {
        if (wrong_) fail(name, slots_[0].size());
        return {nanoseconds_each(middle_ - begin_, meetings_), nanoseconds_each(end_ - middle_, meetings_)};
    }

private:
    struct alignas(64) slot {
        double value = 0;
    };

    /// Two rows of slots in turn: who still reads one is not disturbed by who is a meeting ahead.
    template <class Barrier>
    double all_reduce(std::size_t id, std::size_t i, const Barrier& barrier) {
        std::vector<slot>& row = slots_[i % 2];
        row[id].value = gift(id, i);
        barrier();
        double sum = 0;
        for (const slot& each : row) sum += each.value;
        return sum;
    }

    std::size_t meetings_;
    std::array<std::vector<slot>, 2> slots_;
    clock::time_point begin_;
    clock::time_point middle_;
    clock::time_point end_;
    std::atomic<bool> wrong_ = false;
};

sample among_std_threads(std::size_t ranks, std::size_t meetings) {
    threads_that_meet all(ranks, meetings);
    std::barrier<> all_here(static_cast<std::ptrdiff_t>(ranks));
    {
        std::vector<std::jthread> threads;
        threads.reserve(ranks);
        for (std::size_t id = 0; id < ranks; ++id)
            threads.emplace_back([&, id] { all.meet(id, [&] { all_here.arrive_and_wait(); }); });
    }
    return all.taken("std_barrier");
}

#if defined(_OPENMP) && __has_include(<omp.h>)
sample among_openmp_threads(std::size_t ranks, std::size_t meetings) {
    threads_that_meet all(ranks, meetings);
    omp_set_dynamic(0);
    bool all_here = true;
#pragma omp parallel num_threads(static_cast<int>(ranks)) reduction(&& : all_here)
    {
        all_here = static_cast<std::size_t>(omp_get_num_threads()) == ranks;
        if (all_here)
            all.meet(static_cast<std::size_t>(omp_get_thread_num()), [] {
#pragma omp barrier
            });
    }
    // Idle threads of OpenMP spin for a while on cores that the next measurement needs.
    omp_pause_resource_all(omp_pause_hard);
    if (!all_here) throw unavailable("OpenMP gave fewer threads than asked for: see OMP_THREAD_LIMIT");
    return all.taken("openmp");
}
#else
sample among_openmp_threads(std::size_t, std::size_t) { throw unavailable("built without OpenMP"); }
#endif

// Processes.

constexpr const char* how_to_get_mpi =
    "no OpenMPI: install openmpi-bin and libopenmpi-dev, and configure again";

#ifdef SPMD_WITH_MPI
std::string quoted(const std::string& word) {
    std::string text = "'";
    for (const char each : word) text += each == '\'' ? std::string("'\\''") : std::string(1, each);
    return text + "'";
}

sample among_processes(std::size_t ranks, std::size_t meetings) {
    constexpr int not_found = 127;
    const auto program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "spmd_meetings_mpi";
    const std::string command =
        fmt::format("mpirun {}--oversubscribe -np {} {} {}", ::geteuid() == 0 ? "--allow-run-as-root " : "",
                    ranks, quoted(program), meetings);
    const std::string line =
        fmt::format("command -v mpirun >/dev/null || exit {}; exec {} </dev/null", not_found, command);
    std::FILE* output = ::popen(line.c_str(), "re");
    if (output == nullptr) throw unavailable("no shell could be started");
    sample taken;
    int wrong = 0;
    const int figures = std::fscanf(output, "%lf %lf %d", &taken.barrier_ns, &taken.all_reduce_ns, &wrong);
    const int status = ::pclose(output);
    if (wrong > 0) fail("mpi", ranks);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && figures == 3) return taken;
    if (WIFEXITED(status) && WEXITSTATUS(status) == not_found) throw unavailable(how_to_get_mpi);
    throw unavailable(fmt::format("this failed: {}", command));
}
#else
sample among_processes(std::size_t, std::size_t) { throw unavailable(how_to_get_mpi); }
#endif

} // namespace

way make_way(const std::string& name, std::size_t threads) {
    if (name == "openmp") return {name, most_at_once, among_openmp_threads};
    if (name == "std_barrier") return {name, most_at_once, among_std_threads};
    if (name == "mpi") return {name, most_at_once, among_processes};
    return {name, std::numeric_limits<std::size_t>::max(),
            [threads](std::size_t ranks, std::size_t meetings) {
                return among_virtual_ranks(threads, ranks, meetings);
            }};
}

} // namespace spmd_meetings
