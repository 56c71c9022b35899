#pragma once

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

/// A thread's part in a scheduler: what it runs now, and what it has not told the others yet.
class rank_worker {
public:
    explicit rank_worker(rank_scheduler& ranks) noexcept
        : ranks_(&ranks), records_(&ranks.records_[0]), outer_(here_) {
        here_ = this;
    }
    rank_worker(const rank_worker&) = delete;
    rank_worker& operator=(const rank_worker&) = delete;
    ~rank_worker() {
        here_ = outer_;
        ::operator delete(spare_frame_, spare_size_);
    }

    /// The one that runs a rank on this thread.
    static rank_worker& here() noexcept { return *here_; }
    /// Memory for a coroutine's frame. A helper's is often just what another has given back on this thread.
    static void* allocate_frame(std::size_t size) {
        rank_worker* const here = here_;
        if (here != nullptr && here->spare_size_ == size) {
            here->spare_size_ = 0;
            return std::exchange(here->spare_frame_, nullptr);
        }
        return ::operator new(size);
    }
    static void free_frame(void* frame, std::size_t size) noexcept {
        rank_worker* const here = here_;
        if (here == nullptr || here->spare_size_ != 0) return ::operator delete(frame, size);
        here->spare_frame_ = frame;
        here->spare_size_ = size;
    }

    /// Withdraws a failure that the rank on this thread has not taken and that goes out of scope.
    static void withdraw_failure(const std::exception_ptr& error) noexcept {
        if (here_ != nullptr) here_->record().withdraw(error);
    }
    /// The same, where that is rank `id` of a communicator. Throws: std::logic_error when it is not; cancelled
    /// when the scheduler is to stop.
    static rank_worker& of(const communicator& of, std::size_t id);

    /// The collective that a member comes to now; it counts as having come. Throws as of().
    template <class Member>
    static collective& next_collective(const Member& member) {
        rank_worker* const here = here_;
        communicator& of = member.of();
        const std::size_t id = member.id();
        if (here != nullptr) here->record().throw_if_failed();
        std::uint32_t& number = of.next_of(id);
        if (here == nullptr || here->communicator_ != &of || id - here->begin_ >= here->length_ ||
            number != here->number_ || of.index_of(id) != here->rank_) [[unlikely]]
            return look_up(of, id, member.asked(), member.where());
        ++number;
        return *here->collective_;
    }
    /// What was to be given could not be: the next that comes there looks it up again.
    void forget_collective() noexcept { length_ = 0; }
    /// The rank that runs has given what it gives there, and will wait.
    void arrive() noexcept { ++arrivals_; }
    /// The member has given what it gives there, and goes on.
    void arrive_and_go_on() noexcept {
        ++arrivals_;
        tell_arrivals();
        publish();
    }
    rank_scheduler& ranks() const noexcept { return *ranks_; }
    /// The rank that runs.
    std::size_t rank() const noexcept { return rank_; }
    wait_record& record() noexcept { return records_[rank_]; }

    /// The member has taken what the collective gave it.
    void leave(collective& at) noexcept {
        if (&at == left_) [[likely]] {
            ++leaves_;
            return;
        }
        leave_another(at);
    }
    /// The same for one that may be on no thread of the scheduler.
    static void leave_anywhere(collective& at) noexcept;
    /// Another rank need not wait any more.
    void wake(std::size_t rank);
    /// The coroutine that runs is a rank's own, and at its end.
    void end_rank(std::coroutine_handle<> ended) noexcept { at_end_ = ended; }

private:
    friend class rank_scheduler;

    /// Runs ranks, and whole waves as long as they are best run by one thread; returns when others can go on.
    void run(index_range range, bool whole_waves) noexcept;
    /// Returns how many of them ran: fewer, if the rest is left to others.
    std::size_t run_each(index_range range) noexcept;
    std::size_t run_traced(index_range range) noexcept;
    void step(std::size_t rank) noexcept;
    /// The same where it is timed or traced.
    void step_observed(std::size_t rank) noexcept;
    void step_timed(std::size_t rank) noexcept;
    trace_event part_of(std::size_t rank) const noexcept;
    void trace_woken(std::size_t ranks) const noexcept;
    /// False when it did not start, or could not.
    bool start(std::size_t rank) noexcept;
    void end(std::size_t rank) noexcept;
    index_range settle(std::size_t ran, std::chrono::nanoseconds spent, bool whole_waves) noexcept;
    static collective& look_up(communicator& at, std::size_t id, const request& asked,
                               const std::source_location& where);
    bool is_best_alone(bool wave, std::chrono::nanoseconds spent, std::size_t ran) noexcept;
    void next_of_the_last() noexcept;
    void keep_times(const communicator& of);
    void tell_arrivals() noexcept;
    void tell_leaves() noexcept;
    void leave_another(collective& at) noexcept;
    void publish() noexcept;
    void queue_woken() noexcept;

    static inline constinit thread_local rank_worker* here_ = nullptr;

    rank_scheduler* ranks_;
    wait_record* records_; // of the scheduler
    rank_worker* outer_;
    std::size_t rank_ = 0;
    bool is_running_ = false;        // a rank, for debuggers: the others of a range wait or are ready
    std::coroutine_handle<> at_end_; // the rank's own, when it has ended
    bool all_woken_ = false;         // a wave is to begin
    std::size_t opened_at_ = 0;      // where in the program, as scheduler::wave_estimate has it
    std::uint64_t last_traced_ = 0;  // when the rank before ended its part, where there is a trace

    // Arrivals at one leaf of one collective that were not told yet.
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
