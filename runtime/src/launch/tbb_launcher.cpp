#define TBB_PREVIEW_TASK_ARENA_CONSTRAINTS_EXTENSION 1

#include <spmd/detail/base/clock.hpp>
#include <spmd/detail/launch/launcher.hpp>

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/info.h>
#include <oneapi/tbb/task_arena.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace spmd::detail {
namespace {

namespace tbb = oneapi::tbb;

constexpr std::size_t most_threads = 4096;

/// Lets oneTBB start as many workers as all living pools have threads. oneTBB starts one worker less than there
/// are cores, and of several global_controls the smallest wins, so the process has just one.
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
        // The new one comes before the old one goes: with none, oneTBB would warn of an arena made meanwhile.
        std::unique_ptr<tbb::global_control> next;
        if (wanted > 0)
            next = std::make_unique<tbb::global_control>(tbb::global_control::max_allowed_parallelism,
                                                         wanted + 1);
        control = std::move(next);
    }

    std::size_t threads_;
};

/// The CPUs of the calling worker thread. It stays pinned, also asleep, until it works for a pool that does not
/// pin: woken where it is, it starts on its own CPU, and not on the caller's while another idles.
class worker_affinity {
public:
    /// Onto one of the CPUs that the thread may use, a different one for each worker, `taken` left out if there
    /// are others.
    static void pin(int taken) {
        static std::atomic<std::size_t> workers{0};
        static thread_local const std::size_t number = workers.fetch_add(1, std::memory_order_relaxed);
        if (all().empty()) all() = allowed_cpus();
        std::vector<int> cpus = all();
        if (cpus.size() > 1) std::erase(cpus, taken);
        const int chosen = cpus[number % cpus.size()];
        if (std::exchange(pinned_to(), chosen) != chosen) allow({chosen});
    }
    static void unpin() {
        if (pinned_to() == nowhere) return;
        allow(std::exchange(all(), {}));
        pinned_to() = nowhere;
    }

private:
    static constexpr int nowhere = -1;

    static std::vector<int>& all() {
        static thread_local std::vector<int> cpus; // empty while not pinned
        return cpus;
    }
    static int& pinned_to() {
        static thread_local int cpu = nowhere;
        return cpu;
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

std::string why_compact(placement asked, const std::vector<tbb::task_arena::constraints>& found) {
    const std::string thing = asked == placement::per_numa_node ? "NUMA node" : "core type";
    if (found.size() > 1)
        return "fewer threads than the machine's " + std::to_string(found.size()) + ' ' + thing + 's';
    const bool can_tell = !found.empty() && (found[0].numa_id >= 0 || found[0].core_type >= 0);
    if (can_tell) return "the machine has one " + thing;
    return "oneTBB cannot tell the machine's " + thing + "s: its libtbbbind is missing or does not work";
}

/// A place where one idle worker waits a little while for a job, so that jobs that follow each other closely
/// find it awake: handing one over takes 0.1 µs, waking a thread 20 to 50.
class mailbox {
public:
    /// Hands the job, with a reference, to the worker that waits here; false if none does.
    bool offer(job& work) noexcept {
        if (content_.load(std::memory_order_relaxed) != waited_for()) return false;
        work.reference();
        job* expected = waited_for();
        if (content_.compare_exchange_strong(expected, &work, std::memory_order_acq_rel)) return true;
        work.release();
        return false;
    }
    /// Opens the mailbox for the calling worker; false if another has it.
    bool open() noexcept {
        job* expected = nullptr;
        return content_.compare_exchange_strong(expected, waited_for(), std::memory_order_relaxed);
    }
    /// Waits for a job, and closes the mailbox. Null when the time is over, when `closed`, or when others are `called`,
    /// whom this worker may be one of.
    job_pointer<job> wait(const std::atomic<bool>& closed, const std::atomic<std::size_t>& called) noexcept {
        const auto deadline = std::chrono::steady_clock::now() + linger;
        for (int look = 1; content_.load(std::memory_order_acquire) == waited_for(); ++look) {
            if (look % looks_per_yield != 0) {
                relax();
                continue;
            }
            if (closed.load(std::memory_order_relaxed) || called.load(std::memory_order_relaxed) > 0 ||
                std::chrono::steady_clock::now() > deadline)
                break;
            std::this_thread::yield();
        }
        job* const content = content_.exchange(nullptr, std::memory_order_acq_rel);
        return job_pointer<job>(content == waited_for() ? nullptr : content);
    }

private:
    static constexpr std::chrono::microseconds linger{100};
    static constexpr int looks_per_yield = 16;

    /// Stands for "a worker waits"; no job has this address.
    job* waited_for() noexcept { return reinterpret_cast<job*>(this); }

    std::atomic<job*> content_{nullptr};
    [[maybe_unused]] char apart_[64 - sizeof(std::atomic<job*>)] = {};
};

/// Some worker threads that run jobs for one arena.
class arena_workers {
public:
    arena_workers(const tbb::task_arena::constraints& constraints, std::size_t arena, std::size_t threads,
                  bool pin)
        : shared_(std::make_shared<waiting_room>(arena, threads, pin)),
          // No slot is reserved for callers: they take part without entering, and never wait for a slot.
          arena_(tbb::task_arena::constraints(constraints).set_max_concurrency(static_cast<int>(threads)),
                 0) {}
    arena_workers(const arena_workers&) = delete;
    arena_workers& operator=(const arena_workers&) = delete;
    /// Waits a little for workers that were called too late to find work, so that hardly ever any is on its way
    /// when a program ends; but not within a task, where it may be this thread that they wait for.
    ~arena_workers() {
        shared_->closed.store(true, std::memory_order_relaxed);
        const auto deadline = std::chrono::steady_clock::now() + drain;
        while (!job::inside() && shared_->on_their_way.load() > 0 &&
               std::chrono::steady_clock::now() < deadline)
            std::this_thread::yield();
    }

    std::size_t arena() const noexcept { return shared_->arena; }
    std::size_t threads() const noexcept { return shared_->mailboxes.size(); }

    /// Has `helpers` workers take part in the job: those that wait for one, then woken ones. Where `enough` are on their
    /// way to earlier jobs, no more are woken: they pile up otherwise.
    void call(job& work, std::size_t helpers, std::size_t enough) {
        for (mailbox& each : shared_->mailboxes)
            if (helpers > 0 && each.offer(work)) --helpers;
        if (helpers == 0 || shared_->on_their_way.load(std::memory_order_relaxed) >= enough) return;
        work.reference();
        summon(job_pointer<job>(&work), 0, helpers, shared_->pin ? sched_getcpu() : -1);
    }

private:
    static constexpr std::chrono::milliseconds drain{500};

    /// Outlives the arena_workers while a worker waits in it.
    struct waiting_room {
        waiting_room(std::size_t arena_number, std::size_t threads, bool pins)
            : mailboxes(threads), arena(arena_number), pin(pins) {}
        std::vector<mailbox> mailboxes;
        std::size_t arena;
        bool pin;
        std::atomic<bool> closed{false};
        std::atomic<std::size_t> on_their_way{0}; // workers that were woken and have not come
    };

    /// Calls helper `number` of `helpers`; as soon as it has work it calls two more, so that waking many
    /// threads takes as many steps as a binary tree is high. `caller_cpu`: where the thread runs that they help.
    void summon(const job_pointer<job>& work, std::size_t number, std::size_t helpers,
                int caller_cpu) noexcept {
        shared_->on_their_way.fetch_add(1);
        try {
            arena_.enqueue(helper{this, shared_, work, number, helpers, caller_cpu});
        } catch (...) { // no memory for a helper: whoever joins does the work
            shared_->on_their_way.fetch_sub(1);
        }
    }

    struct helper {
        arena_workers* owner;
        // oneTBB calls a const helper and keeps it for a while; what it owns goes when it has been used.
        mutable std::shared_ptr<waiting_room> its_room;
        mutable job_pointer<job> work;
        std::size_t number;
        std::size_t helpers;
        int caller_cpu;

        void operator()() const {
            const std::shared_ptr<waiting_room> room = std::move(its_room);
            const job_pointer<job> mine = std::move(work);
            room->on_their_way.fetch_sub(1);
            if (room->pin)
                worker_affinity::pin(caller_cpu);
            else
                worker_affinity::unpin();
            mine->help(room->arena, [&] {
                // By claimed-is-unfinished the arena_workers lives while the range is being run.
                for (std::size_t next = 2 * number + 1; next <= 2 * number + 2 && next < helpers; ++next)
                    owner->summon(mine, next, helpers, caller_cpu);
            });
            wait_for_more(*room);
        }
    };

    static void wait_for_more(waiting_room& room) noexcept {
        for (mailbox& mine : room.mailboxes) {
            if (!mine.open()) continue;
            while (const job_pointer<job> work = mine.wait(room.closed, room.on_their_way)) {
                work->help(room.arena, [] {});
                if (!mine.open()) return;
            }
            return;
        }
    }

    std::shared_ptr<waiting_room> shared_;
    tbb::task_arena arena_;
};

class tbb_launcher final : public launcher {
public:
    tbb_launcher(std::size_t threads, placement asked, bool pin_workers) : budget_(threads) {
        topology_.asked = asked;
        std::vector<tbb::task_arena::constraints> constraints = constraints_of(asked);
        if (constraints.size() <= 1 || threads < constraints.size()) {
            if (asked != placement::compact) topology_.reason = why_compact(asked, constraints);
            constraints.assign(1, {});
        } else {
            topology_.got = asked;
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
        // A caller that joins stands in for this one, which is called only where none does.
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

    void call(job& work, std::size_t callers) override {
        const bool optional = callers > 0 || work.threads_taking_part() > 0;
        for (const auto& each : workers_) {
            const bool stand_in = each == workers_.front();
            if (stand_in && callers > 0) continue;
            const std::size_t taken = each->arena() == 0 && !stand_in ? 1 : 0;
            const std::size_t useful = work.share_of(each->arena());
            const std::size_t enough = optional ? each->threads() : any_number;
            if (useful > taken) each->call(work, std::min(each->threads(), useful - taken), enough);
        }
    }
    void call_ahead(job& work) override {
        for (const auto& each : workers_) {
            const std::size_t useful = std::min(each->threads(), work.share_of(each->arena()));
            if (each != workers_.front() && useful > 0)
                each->call(work, useful, jobs_ahead * each->threads());
        }
    }

    static constexpr std::size_t any_number = ~std::size_t{0};
    /// How many jobs may wait for helpers that are called ahead.
    static constexpr std::size_t jobs_ahead = 8;

    worker_budget budget_;
    pool_topology topology_;
    std::vector<std::unique_ptr<arena_workers>> workers_;
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
