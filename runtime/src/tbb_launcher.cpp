#define TBB_PREVIEW_TASK_ARENA_CONSTRAINTS_EXTENSION 1

#include <spmd/detail/launcher.hpp>
#include <spmd/error.hpp>

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/info.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_scheduler_observer.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace spmd::detail {
namespace {

namespace tbb = oneapi::tbb;

constexpr std::size_t most_threads = 4096;

/// Lets oneTBB start as many workers as the widest living pool asks for. oneTBB starts one worker
/// less than there are cores, and of several global_controls the smallest wins, so the process has just one.
class worker_budget {
public:
    explicit worker_budget(std::size_t threads) : threads_(threads) {
        change([&] { wanted().insert(threads); });
    }
    worker_budget(const worker_budget&) = delete;
    worker_budget& operator=(const worker_budget&) = delete;
    ~worker_budget() {
        change([&] { wanted().erase(wanted().find(threads_)); });
    }

private:
    static std::multiset<std::size_t>& wanted() {
        static std::multiset<std::size_t> widths;
        return widths;
    }
    template <class Change>
    static void change(Change&& change_widths) {
        static std::mutex mutex;
        static std::optional<tbb::global_control> control;
        const std::lock_guard lock(mutex);
        change_widths();
        control.reset();
        if (!wanted().empty())
            control.emplace(tbb::global_control::max_allowed_parallelism, *wanted().rbegin() + 1);
    }

    std::size_t threads_;
};

/// Pins each worker that enters the arena to one CPU of those it may run on, and gives it back at exit.
class pinning final : public tbb::task_scheduler_observer {
public:
    explicit pinning(tbb::task_arena& arena) : tbb::task_scheduler_observer(arena) { observe(true); }
    pinning(const pinning&) = delete;
    pinning& operator=(const pinning&) = delete;
    ~pinning() override { observe(false); }

    void on_scheduler_entry(bool is_worker) override {
        if (!is_worker) return;
        const std::vector<int> cpus = allowed_cpus();
        // From the second CPU on, as the thread that calls is usually on the first.
        static thread_local const std::size_t number = workers_.fetch_add(1, std::memory_order_relaxed) + 1;
        before() = cpus;
        allow({cpus[number % cpus.size()]});
    }
    void on_scheduler_exit(bool is_worker) override {
        if (is_worker && !before().empty()) allow(std::exchange(before(), {}));
    }

private:
    static std::vector<int>& before() {
        static thread_local std::vector<int> cpus;
        return cpus;
    }
    static void allow(const std::vector<int>& cpus) {
        const auto count = static_cast<std::size_t>(cpus.back()) + 1;
        const std::size_t size = CPU_ALLOC_SIZE(count);
        const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> mask(CPU_ALLOC(count),
                                                                    [](cpu_set_t* set) { CPU_FREE(set); });
        if (mask == nullptr) return;
        CPU_ZERO_S(size, mask.get());
        for (const int cpu : cpus) CPU_SET_S(static_cast<std::size_t>(cpu), size, mask.get());
        sched_setaffinity(0, size, mask.get()); // where that is forbidden, the worker stays unpinned
    }

    static inline std::atomic<std::size_t> workers_{0};
};

/// The constraints of the arenas that a placement asks for; empty where the machine has no such thing.
std::vector<tbb::task_arena::constraints> constraints_of(placement asked) {
    std::vector<tbb::task_arena::constraints> all;
    if (asked == placement::per_numa_node)
        for (const tbb::numa_node_id node : tbb::info::numa_nodes())
            all.push_back(tbb::task_arena::constraints{}.set_numa_id(node));
    if (asked == placement::per_core_type)
        for (const tbb::core_type_id type : tbb::info::core_types())
            all.push_back(tbb::task_arena::constraints{}.set_core_type(type));
    return all;
}

std::string why_compact(placement asked, std::size_t found) {
    const std::string thing = asked == placement::per_numa_node ? "NUMA node" : "core type";
    if (found <= 1) return "the machine has one " + thing + ", or oneTBB's tbbbind cannot tell";
    return "fewer threads than there are " + thing + "s";
}

class tbb_launcher final : public launcher {
public:
    tbb_launcher(std::size_t threads, placement asked, bool pin_workers) : budget_(threads) {
        topology_.asked = asked;
        std::vector<tbb::task_arena::constraints> constraints = constraints_of(asked);
        if (constraints.size() <= 1 || threads < constraints.size()) {
            if (asked != placement::compact) topology_.reason = why_compact(asked, constraints.size());
            constraints.assign(1, {});
        } else {
            topology_.got = asked;
        }
        add_arenas(constraints, threads);
        if (pin_workers)
            for (tbb::task_arena& arena : arenas_) pinnings_.push_back(std::make_unique<pinning>(arena));
    }

    const pool_topology& topology() const noexcept override { return topology_; }

private:
    void add_arenas(const std::vector<tbb::task_arena::constraints>& constraints, std::size_t threads) {
        std::vector<std::size_t> widths;
        widths.reserve(constraints.size());
        for (const auto& constraint : constraints)
            widths.push_back(static_cast<std::size_t>(tbb::info::default_concurrency(constraint)));
        const std::vector<index_range> dealt = deal_ranks(threads, widths);
        arenas_.reserve(constraints.size());
        for (std::size_t i = 0; i < constraints.size(); ++i) {
            auto constraint = constraints[i];
            constraint.set_max_concurrency(static_cast<int>(dealt[i].size()));
            // No slot is reserved for callers: they take part without entering, and never wait for a slot.
            arenas_.emplace_back(constraint, 0);
            topology_.arenas.push_back({.threads = dealt[i].size(),
                                        .ranks = {},
                                        .numa_node = constraint.numa_id,
                                        .core_type = constraint.core_type});
        }
    }

    void call(job& work, std::size_t callers) override {
        for (std::size_t arena = 0; arena < arenas_.size(); ++arena) {
            const std::size_t useful = std::min(topology_.arenas[arena].threads, work.share_of(arena));
            const std::size_t callers_here = arena == 0 ? callers : 0;
            if (useful <= callers_here) continue;
            work.reference();
            summon(arena, job_pointer<job>(&work), 0, useful - callers_here);
        }
    }

    /// Calls helper `number` of `helpers`; as soon as it has work it calls two more, so that waking many
    /// threads takes as many steps as a binary tree is high.
    void summon(std::size_t arena, job_pointer<job> work, std::size_t number, std::size_t helpers) {
        arenas_[arena].enqueue([this, arena, work = std::move(work), number, helpers] {
            // By claimed-is-unfinished this launcher lives while the range is being run.
            work->help(arena, [&] {
                for (std::size_t next = 2 * number + 1; next <= 2 * number + 2 && next < helpers; ++next)
                    summon(arena, work, next, helpers);
            });
        });
    }

    worker_budget budget_;
    pool_topology topology_;
    std::vector<tbb::task_arena> arenas_;
    std::vector<std::unique_ptr<pinning>> pinnings_;
};

} // namespace

std::unique_ptr<launcher> make_tbb_launcher(std::size_t threads, placement asked, bool pin_workers) {
    if (threads == 0 || threads > most_threads) {
        throw std::invalid_argument("an engine pool has 1 to " + std::to_string(most_threads) +
                                    " threads, not " + std::to_string(threads));
    }
    return std::make_unique<tbb_launcher>(threads, asked, pin_workers);
}

} // namespace spmd::detail
