#pragma once

#include <spmd/detail/base/reads_thread_local.hpp>
#include <spmd/detail/ranks/collective.hpp>
#include <spmd/detail/ranks/communicator.hpp>
#include <spmd/detail/ranks/rank_scheduler.hpp>
#include <spmd/detail/ranks/wait_record.hpp>
#include <spmd/detail/trace/trace_log.hpp>
#include <spmd/partition.hpp>

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <source_location>
#include <utility>
#include <vector>

namespace spmd::detail {

/// A thread's part in a scheduler: the rank that it runs, and what it has not published yet.
class rank_worker {
public:
    explicit rank_worker(rank_scheduler& ranks) noexcept
        : ranks_(&ranks), records_(&ranks.records_[0]), record_(records_), outer_(here_) {
        here_ = this;
    }
    rank_worker(const rank_worker&) = delete;
    rank_worker& operator=(const rank_worker&) = delete;
    ~rank_worker() {
        here_ = outer_;
        ::operator delete(spare_frame_, spare_size_);
    }

    /// The worker that runs a rank on this thread.
    static rank_worker& here() noexcept { return *current(); }
    /// The worker that runs member `id` on this thread. Throws: std::logic_error if the member does not run
    /// here; cancelled_error if the scheduler is to stop.
    static rank_worker& running(const communicator& peers, std::size_t id);
    /// Allocates a coroutine's frame: often the one that another helper has just freed on this thread.
    static void* allocate_frame(std::size_t size) {
        rank_worker* const here = current();
        if (here != nullptr && here->spare_size_ == size) {
            here->spare_size_ = 0;
            return std::exchange(here->spare_frame_, nullptr);
        }
        return ::operator new(size);
    }
    static void free_frame(void* frame, std::size_t size) noexcept {
        rank_worker* const here = current();
        if (here == nullptr || here->spare_size_ != 0) return ::operator delete(frame, size);
        here->spare_frame_ = frame;
        here->spare_size_ = size;
    }

    rank_scheduler& ranks() const noexcept { return *ranks_; }
    /// The rank that runs.
    std::size_t rank() const noexcept { return rank_; }
    /// Its record.
    wait_record& record() noexcept { return *record_; }
    /// Withdraws a failure that the rank on this thread has not taken and that goes out of scope.
    static void withdraw_failure(const std::exception_ptr& error) noexcept {
        if (rank_worker* const here = current()) here->record().withdraw(error);
    }

    /// Joins the collective that the member calls next. Throws as running().
    template <class Member>
    static collective& join_next(const Member& member) {
        rank_worker* const here = current();
        communicator& peers = member.peers();
        const std::size_t id = member.id();
        if (here != nullptr) here->record().throw_if_failed();
        std::uint32_t& number = peers.next_number(id);
        if (here == nullptr || here->communicator_ != &peers || id - here->begin_ >= here->length_ ||
            number != here->number_ || peers.index_of(id) != here->rank_) [[unlikely]]
            return look_up(peers, id, member.requested(), member.where());
        ++number;
        return *here->collective_;
    }
    /// Called when a contribution could not be stored: the next member looks the collective up again.
    void forget_collective() noexcept { length_ = 0; }
    /// Counts an arrival of the rank that runs, which will wait.
    void arrive() noexcept { ++arrivals_; }
    /// Counts an arrival of the rank that runs, which continues.
    void arrive_and_continue() noexcept {
        ++arrivals_;
        publish_arrivals();
        publish();
    }
    /// Counts that a member has taken its result of the collective.
    void leave(collective& left) noexcept {
        if (&left == left_) [[likely]] {
            ++leaves_;
            return;
        }
        leave_another(left);
    }
    /// As leave(), for members on any thread.
    static void leave_anywhere(collective& left, std::size_t count = 1) noexcept;
    /// Makes another rank ready, whose wait has ended.
    void wake(std::size_t rank);
    /// Notes that the coroutine that runs is a rank's own, and at its end.
    void end_rank(std::coroutine_handle<> ended) noexcept { at_end_ = ended; }

private:
    friend class rank_scheduler;

    /// Runs ranks, and whole waves as long as they are best run by one thread; returns when others can
    /// continue.
    void run(index_range range, bool whole_waves) noexcept;
    /// Returns how many of them ran: fewer, if the rest is left to others.
    std::size_t run_each(index_range range) noexcept;
    std::size_t run_traced(index_range range) noexcept;
    void step(std::size_t rank) noexcept;
    void step_observed(std::size_t rank) noexcept;
    void step_timed(std::size_t rank) noexcept;
    /// Returns false if the rank did not start, or could not.
    bool start(std::size_t rank) noexcept;
    void end(std::size_t rank) noexcept;

    /// Publishes what a range that ran has brought about. Returns what this thread runs next.
    index_range settle(std::size_t ran, std::chrono::nanoseconds spent, bool whole_waves) noexcept;
    bool is_best_alone(bool wave, std::chrono::nanoseconds spent, std::size_t ran) noexcept;
    /// Counts ranks off that ran. If none can run then, the job ends, or the halt is resolved.
    void count_off(std::size_t ran) noexcept;
    /// Ends the job, or makes ranks ready; returns false if there are none. This thread counts as one active
    /// rank more then, until they are queued. Requires: no rank can run, and this thread brought that about.
    bool resolve_halt() noexcept;
    /// As resolve_halt(), where deadlines may wake ranks.
    bool resolve_timed_halt() noexcept;
    void publish() noexcept;
    void queue_woken() noexcept;

    static collective& look_up(communicator& peers, std::size_t id, const request& requested,
                               const std::source_location& where);
    void publish_arrivals() noexcept;
    void publish_leaves() noexcept;
    void leave_another(collective& left) noexcept;

    void record_times(const communicator& peers);
    trace_event part_of(std::size_t rank) const noexcept;
    void trace_woken(std::size_t ranks) const noexcept;

    SPMD_READS_THREAD_LOCAL static rank_worker* current() noexcept { return here_; }
    static inline constinit thread_local rank_worker* here_ = nullptr;

    rank_scheduler* ranks_;
    wait_record* records_; // of the scheduler
    wait_record* record_;  // of the rank that runs
    rank_worker* outer_;
    std::size_t rank_ = 0;
    bool is_running_ = false;        // a rank, for debuggers: the others of a range wait or are ready
    bool only_wakes_ = false;        // this thread runs no ranks
    std::coroutine_handle<> at_end_; // the rank's own, when it has ended
    bool all_woken_ = false;         // a wave is to begin
    std::source_location opened_at_; // the call that opened the wave
    std::uint64_t last_traced_ = 0;  // when the rank before ended its part, in a trace

    // Arrivals at one leaf of one collective that were not published yet.
    collective* collective_ = nullptr;
    communicator* communicator_ = nullptr;
    std::uint32_t number_ = 0;
    std::uint32_t arrivals_ = 0;
    std::size_t begin_ = 0;
    std::size_t length_ = 0;

    void* spare_frame_ = nullptr;
    std::size_t spare_size_ = 0;

    collective* left_ = nullptr;
    std::size_t leaves_ = 0;
    std::size_t ended_ = 0;
    std::vector<std::size_t> woken_;
};

} // namespace spmd::detail
