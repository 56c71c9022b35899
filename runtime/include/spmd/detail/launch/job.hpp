#pragma once

#include <spmd/detail/launch/completion.hpp>
#include <spmd/detail/launch/cost_estimate.hpp>
#include <spmd/detail/launch/index_claims.hpp>
#include <spmd/detail/launch/work_source.hpp>
#include <spmd/partition.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>

namespace spmd::detail {

/// Indices [0, count) that are run exactly once each: a work source, a completion, and a lifetime.
///
/// Life: made (nobody runs it) → started (a launcher recruited threads, or a caller joined) → finished (every
/// index was run) → disposed (its owner took the results and destroyed the task). The memory stays until the
/// last reference is released, because a recruited thread may arrive when all is over; it then finds nothing
/// to claim and touches nothing else.
///
/// Invariant `claimed-is-unfinished`: the holder of a claimed range may use everything of the job, since the
/// owner disposes only when no index is unfinished.
class job {
public:
    /// `shares`: all indices, ascending; `chunk`: indices per claim, 0 for guided sizes; `threads`: of the
    /// launcher that runs it.
    job(std::span<const placed_range> shares, std::size_t chunk, std::size_t threads, cost_estimate& cost);
    job(const job&) = delete;
    job& operator=(const job&) = delete;

    std::size_t count() const noexcept { return claims_.count(); }
    std::size_t chunk() const noexcept { return claims_.chunk(); }
    unsigned grain() const noexcept { return claims_.grain(); }
    std::size_t share_of(std::size_t arena) const noexcept { return claims_.share_of(arena); }
    cost_estimate& cost() const noexcept { return *cost_; }

    /// True for the first caller only: it decides how the job starts.
    bool start() noexcept { return !started_.exchange(true); }
    bool is_started() const noexcept { return started_.load(std::memory_order_relaxed); }
    bool finished() const noexcept { return completion_.is_finished(); }
    /// True when the index was run.
    virtual bool is_done(std::size_t index) const noexcept = 0;

    /// True if there can be more to claim after there was nothing.
    bool has_source() const noexcept { return source_ != nullptr; }
    /// True if there is something to claim, of a job with a work source.
    bool is_claimable() const noexcept { return has_source() && source_->is_claimable(); }
    /// Claims the next indices, at most `most`, of any arena; empty when none are left.
    index_range claim(std::size_t most) noexcept {
        return has_source() ? source_->claim(most) : claims_.claim(most);
    }
    /// Claims `index` if nobody has, together with what precedes it in its share. Requires: the job does not
    /// go on.
    index_range claim_up_to(std::size_t index) noexcept { return claims_.claim_up_to(index); }
    /// Runs a claimed range and accounts for it.
    void run_claimed(index_range range) noexcept;

    /// A recruited thread's part: claims and runs the arena's indices until none are left, or until a caller
    /// joined and more than `threads` threads take part. `on_first` runs once, after the first claim.
    void help(std::size_t arena, const std::function<void()>& on_first) noexcept;
    /// A waiting caller's part: claims and runs until nothing is left in any arena.
    void take_part() noexcept;
    std::size_t threads_taking_part() const noexcept { return taking_part_.load(); }
    /// Number of callers that take part whenever there is something to claim, and sleep meanwhile.
    std::size_t joined() const noexcept { return joined_.load(std::memory_order_relaxed); }
    void join_in() noexcept { joined_.fetch_add(1, std::memory_order_relaxed); }
    void leave() noexcept { joined_.fetch_sub(1, std::memory_order_relaxed); }

    /// As in completion.
    template <class Predicate>
    bool wait_until(std::chrono::steady_clock::time_point deadline, Predicate&& predicate) {
        return completion_.wait_until(deadline, predicate);
    }
    template <class Predicate>
    void wait(Predicate&& predicate) {
        completion_.wait(predicate);
    }
    template <class Predicate>
    bool wait_for_index(std::chrono::steady_clock::time_point deadline, Predicate&& predicate) {
        return completion_.wait_for_index(deadline, predicate);
    }
    bool continue_with(continuation& next) noexcept { return completion_.continue_with(next); }
    bool stop_requested() const noexcept { return completion_.stop_requested(); }
    void request_stop() noexcept { completion_.request_stop(); }
    const run_flags& flags() const noexcept { return completion_.flags(); }
    /// Accounts for indices that ended for good.
    void end_indices(std::size_t indices) noexcept { completion_.end(indices); }
    /// Wakes all who wait, or those who wait for single indices, from within a run.
    void wake_waiters() const noexcept { completion_.wake_waiters(); }
    void wake_index_waiters() const noexcept { completion_.wake_index_waiters(); }

    /// True on a thread that is running a task: an index of some job, or the scope of a task_mark.
    static bool inside() noexcept;
    class task_mark {
    public:
        task_mark() noexcept;
        task_mark(const task_mark&) = delete;
        task_mark& operator=(const task_mark&) = delete;
        ~task_mark();
    };

    void reference() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept;

protected:
    virtual ~job() = default;
    /// Replaces the claims of indices. Requires: the job has not started.
    void set_source(work_source& source) noexcept { source_ = &source; }
    /// Runs the indices of a claimed range; catches what they throw. Not called where a work source was
    /// given.
    virtual void run(index_range range) noexcept;

private:
    void run_part(std::size_t arena, const std::function<void()>* on_first,
                  const std::function<bool()>& is_crowded) noexcept;
    bool leave_if_crowded() noexcept;

    // Read by every thread that takes part, and hardly ever written.
    work_source* source_ = nullptr;
    cost_estimate* cost_;
    std::size_t threads_;
    std::atomic<bool> started_{false};
    std::atomic<std::uint32_t> joined_{0}; // of jobs with a work source

    // The end of completion_ and the beginning of claims_ are written once per range by every thread that
    // takes part: together, and apart from the rest.
    completion completion_;
    std::atomic<std::size_t> taking_part_{0};
    std::atomic<std::uint32_t> references_{1};
    index_claims claims_;
};

/// Shared ownership of a job's memory.
template <class Job>
class job_pointer {
public:
    job_pointer() = default;
    /// Takes over the reference that a new job starts with.
    explicit job_pointer(Job* adopted) noexcept : job_(adopted) {}
    template <class Other>
    explicit(false) job_pointer(const job_pointer<Other>& other) noexcept : job_(other.get()) {
        if (job_ != nullptr) job_->reference();
    }
    job_pointer(const job_pointer& other) noexcept : job_(other.job_) {
        if (job_ != nullptr) job_->reference();
    }
    job_pointer(job_pointer&& other) noexcept : job_(std::exchange(other.job_, nullptr)) {}
    job_pointer& operator=(job_pointer other) noexcept {
        std::swap(job_, other.job_);
        return *this;
    }
    ~job_pointer() {
        if (job_ != nullptr) job_->release();
    }

    Job* get() const noexcept { return job_; }
    Job* operator->() const noexcept { return job_; }
    Job& operator*() const noexcept { return *job_; }
    explicit operator bool() const noexcept { return job_ != nullptr; }

private:
    Job* job_ = nullptr;
};

} // namespace spmd::detail
