#pragma once

#include <spmd/detail/base/item_tally.hpp>
#include <spmd/detail/launch/group.hpp>
#include <spmd/detail/launch/job.hpp>
#include <spmd/detail/trace/stopwatch.hpp>
#include <spmd/detail/trace/trace_log.hpp>
#include <spmd/error.hpp>
#include <spmd/run_options.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <source_location>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace spmd::detail {

class listed_broadcast;

/// Pool, name and line of a submission, as traces and a debugger show them.
struct submission_label {
    const pool_state* pool;
    std::string name;
    /// Line at which it began, which names it if it has no name; 0 for the library's own submissions.
    std::source_location where;
    bool begun;
};

enum class task_state : std::uint8_t { pending, done, failed, cancelled };

/// A job that records how each task ended (done, failed with an error, or cancelled), its times and its
/// trace.
class tracked_job : public job {
public:
    tracked_job(std::span<const placed_range> shares, std::size_t chunk, const pool_state& pool,
                cost_estimate& cost, task_kind kind, const run_options& options);

    task_kind kind() const noexcept { return kind_; }
    /// Records the source line at which the submission begins, which names it if it has no name, and traces
    /// it. Only the first call has an effect. Called before start().
    void begin_at(const std::source_location& where);
    /// Complexity: O(1) while no task has failed, else O(log failures).
    task_state state(std::size_t i) const noexcept;
    bool is_done(std::size_t i) const noexcept override {
        const std::uint8_t ended = std::atomic_ref(records_[i >> grain()]).load(std::memory_order_acquire);
        return (i & below_grain()) < ended;
    }
    /// Number of tasks that have ended, done or not. Complexity: O(count()), with one record per 16 tasks of
    /// large jobs.
    std::size_t ended() const noexcept;
    /// Number of items that ranks have reported by rank::advance().
    std::size_t items_reported() const noexcept { return reported_.total(); }

    ~tracked_job() override;

    /// Throws: composite_error or cancelled_error unless every task is done. Requires: finished().
    void throw_unless_all_done() const;
    /// Returns the error of a task. Requires: it has failed or was cancelled.
    std::exception_ptr error_of(std::size_t i) const;
    /// Returns the errors of all tasks, null for those that are done. Requires: finished().
    std::vector<std::exception_ptr> errors() const;
    /// Throws: std::logic_error if timing was not requested. Requires: finished().
    const std::vector<interval>& intervals() const;
    /// Identity of the submission in a trace.
    const traced_submission& traced() const noexcept { return traced_; }
    /// Returns the collectives of timed tasks. Requires: finished().
    virtual std::vector<collective_times> collectives() const { return {}; }

    /// Destroys the task, its arguments and all results. Requires: finished().
    virtual void dispose() noexcept;

    /// Records that a task is done, has failed, or that tasks were cancelled before they began.
    void succeed(std::size_t i) noexcept { end(records_, i, grain()); }
    void fail(std::size_t i, std::exception_ptr error) noexcept;
    void skip(index_range range) noexcept;
    /// Intervals to be filled by the tasks; empty unless timing was requested.
    std::span<interval> intervals_to_fill() noexcept { return intervals_; }
    item_tally& reported_items() noexcept { return reported_; }
    std::chrono::steady_clock::time_point submitted() const noexcept { return submitted_; }

protected:
    /// Runs body(i) for each index unless a stop was requested, and records how it ended.
    template <class Body>
    void run_each(index_range range, const Body& body) noexcept;

private:
    friend class listed_broadcast;
    void trace_begin(const std::source_location& where) const;
    template <class Body>
    void run_observed(index_range range, const Body& body) noexcept;
    template <class Body>
    void run_unobserved(index_range range, const Body& body) noexcept;
    template <unsigned Grain, class Body>
    void run_all(index_range range, const Body& body) noexcept;
    /// Records that the task has ended, and with it those before it in its record.
    static void end(std::uint8_t* records, std::size_t i, unsigned grain) noexcept {
        const std::size_t in_record = i & ((std::size_t{1} << grain) - 1);
        std::atomic_ref(records[i >> grain])
            .store(static_cast<std::uint8_t>(in_record + 1), std::memory_order_release);
    }
    std::size_t below_grain() const noexcept { return (std::size_t{1} << grain()) - 1; }
    std::size_t records() const noexcept { return (count() + below_grain()) >> grain(); }

    /// Tasks that failed or were cancelled.
    struct trouble {
        std::map<std::size_t, std::exception_ptr> failures;
        std::map<std::size_t, std::size_t> cancelled; ///< ends of ranges by their begins
        std::size_t cancelled_count = 0;
        std::mutex mutex; ///< guards the others until finished()

        bool was_cancelled(std::size_t i) const {
            const auto after = cancelled.upper_bound(i);
            return after != cancelled.begin() && i < std::prev(after)->second;
        }
    };
    trouble& troubles() noexcept;

    submission_label label_;
    task_kind kind_;
    spmd::on_error on_error_;
    std::chrono::steady_clock::time_point submitted_{};
    /// Number of ended tasks by record. The tasks of a record are run by one thread, in order.
    std::uint8_t* records_ = nullptr;
    std::unique_ptr<std::uint8_t[]> many_records_;
    struct stop_request {
        tracked_job* cancelled;
        void operator()() const noexcept { cancelled->request_stop(); }
    };
    std::optional<std::stop_callback<stop_request>> stop_callback_; // if a stop token was given
    std::atomic<trouble*> trouble_{nullptr}; // created by the first task that fails or is cancelled
    item_tally reported_;
    std::vector<interval> intervals_; // empty unless timing was requested
    traced_submission traced_;
    std::array<std::uint8_t, 128> few_records_{};
};

template <class Body>
void tracked_job::run_each(index_range range, const Body& body) noexcept {
    if (intervals_.empty() && traced_.log == nullptr) [[likely]]
        return run_unobserved(range, body);
    run_observed(range, body);
}

template <class Body>
void tracked_job::run_observed(index_range range, const Body& body) noexcept {
    const trace_span whole(traced_.log, {.kind = trace_kind::range,
                                         .submission = traced_.number,
                                         .subject = range.first,
                                         .count = range.size()});
    std::uint64_t last = trace_ticks();
    run_unobserved(range, [&](std::size_t i) {
        const trace_span one(traced_.log,
                             {.kind = trace_kind::task, .submission = traced_.number, .subject = i}, last);
        if (intervals_.empty()) return body(i);
        const stopwatch running(submitted_, intervals_[i]);
        body(i);
    });
}

template <class Body>
void tracked_job::run_unobserved(index_range range, const Body& body) noexcept {
    if (grain() == 0)
        run_all<0>(range, body);
    else
        run_all<index_claims::coarse_grain>(range, body);
}

template <unsigned Grain, class Body>
void tracked_job::run_all(index_range range, const Body& body) noexcept {
    std::uint8_t* const records = records_;
    for (std::size_t i = range.first; i < range.last; ++i) {
        if (flags().is_set()) [[unlikely]] {
            wake_index_waiters(); // of the index before
            if (stop_requested()) return skip({i, range.last});
        }
        try {
            body(i);
        } catch (...) {
            fail(i, std::current_exception());
            continue;
        }
        end(records, i, Grain);
    }
}

} // namespace spmd::detail
