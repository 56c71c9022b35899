#pragma once

#include <spmd/detail/base/clock.hpp>
#include <spmd/detail/base/tree_reduce.hpp>
#include <spmd/detail/launch/group.hpp>
#include <spmd/detail/results/called_continuation.hpp>
#include <spmd/detail/results/concat_parts.hpp>
#include <spmd/detail/results/result_awaiter.hpp>
#include <spmd/detail/results/result_job.hpp>
#include <spmd/error.hpp>
#include <spmd/operations.hpp>
#include <spmd/ordered_results.hpp>
#include <spmd/progress.hpp>
#include <spmd/results.hpp>
#include <spmd/timing.hpp>

#include <chrono>
#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <memory>
#include <source_location>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

namespace spmd {

template <class T>
class submission;

/// The results of a broadcast or a map in flight, as returned by submission::start().
///
///     auto sums = pool.broadcast(sum_of_my_part).start();
///     while (!sums.wait_for(100ms)) show(sums.progress());
///     double total = sums.reduce(spmd::plus);
///
/// The calling thread takes part in the work while it waits. The destructor requests a stop and waits, so
/// that no task outlives the objects that it refers to. `co_await` returns the results of get() without
/// blocking a thread.
///
/// Order: by rank id or item index, whichever ran first.
/// Thread safety: any thread may call `ready`, `on_ready`, `progress`, `cancel`, `wait` and `wait_for`; one
/// thread the members that move results out (`get`, `concat`, `reduce`, `in_order`, `outcomes`).
/// Throws: std::logic_error if it is empty (default-constructed or moved from), or its results were taken
/// before.
template <class T>
class [[nodiscard]] async_result {
public:
    async_result() = default;
    async_result(async_result&&) noexcept = default;
    async_result& operator=(async_result&& other) noexcept {
        if (this == &other) return *this;
        drop();
        job_ = std::move(other.job_);
        group_ = std::move(other.group_);
        taken_ = other.taken_;
        return *this;
    }
    ~async_result() { drop(); }

    /// Returns all results. Blocks: until every task has ended.
    /// Throws: composite_error naming the tasks that threw; cancelled_error if some never ran and none threw.
    results<T> get() {
        wait_for_success();
        return job_->take();
    }

    /// Concatenates the ranges that the tasks returned. Blocks and throws as get(). The memory of `reused` is
    /// used again, which saves most of the time of large results: fresh pages cost more than the copy.
    template <class Part = T>
        requires concatenable<Part>
    flat<Part> concat(flat<Part> reused = {}) {
        wait_for_success();
        if (job_->count() == 0) return {};
        const detail::trace_span traced = trace_of("concat");
        return detail::concat_parts(launch(), &job_->value(0), job_->count(), std::move(reused));
    }

    /// Combines the results by `op` in a fixed tree over the ids, so that the value is bitwise reproducible
    /// for any number of threads: leaves of 1,024 results are folded from the left, then neighbours are
    /// combined pairwise. Returns T, or located<T> for min_at and max_at. Blocks as get().
    /// Throws: as get(); std::invalid_argument for a map over no items.
    template <class Op, class Value = T>
        requires std::is_invocable_r_v<reduced<Value, Op>, Op&, reduced<Value, Op>, reduced<Value, Op>>
    reduced<Value, Op> reduce(Op op) {
        wait_for_success();
        if (job_->count() == 0) throw std::invalid_argument("reduce of no items: pass a first value");
        return combined(op);
    }

    /// Returns op(first, reduce(op)), or `first` for a map over no items.
    template <class Op, class Value = T>
        requires std::is_invocable_r_v<Value, Op&, Value, Value>
    Value reduce(Op op, std::type_identity_t<Value> first) {
        wait_for_success();
        if (job_->count() == 0) return first;
        return op(std::move(first), combined(op));
    }

    /// Takes part in the work until every task has ended. Blocks: until then. Never throws a task's
    /// exception.
    void wait() const {
        detail::job& job = *require_job(); // first: an empty result has no launcher
        launch().join(job);
    }

    /// Waits for the tasks for at most `time`; returns true if all have ended. Blocks: until then. Runs no
    /// task itself, but within a task, which may hold the only thread, one when the time is over.
    template <class Rep, class Period>
    bool wait_for(std::chrono::duration<Rep, Period> time) const {
        detail::job& job = *require_job();
        return launch().wait_until(job, detail::deadline_in(time));
    }

    /// Suspends the awaiting coroutine until every task has ended; returns and throws as get(). A rank takes
    /// part in the work first; any other coroutine resumes on the thread that ends the last task.
    auto operator co_await() noexcept { return detail::result_awaiter<T>(*this); }

    /// True if every task has ended.
    bool ready() const { return require_job()->finished(); }

    /// Calls f() once every task has ended, on the thread that ends the last, or now. It must be short and
    /// not throw, and own what it uses, since it may run a moment after others see ready().
    void on_ready(std::invocable auto f) const { detail::call_when_finished(*require_job(), std::move(f)); }

    /// Returns the number of tasks that have ended, of all tasks, and the items that they have reported. May
    /// be called at any time. Complexity: O(tasks), about 0.1 ns each.
    spmd::progress progress() const {
        const std::size_t done = require_job()->ended();
        return {done, job_->count(), job_->kind() == task_kind::item ? done : job_->items_reported()};
    }

    /// Cancels tasks that have not started, and requests a stop of others: see rank::stop_requested().
    void cancel() const { require_job()->request_stop(); }

    /// Returns the results as a range, each available as soon as its task has ended, while later ones still
    /// run: `for (T& result : r.in_order())`. The elements are the indices if T is void. The range of a
    /// temporary owns the results. get(), concat(), reduce() and outcomes() cannot follow.
    /// Blocks: dereferencing, until that task has ended; it runs the task if no thread has.
    /// Throws: dereferencing, composite_error or cancelled_error if that task failed or never ran.
    /// Requires: of 16,384 or more ranks, none waits for a later one, since 16 in a row run on one thread.
    ordered_results<T> in_order() & {
        take_once();
        return ordered_results<T>(*this);
    }
    ordered_results<T> in_order() && {
        take_once();
        return ordered_results<T>(std::move(*this));
    }

    /// Returns the result or error of each task. Blocks as get(). Never throws a task's exception.
    std::vector<outcome<T>> outcomes() {
        wait();
        take_once();
        std::vector<std::exception_ptr> errors = job_->errors();
        std::vector<outcome<T>> all;
        all.reserve(errors.size());
        for (std::size_t i = 0; i < errors.size(); ++i) {
            if (errors[i] != nullptr)
                all.emplace_back(std::move(errors[i]));
            else if constexpr (std::is_void_v<T>)
                all.emplace_back();
            else
                all.emplace_back(std::move(job_->value(i)));
        }
        return all;
    }

    /// Returns the times of the tasks. Blocks as get(). Throws: std::logic_error without run_options::timing.
    spmd::timing timing() const {
        wait();
        return spmd::timing(job_->intervals(), job_->collectives());
    }

private:
    friend class detail::ordered_access<T>;
    friend class submission<T>;

    async_result(detail::job_pointer<detail::result_job<T>> job, std::shared_ptr<const detail::group> group)
        : job_(std::move(job)), group_(std::move(group)) {}
    detail::launcher& launch() const noexcept { return *group_->pool->launch; }
    template <class Op, class Value = T>
    reduced<Value, Op> combined(Op& op) {
        const detail::trace_span traced = trace_of("reduce");
        const auto at = [this](std::size_t i) -> reduced<Value, Op> {
            return detail::reduction_of<Value, Op>::from(std::move(job_->value(i)), i);
        };
        return detail::tree_reduce<reduced<Value, Op>>(job_->count(), at, op);
    }
    detail::trace_span trace_of(const char* operation) const noexcept {
        const detail::traced_submission& traced = job_->traced();
        return {traced.log,
                {.kind = detail::trace_kind::concat, .submission = traced.number, .operation = operation}};
    }
    detail::result_job<T>* require_job() const {
        if (!job_)
            throw std::logic_error("the result is empty: it was moved from, or its submission was started");
        return job_.get();
    }
    void take_once() {
        require_job();
        if (taken_) throw std::logic_error("the results were taken before; they can be taken once");
        taken_ = true;
    }
    void wait_for_success() {
        wait();
        if (!taken_) job_->throw_unless_all_done(); // after an error, outcomes() still has the results
        take_once();
    }
    void drop() noexcept {
        if (!job_) return;
        if (job_->is_started() && !job_->finished()) {
            job_->request_stop();
            launch().join(*job_);
        }
        job_->dispose();
        job_ = {};
    }

    detail::job_pointer<detail::result_job<T>> job_;
    std::shared_ptr<const detail::group> group_;
    bool taken_ = false;
};

namespace detail {

template <class T>
bool result_awaiter<T>::await_ready(std::source_location where) {
    const ordered_access<T> results(*result_);
    results.begin_at(where);
    results.start();
    return results.finished();
}
template <class T>
bool result_awaiter<T>::await_suspend(std::coroutine_handle<> awaiting) {
    awaiting_ = awaiting;
    // Keeps the job alive: the coroutine may resume, and destroy the result, before this returns.
    const job_pointer<job> work = ordered_access<T>(*result_).work();
    return work->continue_with(*this);
}
template <class T>
results<T> result_awaiter<T>::await_resume() {
    return result_->get();
}

} // namespace detail
} // namespace spmd
