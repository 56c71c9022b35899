#pragma once

#include <spmd/detail/launch/job.hpp>
#include <spmd/machine.hpp>
#include <spmd/placement.hpp>

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace spmd::detail {

/// The one launch primitive: who runs the indices of a job, and in which order. All that runs, runs through
/// here. The library's own launcher places them on oneTBB arenas; tests drive the same code by others.
///
/// Thread safety: all members may be called at the same time.
class launcher {
public:
    virtual ~launcher() = default;

    /// The arenas and their threads; their ranks are dealt by the pool.
    virtual const pool_topology& topology() const noexcept = 0;

    /// Starts the job on other threads, if it was not started, and returns.
    void start(job& work) {
        if (work.start()) call(work, 0);
    }
    /// The same for a job that some thread joins sooner or later: others may begin before.
    void start_ahead(job& work) {
        work.start();
        call_ahead(work);
    }
    /// Runs what is left on the calling thread, and on others where that is worth while; returns when the job
    /// is finished. Needs no other thread in order to finish, so it may be called from within a task.
    virtual void join(job& work);
    /// Returns when `index` was run: runs it on the calling thread if nobody has claimed it, else waits.
    virtual void join_until(job& work, std::size_t index);
    /// Starts the job if need be; true when it is finished before the time is over. Runs no index itself, but for
    /// one when it is called within a task and the time is over.
    bool wait_until(job& work, std::chrono::steady_clock::time_point deadline);
    /// Calls more threads to a job that one at least takes part in.
    void call_more(job& work) { call(work, work.goes_on() && work.joined() == 0 ? 0 : 1); }

protected:
    /// Has other threads call work.help(arena, …), each with a reference to the job. `callers` (0 or 1) threads
    /// take part besides. Some may still be on their way to a job in which threads take part already.
    virtual void call(job& work, std::size_t callers) = 0;
    /// The same for a job that need not be begun by them, so that hardly more are on their way than can come.
    virtual void call_ahead(job& work) { call(work, 1); }

private:
    void run_alone_at_first(job& work);
    void run_until_done(job& work, std::size_t index) const;
};

/// The launcher on oneTBB arenas. `threads` of 0 or more than the system can hold throws
/// std::invalid_argument.
std::unique_ptr<launcher> make_tbb_launcher(std::size_t threads, placement asked, bool pin_workers);

/// A loop over [0, count) whose body does not throw, as a job.
template <class Body>
class loop_job final : public job {
public:
    loop_job(std::span<const placed_range> shares, std::size_t threads, cost_estimate& cost, const Body& body)
        : job(shares, 0, threads, cost), body_(body) {}
    bool is_done(std::size_t) const noexcept override { return finished(); }

private:
    void run(index_range range) noexcept override {
        for (std::size_t i = range.begin; i < range.end; ++i) body_(i);
    }
    const Body& body_;
};

/// Runs body(0) … body(count - 1) on the launcher's threads; returns when all have run.
template <class Body>
void run_loop(launcher& launch, std::size_t count, const Body& body) {
    static cost_estimate cost;
    const placed_range all{0, {0, count}};
    const job_pointer<job> work(new loop_job<Body>({&all, 1}, launch.topology().threads(), cost, body));
    launch.join(*work);
}

} // namespace spmd::detail
