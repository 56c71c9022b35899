#include "ways.hpp"

#include <spmd/spmd.hpp>
#include <spmd/task_graph.hpp>

#include <algorithm>
#include <array>
#include <exception>
#include <functional>
#include <stdexcept>
#include <type_traits>
#include <utility>

// clang-tidy has the compiler's flags, but not its omp.h.
#if defined(_OPENMP) && __has_include(<omp.h>)
#define SPMD_BENCH_OPENMP 1
#include <omp.h>
#endif

namespace spmd_bench {
namespace {

#ifdef SPMD_BENCH_OPENMP
constexpr bool has_openmp = true;
#else
constexpr bool has_openmp = false;
#endif

constexpr std::array descriptions{
    way_description{"serial", "a plain loop"},
    way_description{"map", "one task per item"},
    way_description{"map-chunked", "a map whose chunks the pool chooses"},
    way_description{"spmd", "one task per rank, each runs its part; concat"},
    way_description{"spmd-graph", "the same as stages of a task graph"},
    way_description{"spmd-relist", "spmd whose ranks each list the directory (files)"},
    way_description{"openmp", "omp parallel for schedule(static), its threads awake"},
    way_description{"read", "spmd that reads and does not hash: the floor (files)"},
};

/// A way whose run is one expression that gives the results as a vector.
template <class Produce>
class plain_way final : public way {
public:
    plain_way(std::string name, std::optional<std::size_t> submissions, results_view expected,
              Produce produce)
        : way(std::move(name), submissions, expected), produce_(std::move(produce)) {}

    void run() override { results_ = produce_(); }
    results_view results() const override { return std::span(std::as_const(results_)); }
    void forget() override { results_ = {}; }

private:
    Produce produce_;
    std::invoke_result_t<Produce&> results_;
};

template <class Produce>
std::unique_ptr<way> make_plain(std::string_view name, std::optional<std::size_t> submissions,
                                results_view expected, Produce produce) {
    return std::make_unique<plain_way<Produce>>(std::string(name), submissions, expected, std::move(produce));
}

/// The results of a rank's items.
template <class Work, class Items>
std::vector<typename Work::result> results_of(const Work& work, const Items& items) {
    std::vector<typename Work::result> mine;
    mine.reserve(items.size());
    for (const auto& item : items) mine.push_back(work.run(item));
    return mine;
}

/// The graph is made once and run again and again.
template <class Work>
class graph_way final : public way {
public:
    using items = std::span<const typename Work::item>;

    graph_way(const Work& work, const spmd::engine_pool& pool)
        // One task per rank, and one for each of the two other stages.
        : way("spmd-graph", pool.size() + 2, work.serial()), graph_(pool),
          flat_(graph_.concat("concat",
                              graph_.broadcast("run", graph_.once("list", [&work] { return work.items(); }),
                                               [&work](spmd::rank me, items all) {
                                                   return results_of(work, me.part(all));
                                               }))) {}

    void forget() override { results_ = {}; }
    void run() override {
        graph_.run();
        results_ = graph_.take(flat_);
    }
    results_view results() const override { return std::span(results_); }

private:
    std::vector<typename Work::result> results_;
    spmd::task_graph graph_;
    spmd::concat_stage<std::vector<typename Work::result>> flat_;
};

#ifdef SPMD_BENCH_OPENMP
/// An OpenMP loop. Its threads are started before and let go after each run, because libgomp's spin for
/// milliseconds when they have nothing to do, on cores that the next way needs.
template <class Work>
class openmp_way final : public way {
public:
    openmp_way(const Work& work, std::size_t threads)
        : way("openmp", threads, work.serial()), work_(&work), threads_(static_cast<int>(threads)) {}

    void prepare() override {
        omp_set_dynamic(0);
#pragma omp parallel num_threads(threads_)
        {
        }
    }
    void run() override {
        results_.resize(work_->items().size());
        const auto count = static_cast<std::ptrdiff_t>(results_.size());
#pragma omp parallel for schedule(static) num_threads(threads_)
        for (std::ptrdiff_t i = 0; i < count; ++i) run_one(static_cast<std::size_t>(i));
        if (error_ != nullptr) std::rethrow_exception(std::exchange(error_, nullptr));
    }
    results_view results() const override { return std::span(std::as_const(results_)); }
    void forget() override { results_ = {}; }
    void settle() override { omp_pause_resource_all(omp_pause_hard); }

private:
    /// No exception may leave the loop: the last one is kept.
    void run_one(std::size_t i) noexcept {
        try {
            results_[i] = work_->run(work_->items()[i]);
        } catch (...) {
#pragma omp critical
            error_ = std::current_exception();
        }
    }

    const Work* work_;
    int threads_;
    std::vector<typename Work::result> results_;
    std::exception_ptr error_;
};
#endif

template <class Work>
std::unique_ptr<way> make_way(std::string_view name, const Work& work, const spmd::engine_pool& pool) {
    const auto items = work.items();
    const results_view expected = work.serial();
    const auto run = [&work](const typename Work::item& item) { return work.run(item); };
    if (name == "serial")
        return make_plain(name, 0, expected, [&work, items] { return results_of(work, items); });
    if (name == "map")
        return make_plain(name, items.size(), expected,
                          [&pool, run, items] { return pool.map(run, items).get(); });
    if (name == "map-chunked")
        return make_plain(name, std::nullopt, expected,
                          [view = pool.with({.chunk = spmd::automatic}), run, items] {
                              return view.map(run, items).get();
                          });
    if (name == "spmd")
        return make_plain(name, pool.size(), expected, [&pool, &work, items] {
            return pool.broadcast([&](spmd::rank me) { return results_of(work, me.part(items)); }).concat();
        });
    if (name == "spmd-graph") return std::make_unique<graph_way<Work>>(work, pool);
#ifdef SPMD_BENCH_OPENMP
    if (name == "openmp") return std::make_unique<openmp_way<Work>>(work, pool.threads());
#endif
    if constexpr (std::is_same_v<Work, file_workload>) {
        if (name == "spmd-relist")
            return make_plain(name, pool.size(), expected, [&pool, &work] {
                return pool
                    .broadcast([&](spmd::rank me) {
                        const std::vector<std::string> listed = work.list();
                        return results_of(work, me.part(listed));
                    })
                    .concat();
            });
        if (name == "read")
            return make_plain(name, pool.size(), work.lengths(), [&pool, &work, items] {
                return pool
                    .broadcast([&](spmd::rank me) {
                        std::vector<std::uint64_t> mine;
                        mine.reserve(me.part(items).size());
                        for (const std::string& path : me.part(items)) mine.push_back(work.read(path));
                        return mine;
                    })
                    .concat();
            });
    }
    throw std::invalid_argument("the way '" + std::string(name) + "' does not run here");
}

} // namespace

std::span<const way_description> all_ways() { return descriptions; }

std::string why_not(std::string_view way, workload_kind kind) {
    if (std::ranges::find(descriptions, way, &way_description::name) == descriptions.end())
        throw std::invalid_argument("no way is called '" + std::string(way) + "'");
    const bool reads_files = way == "spmd-relist" || way == "read";
    if (reads_files && kind != workload_kind::files) return "it needs the workload 'files'";
    if (way == "openmp" && !has_openmp) return "this spmd_bench was built by a compiler without OpenMP";
    return {};
}

std::vector<std::unique_ptr<way>> make_ways(const workload& work, const spmd::engine_pool& pool,
                                            std::span<const std::string> names) {
    std::vector<std::unique_ptr<way>> ways;
    for (const std::string& name : names)
        ways.push_back(std::visit([&](const auto& each) { return make_way(name, each, pool); }, work));
    return ways;
}

} // namespace spmd_bench
