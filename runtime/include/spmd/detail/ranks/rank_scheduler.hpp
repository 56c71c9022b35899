#pragma once

#include <spmd/detail/base/zeroed_array.hpp>
#include <spmd/detail/launch/job.hpp>
#include <spmd/detail/ranks/collective.hpp>
#include <spmd/detail/ranks/communicator.hpp>
#include <spmd/detail/ranks/wait_record.hpp>
#include <spmd/detail/trace/trace_log.hpp>
#include <spmd/partition.hpp>
#include <spmd/timing.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace spmd::detail {

/// Ranks that are coroutines and advance together on a few threads. A rank is ready, running, waiting or ended.
///
/// Ready ranks stand in ranges at *places*: one for each thread, with a block of ranks that are made ready there,
/// so that a rank's data stay near the thread that touched it first. A thread takes from its own place, then from
/// others. When all ranks meet, all become ready at once: a *wave*, one range for each place. Waves that are
/// cheaper than telling other threads are run by one thread, without a lock.
///
/// Invariant `active-is-exact`: active_ counts the ready and the running ranks, and what a range made ready is
/// counted before the range itself is taken off. So who brings it to 0 is alone: no rank can run, and none will
/// unless that thread makes it ready. There ends the scheduler, or what blocks it is found and reported.
class rank_scheduler {
public:
    rank_scheduler(std::span<const placed_range> shares, std::size_t count, std::size_t threads,
                   cost_estimate& cost, const run_flags& flags, std::span<interval> intervals,
                   std::chrono::steady_clock::time_point submitted, const traced_submission& traced);
    rank_scheduler(const rank_scheduler&) = delete;
    rank_scheduler& operator=(const rank_scheduler&) = delete;

    std::size_t count() const noexcept { return count_; }
    /// What a rank waits for. Requires: it does not run, and has not ended.
    const wait_record& record_of(std::size_t rank) const noexcept { return records_[rank]; }
    /// Requires: the rank was started and does not run.
    bool has_ended(std::size_t rank) const noexcept { return !records_[rank].is_started(); }
    /// How often no rank could run so far, now included. Requires: none can.
    std::size_t halt() const noexcept { return halt_; }
    /// What a rank threw; null for one that returned.
    virtual std::exception_ptr error_of_ended(std::size_t rank) const = 0;
    bool is_stopped() const noexcept { return flags_->stop_requested(); }

    bool is_timed() const noexcept { return timed_; }
    std::chrono::nanoseconds since_submission() const noexcept {
        return std::chrono::steady_clock::now() - submitted_;
    }
    void keep_collective(collective_times times);

protected:
    virtual ~rank_scheduler();

    /// Some ready ranks, at most `most`, of whatever place; they are the caller's to run.
    index_range claim(std::size_t most) noexcept;
    bool has_ready() const noexcept { return queued_.load() != 0; }
    /// Runs claimed ranks once, each until it waits or ends.
    void run_once(index_range range) noexcept;
    /// Runs whatever is ready, and what becomes ready in time, until there is nothing more for this thread.
    /// `on_first` is called after the first claim; `is_crowded` tells whether to leave for others.
    void run_ready(std::size_t arena, const std::function<void()>* on_first,
                   const std::function<bool()>& is_crowded) noexcept;
    std::vector<collective_times> kept_collectives() const;
    /// Requires: all ranks have ended.
    void forget_failures() noexcept { failures_.clear(); }

    /// Makes a rank's coroutine, not started.
    virtual std::coroutine_handle<> make(std::size_t rank) = 0;
    /// It could not be made, or has run to its end: `ended` is null in the first case.
    virtual void end(std::size_t rank, std::coroutine_handle<> ended) noexcept = 0;
    /// These ranks will never start.
    virtual void skip(index_range ranks) noexcept = 0;
    /// All ranks have ended.
    virtual void all_ended() noexcept = 0;
    /// More is ready than the threads at work can do.
    virtual void call_threads() noexcept = 0;
    virtual std::size_t threads_at_work() const noexcept = 0;

private:
    friend class rank_worker;
    class wait_graph;

    struct place {
        std::mutex mutex;
        std::vector<index_range> ready; // guarded by mutex; the first at `first`
        std::size_t first = 0;          // guarded by mutex
        std::atomic<std::size_t> ranges{0};
        std::atomic<std::size_t> owner{0}; // the number of the thread that works here; 0: none yet
        index_range block;
        std::size_t arena = 0;
    };

    place* place_in(std::size_t arena) noexcept;
    place& place_of(std::size_t rank) noexcept;
    index_range claim_at(place& from, std::size_t least, std::size_t part) noexcept;
    index_range claim_near(std::size_t home, std::size_t arena) noexcept;
    bool has_ready_in(std::size_t arena) const noexcept;
    bool wait_for_ready(std::size_t arena) noexcept;
    void make_ready(place& at, index_range ranks);
    void spread(index_range ranks);
    /// The same, and calls threads if not all are at work.
    void spread_to_all(index_range ranks);
    void open_first_wave() noexcept;
    std::size_t usual_claim() const noexcept;
    /// Finds out why no rank can run. Gives those that can, now that they are told.
    std::vector<std::size_t> resolve();
    /// Tells those of the ranks that wait in vain, and gives them.
    template <class Ranks>
    std::vector<std::size_t> notify_doomed(const Ranks& ranks);
    std::vector<std::size_t> notify_all(std::exception_ptr failure);
    /// A waiting rank is told the last failure.
    void tell(std::size_t rank);
    std::exception_ptr deadlock() const;
    std::exception_ptr cause_of(std::size_t rank) const;
    std::string operation_of(std::size_t rank) const;

    std::size_t count_;
    std::size_t threads_;
    bool timed_;
    cost_estimate* cost_;
    const run_flags* flags_;
    std::chrono::steady_clock::time_point submitted_;
    std::span<interval> intervals_; // empty unless timed
    traced_submission traced_;
    std::unique_ptr<place[]> places_;
    std::size_t place_count_ = 0;
    zeroed_array<wait_record> records_;
    std::deque<std::exception_ptr> failures_; // what ranks were told, on whatever thread they run
    std::size_t halt_ = 0;
    std::unique_ptr<wait_graph> wait_graph_; // since ranks were told that they wait in vain
    mutable std::mutex times_mutex_;
    std::vector<collective_times> collectives_; // guarded by times_mutex_
    std::size_t kept_arrivals_ = 0;             // guarded by times_mutex_

    /// What the waves cost that followed the collectives of one place in the program, in ns, as a running mean: heavy
    /// ones are shared out from the beginning even where most are cheap. For who completes a collective of all ranks.
    class wave_estimate {
    public:
        static constexpr std::size_t first = 16; // the place before all collectives
        /// The last wave cost so much. Returns what the one is likely to cost that a collective at `place` opens.
        std::uint64_t next(std::size_t place, std::uint64_t last) noexcept;

    private:
        std::array<std::uint64_t, first + 1> means_{}; // 0: none yet
        std::size_t opened_at_ = first;
    };
    wave_estimate wave_estimate_;

    std::atomic<bool> opened_{false};
    std::atomic<std::uint64_t> wave_cost_{0};  // in ns, a decaying maximum
    std::atomic<std::uint64_t> wave_spent_{0}; // in ns, by all threads since the last wave began

    // Written by every thread at work, once per range.
    alignas(64) std::atomic<std::size_t> active_;
    std::atomic<std::size_t> ended_{0};
    std::atomic<std::size_t> queued_{0};
    alignas(64) std::atomic<std::uint32_t> searching_{0}; // threads that look for ready ranks
};

} // namespace spmd::detail
