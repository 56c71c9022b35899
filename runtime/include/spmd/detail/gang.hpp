#pragma once

#include <spmd/detail/communicator.hpp>
#include <spmd/detail/job.hpp>
#include <spmd/detail/meeting.hpp>
#include <spmd/detail/zeroed_array.hpp>
#include <spmd/partition.hpp>
#include <spmd/trace.hpp>

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

/// Ranks that are coroutines and advance together on a few threads. A rank is ready, running, waiting or ended.
///
/// Ready ranks stand in ranges at *places*: one for each thread, with a block of ranks that are made ready there,
/// so that a rank's data stay near the thread that touched it first. A thread takes from its own place, then from
/// others. When all ranks meet, all become ready at once: a *wave*, one range for each place. Waves that are
/// cheaper than telling other threads are run by one thread, without a lock.
///
/// Invariant `active-is-exact`: active_ counts the ready and the running ranks, and what a range made ready is
/// counted before the range itself is taken off. So who brings it to 0 is alone: no rank can run, and none will
/// unless that thread makes it ready. There ends the gang, or what blocks it is found and reported.
class gang {
public:
    gang(std::span<const placed_range> shares, std::size_t count, std::size_t threads, usual_cost& cost,
         std::span<interval> intervals, std::chrono::steady_clock::time_point submitted);
    gang(const gang&) = delete;
    gang& operator=(const gang&) = delete;

    std::size_t count() const noexcept { return count_; }
    /// What a rank waits for; null when it has ended. Requires: the rank was started and does not run.
    const suspension* waiting_for(std::size_t rank) const noexcept { return waiting_[rank]; }
    bool has_ended(std::size_t rank) const noexcept { return waiting_[rank] == nullptr; }
    /// What a rank threw; null for one that returned.
    virtual std::exception_ptr error_of_ended(std::size_t rank) const = 0;
    std::uint64_t next_serial() noexcept { return serials_.fetch_add(1, std::memory_order_relaxed); }
    virtual bool is_stopped() const noexcept = 0;

    bool is_timed() const noexcept { return timed_; }
    std::chrono::nanoseconds since_submission() const noexcept {
        return std::chrono::steady_clock::now() - submitted_;
    }
    void keep_meeting(meeting_times times);

protected:
    virtual ~gang() = default;

    /// Some ready ranks, at most `most`, of whatever place; they are the caller's to run.
    index_range claim(std::size_t most) noexcept;
    bool has_ready() const noexcept { return queued_.load() != 0; }
    /// Runs claimed ranks once, each until it waits or ends.
    void run_once(index_range range) noexcept;
    /// Runs whatever is ready, and what becomes ready in time, until there is nothing more for this thread.
    /// `on_first` is called after the first claim; `is_crowded` tells whether to leave for others.
    void run_ready(std::size_t arena, const std::function<void()>* on_first,
                   const std::function<bool()>& is_crowded) noexcept;
    std::vector<meeting_times> kept_meetings() const;

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
    friend class runner;

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
    index_range claim_at(place& from, std::size_t most) noexcept;
    index_range claim_near(place* mine) noexcept;
    bool wait_for_ready() noexcept;
    void make_ready(place& at, index_range ranks);
    void spread(index_range ranks);
    void open_first_wave() noexcept;
    std::size_t usual_claim() const noexcept;
    /// Finds out why no rank can run. Gives those that can, now that they are told.
    std::vector<std::size_t> resolve();
    std::exception_ptr deadlock() const;

    std::size_t count_;
    std::size_t threads_;
    bool timed_;
    usual_cost* cost_;
    std::chrono::steady_clock::time_point submitted_;
    std::span<interval> intervals_; // empty unless timed
    std::unique_ptr<place[]> places_;
    std::size_t place_count_ = 0;
    zeroed_array<suspension*> waiting_;
    zeroed_array<void*> frames_;
    std::vector<std::exception_ptr> verdicts_; // outlive the ranks that were told, on whatever thread
    mutable std::mutex meetings_mutex_;
    std::vector<meeting_times> meetings_; // guarded by meetings_mutex_
    std::size_t kept_arrivals_ = 0;       // guarded by meetings_mutex_

    std::atomic<std::uint64_t> serials_{1};
    std::atomic<bool> opened_{false};
    std::atomic<std::uint64_t> wave_cost_{0};  // in ns, a decaying maximum
    std::atomic<std::uint64_t> wave_spent_{0}; // in ns, by all threads since the last wave began

    // Written by every thread at work, once per range.
    alignas(64) std::atomic<std::size_t> active_;
    std::atomic<std::size_t> ended_{0};
    std::atomic<std::size_t> queued_{0};
    alignas(64) std::atomic<std::uint32_t> hungry_{0}; // threads that look for ready ranks
};

/// A thread's part in a gang: what it runs now, and what it has not told the others yet.
class runner {
public:
    explicit runner(gang& ranks) noexcept : ranks_(&ranks), outer_(here_) { here_ = this; }
    runner(const runner&) = delete;
    runner& operator=(const runner&) = delete;
    ~runner() { here_ = outer_; }

    /// The one that runs a rank on this thread.
    static runner& here() noexcept { return *here_; }
    /// The same, where that is rank `id` of a communicator. Throws: std::logic_error when it is not; cancelled
    /// when the gang is to stop.
    static runner& of(const communicator& of, std::size_t id) {
        runner* const current = here_;
        if (current == nullptr || current->ranks_ != &of.ranks() || current->rank_ != of.index_of(id))
            [[unlikely]]
            throw_foreign(id);
        if (current->ranks_->is_stopped()) [[unlikely]]
            throw_cancelled();
        return *current;
    }

    /// The meeting that a member comes to now; it counts as having come.
    meeting& next_meeting(communicator& of, std::size_t id, const request& asked,
                          const std::source_location& where) {
        std::uint32_t& number = of.next_of(id);
        if (id - begin_ >= length_ || of.serial() != serial_ || number != number_) [[unlikely]]
            look_up(of, id, number, asked, where);
        ++number;
        if (ranks_->is_timed()) [[unlikely]]
            meeting_->arrived_at(id, ranks_->since_submission());
        return *meeting_;
    }
    /// The member has given what it gives there, and waits.
    void arrive(std::size_t index, suspension& waiting) noexcept {
        ranks_->waiting_[index] = &waiting;
        ++arrivals_;
    }
    /// The member has given what it gives there, and goes on.
    void arrive_and_go_on() noexcept {
        ++arrivals_;
        tell_arrivals();
        publish();
    }
    /// The member waits, but did not arrive anywhere that counts.
    void wait(std::size_t index, suspension& waiting) noexcept { ranks_->waiting_[index] = &waiting; }
    suspension*& slot(std::size_t index) noexcept { return ranks_->waiting_[index]; }

    /// The member has taken what the meeting gave it.
    void leave(meeting& at) noexcept {
        if (&at == left_) [[likely]] {
            ++leaves_;
            return;
        }
        leave_another(at);
    }
    /// The same for one that may be on no thread of the gang.
    static void leave_anywhere(meeting& at) noexcept;
    /// Another rank need not wait any more.
    void wake(std::size_t rank);
    /// The coroutine that runs is a rank's own, and at its end.
    void end_rank() noexcept { rank_has_ended_ = true; }

private:
    friend class gang;

    [[noreturn]] static void throw_foreign(std::size_t id);
    [[noreturn]] static void throw_cancelled();

    /// Runs ranks, and whole waves as long as they are best run by one thread; returns when others can go on.
    void run(index_range range, bool whole_waves) noexcept;
    /// Returns how many of them ran: fewer, if the rest is left to others.
    std::size_t run_each(index_range range) noexcept;
    void step(std::size_t rank) noexcept;
    void step_timed(std::size_t rank) noexcept;
    index_range settle(std::size_t ran, std::chrono::nanoseconds spent, bool whole_waves) noexcept;
    void look_up(communicator& of, std::size_t id, std::uint32_t number, const request& asked,
                 const std::source_location& where);
    bool is_best_alone(bool wave, std::chrono::nanoseconds spent, std::size_t ran) noexcept;
    void next_of_the_last() noexcept;
    void keep_times(const communicator& of);
    void tell_arrivals() noexcept;
    void tell_leaves() noexcept;
    void leave_another(meeting& at) noexcept;
    void publish() noexcept;
    void queue_woken() noexcept;

    static inline constinit thread_local runner* here_ = nullptr;

    gang* ranks_;
    runner* outer_;
    std::size_t rank_ = 0;
    bool rank_has_ended_ = false;
    bool all_woken_ = false; // a wave is to begin

    // Arrivals at one leaf of one meeting that were not told yet.
    meeting* meeting_ = nullptr;
    std::uint64_t serial_ = 0;
    std::uint32_t number_ = 0;
    std::uint32_t arrivals_ = 0;
    std::size_t begin_ = 0;
    std::size_t length_ = 0;

    meeting* left_ = nullptr;
    std::size_t leaves_ = 0;
    std::size_t ended_ = 0;
    std::vector<std::size_t> woken_;
};

} // namespace spmd::detail
