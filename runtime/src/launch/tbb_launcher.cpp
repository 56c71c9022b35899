#define TBB_PREVIEW_TASK_ARENA_CONSTRAINTS_EXTENSION 1

#include "launch/tbb_launcher.hpp"

#include "launch/arena_workers.hpp"

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/info.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace spmd::detail {
namespace {

namespace tbb = oneapi::tbb;

/// Lets oneTBB start as many workers as all living pools have threads. By default it starts one worker less
/// than there are cores, and of several global_controls the smallest wins, so the process has just one.
class worker_budget {
public:
    explicit worker_budget(std::size_t threads) : threads_(threads) { change(threads_, 0); }
    worker_budget(const worker_budget&) = delete;
    worker_budget& operator=(const worker_budget&) = delete;
    ~worker_budget() { change(0, threads_); }

private:
    static void change(std::size_t more, std::size_t less) {
        static std::mutex mutex;
        static std::size_t wanted = 0;
        static std::unique_ptr<tbb::global_control> control;
        const std::lock_guard lock(mutex);
        wanted += more;
        wanted -= less;
        // Made before the old one is destroyed: without any, oneTBB would warn of an arena made meanwhile.
        std::unique_ptr<tbb::global_control> next;
        if (wanted > 0)
            next = std::make_unique<tbb::global_control>(tbb::global_control::max_allowed_parallelism,
                                                         wanted + 1);
        control = std::move(next);
    }

    std::size_t threads_;
};

/// Returns the constraints of the arenas that a placement requests; empty if the machine has no such thing.
std::vector<tbb::task_arena::constraints> constraints_of(placement requested) {
    std::vector<tbb::task_arena::constraints> all;
    if (requested == placement::per_numa_node)
        for (const tbb::numa_node_id node : tbb::info::numa_nodes())
            all.push_back(tbb::task_arena::constraints{}.set_numa_id(node));
    if (requested == placement::per_core_type)
        for (const tbb::core_type_id type : tbb::info::core_types())
            all.push_back(tbb::task_arena::constraints{}.set_core_type(type));
    return all;
}

std::string why_compact(placement requested, const std::vector<tbb::task_arena::constraints>& found) {
    const std::string thing = requested == placement::per_numa_node ? "NUMA node" : "core type";
    if (found.size() > 1)
        return "fewer threads than the machine's " + std::to_string(found.size()) + ' ' + thing + 's';
    const bool can_tell = !found.empty() && (found[0].numa_id >= 0 || found[0].core_type >= 0);
    if (can_tell) return "the machine has one " + thing;
    return "oneTBB does not know the machine's " + thing + "s: its libtbbbind is missing or does not work";
}

class tbb_launcher final : public launcher {
public:
    tbb_launcher(std::size_t threads, placement requested, bool pin_workers) : budget_(threads) {
        topology_.requested = requested;
        std::vector<tbb::task_arena::constraints> constraints = constraints_of(requested);
        if (constraints.size() <= 1 || threads < constraints.size()) {
            if (requested != placement::compact) topology_.reason = why_compact(requested, constraints);
            constraints.assign(1, {});
        } else {
            topology_.got = requested;
        }
        add_arenas(constraints, threads, pin_workers);
    }

    const pool_topology& topology() const noexcept override { return topology_; }

private:
    void add_arenas(const std::vector<tbb::task_arena::constraints>& constraints, std::size_t threads,
                    bool pin_workers) {
        std::vector<std::size_t> widths;
        widths.reserve(constraints.size());
        for (const auto& constraint : constraints)
            widths.push_back(static_cast<std::size_t>(tbb::info::default_concurrency(constraint)));
        const std::vector<index_range> dealt = deal_ranks(threads, widths);
        // The first worker stands in for a caller that joins, and is called only if none does.
        workers_.push_back(std::make_unique<arena_workers>(constraints[0], 0, 1, pin_workers));
        for (std::size_t i = 0; i < constraints.size(); ++i) {
            const std::size_t others = dealt[i].size() - (i == 0 ? 1 : 0);
            if (others > 0)
                workers_.push_back(std::make_unique<arena_workers>(constraints[i], i, others, pin_workers));
            topology_.arenas.push_back({.threads = dealt[i].size(),
                                        .ranks = {},
                                        .numa_node = constraints[i].numa_id,
                                        .core_type = constraints[i].core_type});
        }
    }

    void recruit(job& work, demand wanted) override {
        if (wanted == demand::ahead) return call_ahead(work);
        const bool has_caller = wanted == demand::beside_caller;
        const bool optional = has_caller || work.threads_taking_part() > 0;
        for (const auto& each : workers_) {
            const bool stand_in = each == workers_.front();
            if (stand_in && has_caller) continue;
            const std::size_t taken = each->arena() == 0 && !stand_in ? 1 : 0;
            const std::size_t useful = work.share_of(each->arena());
            const std::size_t enough = optional ? each->threads() : any_number;
            if (useful > taken) each->call(work, std::min(each->threads(), useful - taken), enough);
        }
    }
    void call_ahead(job& work) {
        for (const auto& each : workers_) {
            const std::size_t useful = std::min(each->threads(), work.share_of(each->arena()));
            if (each != workers_.front() && useful > 0)
                each->call(work, useful, jobs_ahead * each->threads());
        }
    }

    static constexpr std::size_t any_number = ~std::size_t{0};
    /// Upper bound on the jobs that wait for helpers called ahead.
    static constexpr std::size_t jobs_ahead = 8;

    worker_budget budget_;
    pool_topology topology_;
    std::vector<std::unique_ptr<arena_workers>> workers_;
};

} // namespace

std::unique_ptr<launcher> make_tbb_launcher(std::size_t threads, placement requested, bool pin_workers) {
    if (threads == 0 || threads > most_threads) {
        throw std::invalid_argument("an engine pool has 1 to " + std::to_string(most_threads) +
                                    " threads, not " + std::to_string(threads));
    }
    return std::make_unique<tbb_launcher>(threads, requested, pin_workers);
}

} // namespace spmd::detail
