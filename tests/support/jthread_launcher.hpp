#pragma once

#include "launcher_topology.hpp"

#include <spmd/detail/launch/launcher.hpp>

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

namespace test_support {

/// Runs jobs on std::jthreads, grouped into arenas. Independent of oneTBB, so that ThreadSanitizer sees every
/// access, and with any number of arenas on any machine.
/// Each arena has as many threads as its topology says; joining threads take part besides.
/// Thread safety: all members may be called concurrently.
class jthread_launcher final : public spmd::detail::launcher {
public:
    static constexpr std::size_t no_arena = static_cast<std::size_t>(-1);

    explicit jthread_launcher(const std::vector<std::size_t>& threads)
        : topology_(arenas_with(threads)), queues_(threads.size()) {
        for (std::size_t arena = 0; arena < threads.size(); ++arena)
            for (std::size_t i = 0; i < threads[arena]; ++i)
                threads_.emplace_back([this, arena](const std::stop_token& stop) { serve(arena, stop); });
    }

    const spmd::pool_topology& topology() const noexcept override { return topology_; }

    /// The arena that the calling thread works for; `no_arena` for a thread of no launcher.
    static std::size_t arena_of_this_thread() noexcept { return arena_here(); }

private:
    using job_pointer = spmd::detail::job_pointer<spmd::detail::job>;

    struct job_queue {
        std::mutex mutex;
        std::condition_variable_any came;
        std::deque<job_pointer> jobs; // guarded by mutex; one entry per recruited helper
    };

    static std::size_t& arena_here() noexcept {
        static thread_local std::size_t arena = no_arena;
        return arena;
    }

    void recruit(spmd::detail::job& work, spmd::detail::demand wanted) override {
        const std::size_t callers = wanted == spmd::detail::demand::alone ? 0 : 1;
        for (std::size_t arena = 0; arena < queues_.size(); ++arena) {
            const std::size_t useful = std::min(topology_.arenas[arena].threads, work.share_of(arena));
            const std::size_t callers_here = arena == 0 ? callers : 0;
            if (useful <= callers_here) continue;
            const std::lock_guard lock(queues_[arena].mutex);
            for (std::size_t i = callers_here; i < useful; ++i) {
                work.reference();
                queues_[arena].jobs.emplace_back(&work);
                queues_[arena].came.notify_one();
            }
        }
    }

    void serve(std::size_t arena, const std::stop_token& stop) {
        arena_here() = arena;
        job_queue& queue = queues_[arena];
        for (;;) {
            std::unique_lock lock(queue.mutex);
            if (!queue.came.wait(lock, stop, [&] { return !queue.jobs.empty(); })) return;
            const job_pointer work = std::move(queue.jobs.front());
            queue.jobs.pop_front();
            lock.unlock();
            work->help(arena, [] {});
        }
    }

    spmd::pool_topology topology_;
    std::deque<job_queue> queues_;
    // Joined before the queues are destroyed; recruits that never arrived are released.
    std::vector<std::jthread> threads_;
};

} // namespace test_support
