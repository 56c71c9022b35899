#pragma once

#include "launch/mailbox.hpp"

#include <spmd/detail/launch/job.hpp>

#include <oneapi/tbb/task_arena.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

namespace spmd::detail {

/// Some oneTBB worker threads that run jobs in one arena. Callers take part without entering the arena, so
/// they never wait for a slot in it.
class arena_workers {
public:
    /// `pin`: whether workers are pinned to CPUs.
    arena_workers(const oneapi::tbb::task_arena::constraints& constraints, std::size_t arena,
                  std::size_t threads, bool pin);
    arena_workers(const arena_workers&) = delete;
    arena_workers& operator=(const arena_workers&) = delete;
    /// Waits a little for workers that were called and have not arrived, so that hardly ever one is on its
    /// way when a program ends; but not within a task, which may run on the thread that they wait for.
    ~arena_workers();

    std::size_t arena() const noexcept { return shared_->arena; }
    std::size_t threads() const noexcept { return shared_->mailboxes.size(); }

    /// Makes `helpers` workers take part in the job: first those that linger, then woken ones. Wakes none
    /// while `enough` are on their way to earlier jobs: they would pile up.
    void call(job& work, std::size_t helpers, std::size_t enough);

private:
    class worker_task;

    static constexpr std::chrono::milliseconds drain{500};

    /// Outlives the arena_workers while a worker lingers in it.
    struct waiting_room {
        waiting_room(std::size_t arena_number, std::size_t threads, bool pins)
            : mailboxes(threads), arena(arena_number), pin(pins) {}
        std::vector<mailbox> mailboxes;
        std::size_t arena;
        bool pin;
        std::atomic<bool> closed{false};
        std::atomic<std::size_t> on_their_way{0}; // workers that were called and have not arrived
    };

    /// Wakes helper `number` of `helpers`. `caller_cpu`: the CPU of the thread that they help.
    void summon(const job_pointer<job>& work, std::size_t number, std::size_t helpers,
                int caller_cpu) noexcept;
    static void linger_in(waiting_room& room) noexcept;

    std::shared_ptr<waiting_room> shared_;
    oneapi::tbb::task_arena arena_;
};

} // namespace spmd::detail
