#include "launch/arena_workers.hpp"

#include "launch/worker_affinity.hpp"

#include <sched.h>

#include <thread>
#include <utility>

namespace spmd::detail {

namespace tbb = oneapi::tbb;

/// Calls two more helpers as soon as it has work, so that waking n threads takes as many steps as a binary
/// tree of n nodes is high.
class arena_workers::worker_task {
public:
    worker_task(arena_workers& owner, const job_pointer<job>& work, std::size_t number, std::size_t helpers,
                int caller_cpu)
        : owner_(&owner), room_(owner.shared_), work_(work), number_(number), helpers_(helpers),
          caller_cpu_(caller_cpu) {}

    void operator()() const {
        const std::shared_ptr<waiting_room> room = std::move(room_);
        const job_pointer<job> work = std::move(work_);
        room->on_their_way.fetch_sub(1);
        if (room->pin)
            worker_affinity::pin(caller_cpu_);
        else
            worker_affinity::unpin();
        work->help(room->arena, [&] {
            // By claimed-is-unfinished the arena_workers lives while the range is being run.
            for (std::size_t next = 2 * number_ + 1; next <= 2 * number_ + 2 && next < helpers_; ++next)
                owner_->summon(work, next, helpers_, caller_cpu_);
        });
        linger_in(*room);
    }

private:
    arena_workers* owner_;
    // Mutable since oneTBB calls a const task and keeps it for a while: what it owns is released once it has
    // run.
    mutable std::shared_ptr<waiting_room> room_;
    mutable job_pointer<job> work_;
    std::size_t number_;
    std::size_t helpers_;
    int caller_cpu_;
};

arena_workers::arena_workers(const tbb::task_arena::constraints& constraints, std::size_t arena,
                             std::size_t threads, bool pin)
    : shared_(std::make_shared<waiting_room>(arena, threads, pin)),
      arena_(tbb::task_arena::constraints(constraints).set_max_concurrency(static_cast<int>(threads)), 0) {}

arena_workers::~arena_workers() {
    shared_->closed.store(true, std::memory_order_relaxed);
    const auto deadline = std::chrono::steady_clock::now() + drain;
    while (!job::inside() && shared_->on_their_way.load() > 0 && std::chrono::steady_clock::now() < deadline)
        std::this_thread::yield();
}

void arena_workers::call(job& work, std::size_t helpers, std::size_t enough) {
    for (mailbox& each : shared_->mailboxes)
        if (helpers > 0 && each.offer(work)) --helpers;
    if (helpers == 0 || shared_->on_their_way.load(std::memory_order_relaxed) >= enough) return;
    work.reference();
    summon(job_pointer<job>(&work), 0, helpers, shared_->pin ? sched_getcpu() : -1);
}

void arena_workers::summon(const job_pointer<job>& work, std::size_t number, std::size_t helpers,
                           int caller_cpu) noexcept {
    shared_->on_their_way.fetch_add(1);
    try {
        arena_.enqueue(worker_task(*this, work, number, helpers, caller_cpu));
    } catch (...) { // no memory for the task: the threads that have joined do the work
        shared_->on_their_way.fetch_sub(1);
    }
}

void arena_workers::linger_in(waiting_room& room) noexcept {
    for (mailbox& mine : room.mailboxes) {
        if (!mine.open()) continue;
        while (const job_pointer<job> work = mine.wait(room.closed, room.on_their_way)) {
            work->help(room.arena, [] {});
            if (!mine.open()) return;
        }
        return;
    }
}

} // namespace spmd::detail
