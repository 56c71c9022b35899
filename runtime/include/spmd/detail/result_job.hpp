#pragma once

#include <spmd/detail/job.hpp>
#include <spmd/detail/slots.hpp>
#include <spmd/detail/stopwatch.hpp>
#include <spmd/error.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace spmd {

/// What happens to tasks that have not started when one throws.
enum class on_error {
    go_on, ///< they run
    stop,  ///< they are cancelled
};

/// `run_options::chunk`: the library chooses how many items one task of a map takes.
inline constexpr std::size_t automatic = 0;

/// How one submission is run; for `pool.with(…)`.
struct run_options {
    spmd::on_error on_error = on_error::go_on;
    /// Takes the time of every task: see async_result::timing().
    bool timing = false;
    /// Items per task of a map, or `automatic`. A broadcast always has one task per rank.
    std::size_t chunk = 1;
};

namespace detail {

enum class task_state : std::uint8_t { pending, done, failed, cancelled };

/// A job whose tasks each end in a state of their own: done, failed with an error, or cancelled.
class tracked_job : public job {
public:
    tracked_job(std::span<const placed_range> shares, std::size_t chunk, std::size_t threads,
                usual_cost& cost, task_kind kind, const run_options& options);

    task_kind kind() const noexcept { return kind_; }
    task_state state(std::size_t i) const noexcept {
        return std::atomic_ref(states_[i]).load(std::memory_order_acquire);
    }
    bool is_done(std::size_t i) const noexcept override { return state(i) != task_state::pending; }
    /// How many tasks have ended in whatever way. Complexity: O(count()).
    std::size_t ended() const noexcept;

    /// Throws composite_error or cancelled unless every task is done. Requires: finished.
    void throw_unless_all_done() const;
    /// The error of a task that failed or was cancelled. Requires: the task ended so.
    std::exception_ptr error_of(std::size_t i) const;
    /// The errors of all tasks, null for those that are done. Requires: finished.
    std::vector<std::exception_ptr> errors() const;
    /// Throws std::logic_error where no timing was asked for. Requires: finished.
    const std::vector<interval>& intervals() const;

    /// Destroys the task, its arguments and all results. Requires: finished.
    virtual void dispose() noexcept {
        failures_ = {};
        states_ = {};
        intervals_ = {};
    }

protected:
    /// Runs body(i) for each index unless a stop was requested, and keeps how it ended.
    template <class Body>
    void run_each(index_range range, const Body& body) noexcept;

private:
    template <class Body>
    void run_all(index_range range, const Body& body) noexcept;
    void set(task_state& of_task, task_state state) noexcept {
        std::atomic_ref(of_task).store(state, std::memory_order_release);
        tell_waiters();
    }
    void fail(std::size_t i) noexcept;
    void skip(index_range range) noexcept;

    task_kind kind_;
    spmd::on_error on_error_;
    std::chrono::steady_clock::time_point submitted_{};
    mutable std::vector<task_state> states_; // through atomic_ref, which libstdc++ 12 refuses on const
    std::vector<interval> intervals_;        // empty unless timing was asked for
    std::atomic<std::size_t> cancelled_{0};
    mutable std::mutex mutex_;
    std::vector<failure> failures_; // guarded by mutex_ until finished
};

template <class Body>
void tracked_job::run_each(index_range range, const Body& body) noexcept {
    if (intervals_.empty()) {
        run_all(range, body);
    } else {
        run_all(range, [&](std::size_t i) {
            const stopwatch running(submitted_, intervals_[i]);
            body(i);
        });
    }
}

template <class Body>
void tracked_job::run_all(index_range range, const Body& body) noexcept {
    task_state* const states = states_.data();
    for (std::size_t i = range.begin; i < range.end; ++i) {
        if (stop_requested()) [[unlikely]] {
            skip({i, range.end});
            return;
        }
        try {
            body(i);
        } catch (...) {
            fail(i);
            continue;
        }
        set(states[i], task_state::done);
    }
}

/// A tracked job whose tasks return a T each.
template <class T>
class result_job : public tracked_job {
public:
    using value_type = T;

    template <class... Args>
    explicit result_job(std::span<const placed_range> shares, Args&&... args)
        : tracked_job(shares, std::forward<Args>(args)...), values_(std::in_place, count()) {}

    auto& value(std::size_t i) noexcept { return (*values_)[i]; }
    /// Moves all results out. Requires: every task is done.
    auto take() { return values_->take(); }

    void dispose() noexcept override {
        if constexpr (slots<T>::destroys)
            for (std::size_t i = 0; i < count(); ++i)
                if (state(i) == task_state::done) values_->destroy(i);
        values_.reset();
        tracked_job::dispose();
    }

protected:
    slots<T>& values() noexcept { return *values_; }

private:
    std::optional<slots<T>> values_;
};

} // namespace detail
} // namespace spmd
