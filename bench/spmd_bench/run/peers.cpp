#include "spmd_bench/run/peers.hpp"

#include "spmd_bench/options/available_peers.hpp"

#include <spmd/partition.hpp>

#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include <algorithm>
#include <exception>
#include <execution>
#include <future>
#include <mutex>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#ifdef SPMD_BENCH_OPENMP
#include <omp.h>
#endif

namespace spmd_bench {
namespace {

/// A loop over indices whose body writes each result to its slot.
template <class Work, class Loop>
class loop_way final : public way {
public:
    loop_way(way_kind kind, std::optional<std::size_t> submissions, const Work& work, Loop loop)
        : way(kind, submissions, work.serial()), work_(&work), loop_(std::move(loop)) {}

    void prepare() override { loop_.prepare(); }
    void run() override {
        results_.resize(work_->items().size());
        loop_.run(results_.size(), [this](std::size_t i) { results_[i] = work_->run(work_->items()[i]); });
    }
    results_view results() const override { return std::span(std::as_const(results_)); }
    void forget() override { results_ = {}; }
    void settle() override { loop_.settle(); }

private:
    const Work* work_;
    Loop loop_;
    std::vector<typename Work::result> results_;
};

/// A loop without preparation and clean-up.
struct plain_loop {
    void prepare() {}
    void settle() {}
};

/// Keeps the first exception of a loop whose body must not throw.
class kept_error {
public:
    template <class Body>
    void guard(const Body& body, std::size_t i) noexcept {
        try {
            body(i);
        } catch (...) {
            const std::lock_guard lock(mutex_);
            if (error_ == nullptr) error_ = std::current_exception();
        }
    }
    void rethrow() const {
        if (error_ != nullptr) std::rethrow_exception(error_);
    }

private:
    std::mutex mutex_;
    std::exception_ptr error_; // guarded by mutex_ while the loop runs
};

#ifdef SPMD_BENCH_OPENMP
/// Starts its threads before each run and releases them after it, because idle threads of libgomp spin for
/// milliseconds, on cores that the next way needs.
template <omp_sched_t Schedule>
struct openmp_loop {
    int threads;

    void prepare() const {
        omp_set_dynamic(0);
#pragma omp parallel num_threads(threads)
        {
        }
    }
    template <class Body>
    void run(std::size_t size, const Body& body) const {
        kept_error error;
        const auto count = static_cast<std::ptrdiff_t>(size);
        if constexpr (Schedule == omp_sched_static) {
#pragma omp parallel for schedule(static) num_threads(threads)
            for (std::ptrdiff_t i = 0; i < count; ++i) error.guard(body, static_cast<std::size_t>(i));
        } else {
#pragma omp parallel for schedule(dynamic) num_threads(threads)
            for (std::ptrdiff_t i = 0; i < count; ++i) error.guard(body, static_cast<std::size_t>(i));
        }
        error.rethrow();
    }
    static void settle() { omp_pause_resource_all(omp_pause_hard); }
};
#endif

struct async_loop : plain_loop {
    std::size_t threads;

    explicit async_loop(std::size_t count) : threads(count) {}

    template <class Body>
    void run(std::size_t size, const Body& body) const {
        std::vector<std::future<void>> parts;
        parts.reserve(threads);
        for (std::size_t part = 0; part < threads; ++part)
            parts.push_back(std::async(std::launch::async, [&, part] {
                const auto mine = spmd::balanced(size, part, threads);
                for (std::size_t i = mine.first; i < mine.last; ++i) body(i);
            }));
        for (std::future<void>& part : parts) part.get();
    }
};

/// A loop in an arena of oneTBB.
class arena_loop : public plain_loop {
public:
    explicit arena_loop(std::size_t threads) : arena_(static_cast<int>(threads)) {}

protected:
    oneapi::tbb::task_arena& arena() { return arena_; }

private:
    oneapi::tbb::task_arena arena_;
};

struct tbb_loop : arena_loop {
    using arena_loop::arena_loop;

    template <class Body>
    void run(std::size_t size, const Body& body) {
        arena().execute([&] { oneapi::tbb::parallel_for(std::size_t{0}, size, body); });
    }
};

struct task_group_loop : arena_loop {
    using arena_loop::arena_loop;

    template <class Body>
    void run(std::size_t size, const Body& body) {
        arena().execute([&] {
            oneapi::tbb::task_group tasks;
            for (std::size_t i = 0; i < size; ++i) tasks.run([&body, i] { body(i); });
            tasks.wait();
        });
    }
};

#ifdef __cpp_lib_parallel_algorithm
/// libstdc++ runs it on oneTBB, in the arena of the caller.
class algorithm_loop : public arena_loop {
public:
    algorithm_loop(std::size_t threads, std::size_t size) : arena_loop(threads), indices_(size) {
        std::iota(indices_.begin(), indices_.end(), std::size_t{0});
    }

    template <class Body>
    void run(std::size_t /*size*/, const Body& body) {
        kept_error error; // an exception from the body would end the program
        arena().execute([&] {
            std::for_each(std::execution::par, indices_.begin(), indices_.end(),
                          [&](std::size_t i) { error.guard(body, i); });
        });
        error.rethrow();
    }

private:
    std::vector<std::size_t> indices_;
};
#endif

template <class Work, class Loop>
std::unique_ptr<way> make_loop(way_kind kind, std::optional<std::size_t> submissions, const Work& work,
                               Loop loop) {
    return std::make_unique<loop_way<Work, Loop>>(kind, submissions, work, std::move(loop));
}

template <class Work>
std::unique_ptr<way> make_peer_for(way_kind kind, const Work& work, std::size_t threads) {
    const std::size_t items = work.items().size();
#ifdef SPMD_BENCH_OPENMP
    const int count = static_cast<int>(threads);
    if (kind == way_kind::openmp) return make_loop(kind, threads, work, openmp_loop<omp_sched_static>{count});
    if (kind == way_kind::openmp_dynamic)
        return make_loop(kind, items, work, openmp_loop<omp_sched_dynamic>{count});
#endif
    if (kind == way_kind::std_async) return make_loop(kind, threads, work, async_loop(threads));
#ifdef __cpp_lib_parallel_algorithm
    if (kind == way_kind::std_par) return make_loop(kind, std::nullopt, work, algorithm_loop(threads, items));
#endif
    if (kind == way_kind::tbb) return make_loop(kind, std::nullopt, work, tbb_loop(threads));
    if (kind == way_kind::tbb_task_group) return make_loop(kind, items, work, task_group_loop(threads));
    throw std::invalid_argument("'" + std::string(name_of(kind)) + "' is not a peer of this build");
}

} // namespace

std::unique_ptr<way> make_peer(way_kind kind, const workload& work, std::size_t threads) {
    return std::visit([&](const auto& each) { return make_peer_for(kind, each, threads); }, work);
}

} // namespace spmd_bench
