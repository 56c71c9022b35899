#pragma once

#include <spmd/detail/base/zeroed_array.hpp>
#include <spmd/detail/launch/group.hpp>
#include <spmd/detail/launch/work_source.hpp>
#include <spmd/detail/ranks/ready_queues.hpp>
#include <spmd/detail/ranks/wait_record.hpp>
#include <spmd/detail/ranks/wave_estimate.hpp>
#include <spmd/detail/results/tracked_job.hpp>
#include <spmd/detail/trace/trace_log.hpp>
#include <spmd/partition.hpp>
#include <spmd/timing.hpp>

#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace spmd::detail {

class quiescence;

/// The coroutines that a scheduler runs, one for each rank.
class rank_program {
public:
    rank_program() = default;
    rank_program(const rank_program&) = delete;
    rank_program& operator=(const rank_program&) = delete;

    /// Makes a rank's coroutine, without starting it.
    virtual std::coroutine_handle<> make(std::size_t rank) = 0;
    /// Stores the result of a rank whose coroutine has run to its end, and destroys it. `ended` is null where
    /// it could not be made, or not be started; called while the exception is handled then.
    virtual void end(std::size_t rank, std::coroutine_handle<> ended) noexcept = 0;

protected:
    ~rank_program() = default;
};

/// Advances ranks that are coroutines, together, on a few threads: the work source of a job whose ranks meet.
/// A rank is ready, running, waiting or ended.
///
/// When all ranks meet, all become ready at once: a *wave*. Waves that are cheaper than waking other threads
/// are run by one thread, without a queue and without a lock; others go through the ready queues.
///
/// Invariant `active-is-exact`: active_ counts the ready and the running ranks, and what a range made ready
/// is counted before the range itself is counted off. So the thread that brings it to 0 is alone: no rank can
/// run, and none will unless that thread makes it ready. There the job ends, or the halt is resolved.
///
/// Ranks that wait for something outside count as active. If no rank can run, and all of those have
/// deadlines, active_ equals timed_; that halt is resolved while the deadlines are held.
class rank_scheduler final : public work_source {
public:
    /// `ranks` is the group of the job's ranks.
    rank_scheduler(tracked_job& owner, rank_program& program, const group& ranks);
    ~rank_scheduler();

    std::size_t count() const noexcept { return count_; }
    launcher& launch() const noexcept { return *launcher_; }
    /// Record of a rank's wait. Requires: the rank does not run, and has not ended.
    const wait_record& record_of(std::size_t rank) const noexcept { return records_[rank]; }
    /// Requires: the rank was started and does not run.
    bool has_ended(std::size_t rank) const noexcept { return !records_[rank].is_started(); }
    /// Number of halts so far, in which no rank could run, including the present one. Requires: no rank can
    /// run.
    std::size_t halts() const noexcept { return halts_; }
    /// Error of an ended rank; null if it returned.
    std::exception_ptr error_of_ended(std::size_t rank) const;
    bool is_stopped() const noexcept { return owner_->stop_requested(); }

    /// Counts a running rank, which will wait for something outside of the scheduler, as active until it is
    /// woken.
    void count_outside_wait() noexcept { active_.fetch_add(1, std::memory_order_relaxed); }
    void withdraw_outside_wait() noexcept { active_.fetch_sub(1, std::memory_order_relaxed); }
    /// Makes such a rank ready, from any thread. May end the job, and call continuations.
    void wake_from_outside(std::size_t rank) noexcept;
    /// As wake_from_outside(), without that.
    void wake_by_deadline(std::size_t rank) noexcept;

    // Waits that a deadline may end are counted so too; all three while the deadlines are held.

    void count_timed_wait() noexcept {
        count_outside_wait();
        timed_.fetch_add(1, std::memory_order_relaxed);
    }
    /// Requires: the rank runs.
    void withdraw_timed_wait() noexcept {
        timed_.fetch_sub(1, std::memory_order_relaxed);
        withdraw_outside_wait();
    }
    /// Leaves the wait to wake_by_deadline().
    void end_timed_wait() noexcept { timed_.fetch_sub(1, std::memory_order_relaxed); }

    bool is_timed() const noexcept { return !intervals_.empty(); }
    std::chrono::nanoseconds since_submission() const noexcept {
        return std::chrono::steady_clock::now() - owner_->submitted();
    }
    void record_collective(collective_times times);
    std::vector<collective_times> recorded_collectives() const;

    index_range claim(std::size_t most) noexcept override;
    bool is_claimable() const noexcept override { return queues_.has_ready(); }
    void run_claimed(index_range range) noexcept override;
    void run_part(std::size_t arena, const std::function<void()>* on_first,
                  const std::function<bool()>& is_crowded) noexcept override;

    /// Destroys the errors that waits failed with. Requires: all ranks have ended.
    void forget_failures() noexcept;

private:
    friend class rank_worker;

    /// Polls for ready ranks for a while; false when there are none.
    bool wait_for_ready(std::size_t arena) noexcept;
    void open_first_wave() noexcept;
    void make_ready_from_outside(std::size_t rank) noexcept;
    /// Counts the thread that has woken a rank off.
    void end_waking() noexcept;
    /// Makes ranks ready, and recruits threads unless enough are at work.
    void spread(index_range ranks);
    void recruit_more() noexcept;
    bool has_idle_threads() const noexcept { return owner_->threads_taking_part() < threads_; }
    std::size_t worth_claiming() const noexcept;
    /// Fails waits that cannot end. Returns the ranks that can run now: at least one, unless deadlines may
    /// still end waits. Requires: no rank can run, not all have ended.
    std::vector<std::size_t> resolve_halt();

    tracked_job* owner_;
    rank_program* program_;
    launcher* launcher_;
    std::size_t count_;
    std::size_t threads_;
    std::span<interval> intervals_; // empty unless timed
    traced_submission traced_;
    zeroed_array<wait_record> records_;
    std::unique_ptr<quiescence> quiescence_; // since the first halt
    std::size_t halts_ = 0;
    mutable std::mutex times_mutex_;
    std::vector<collective_times> collectives_; // guarded by times_mutex_
    std::size_t recorded_arrivals_ = 0;         // guarded by times_mutex_

    wave_estimate wave_estimate_;
    std::atomic<bool> opened_{false};
    std::atomic<std::uint64_t> wave_cost_{0};  // in ns, a decaying maximum
    std::atomic<std::uint64_t> wave_spent_{0}; // in ns, by all threads since the last wave began
    // Written by every thread at work, once per range.
    alignas(64) std::atomic<std::size_t> active_;
    std::atomic<std::size_t> timed_{0}; // waiting ranks that count as active, since a deadline may wake them
    std::atomic<std::size_t> ended_{0};
    ready_queues queues_;
    alignas(64) std::atomic<std::uint32_t> searching_{0}; // threads that look for ready ranks
};

} // namespace spmd::detail
