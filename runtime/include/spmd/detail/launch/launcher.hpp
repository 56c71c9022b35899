#pragma once

#include <spmd/detail/launch/job.hpp>
#include <spmd/machine.hpp>
#include <spmd/placement.hpp>

#include <chrono>
#include <cstddef>

namespace spmd::detail {

/// The threads that a job needs besides those that take part in it already.
enum class demand {
    alone,         ///< no caller has joined it: every thread that it can use
    beside_caller, ///< a caller works on it too: one thread less
    ahead,         ///< a caller joins it later: bounded, so that threads that arrive too late do not queue up
};

/// The one launch primitive: decides which threads run the indices of a job, and in which order. All that
/// runs, runs through it. The library's own launcher uses oneTBB arenas; tests drive the same code by others.
///
/// Thread safety: all members may be called at the same time.
class launcher {
public:
    virtual ~launcher() = default;

    /// The arenas and their threads, without ranks, which the pool deals to them.
    virtual const pool_topology& topology() const noexcept = 0;

    /// Starts the job on other threads, if it was not started, and returns.
    void start(job& work) {
        if (work.start()) recruit(work, demand::alone);
    }
    /// Starts a job that some thread joins later, unless the job is small: others begin before it.
    void start_ahead(job& work) {
        if (!work.cost().is_small(work.count())) recruit_ahead(work);
    }
    /// As start_ahead(), however small the job is.
    void recruit_ahead(job& work) {
        work.start();
        recruit(work, demand::ahead);
    }
    /// Runs what is left on the calling thread, and on others where that is worth while; returns when the job
    /// is finished. Needs no other thread in order to finish, so it can be called from within a task.
    void join(job& work);
    /// The first half of join(): returns when nothing is left to claim, while other threads may still run.
    void take_part(job& work);
    /// Returns when `index` was run: runs it on the calling thread if nobody has claimed it, and waits
    /// otherwise.
    void join_until(job& work, std::size_t index);
    /// Starts the job if necessary; returns true if it finishes before the deadline. Runs no index itself,
    /// except for one when it is called within a task and the deadline has passed.
    bool wait_until(job& work, std::chrono::steady_clock::time_point deadline);
    /// Recruits more threads for a job that at least one takes part in.
    void recruit_more(job& work) {
        recruit(work, work.has_source() && work.joined() == 0 ? demand::alone : demand::beside_caller);
    }

protected:
    /// Makes other threads call work.help(arena, …), each with a reference to the job: the one place that
    /// decides who takes part. Threads may still be on their way to a job in which others take part already.
    virtual void recruit(job& work, demand wanted) = 0;
    /// As join() and join_until(), on the stack of the caller.
    virtual void join_here(job& work);
    virtual void join_here_until(job& work, std::size_t index);

private:
    bool wait_here_until(job& work, std::chrono::steady_clock::time_point deadline);
    /// Starts the job for the calling thread, which works on it next.
    void begin_joined(job& work);
    void run_alone_at_first(job& work);
    void run_until_done(job& work, std::size_t index) const;
};

} // namespace spmd::detail
