#pragma once

#include <spmd/detail/base/clock.hpp>
#include <spmd/detail/base/tree_reduce.hpp>
#include <spmd/detail/launch/group.hpp>
#include <spmd/detail/results/concat_parts.hpp>
#include <spmd/detail/results/result_awaiter.hpp>
#include <spmd/detail/results/result_job.hpp>
#include <spmd/error.hpp>
#include <spmd/operations.hpp>
#include <spmd/ordered_results.hpp>
#include <spmd/results.hpp>
#include <spmd/timing.hpp>

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

namespace spmd {

template <class T>
class submission;

/// How far a submission is: `done` of `total` tasks have ended, in whatever way.
struct progress {
    std::size_t done = 0;
    std::size_t total = 0;
    std::size_t items = 0; ///< that the ranks have reported by rank::advance(); of a map, `done`
};

/// The results of a broadcast (by rank id) or a map (by item index) in flight: what submission::start() returns.
///
///     auto sums = pool.broadcast(sum_of_my_part).start();
///     while (!sums.wait_for(100ms)) show(sums.progress());
///     double total = sums.reduce(spmd::plus);
///
/// The calling thread takes part in the work while it waits. Destroying an async_result requests a stop and waits,
/// so that no task outlives what it refers to. `co_await` of one gives what get() returns, and holds no thread.
///
/// Order: by rank id or item index, whatever ran first.
/// Thread safety: `ready`, `progress`, `cancel`, `wait` and `wait_for` may be called from any thread; those that
/// move results out (`get`, `concat`, `reduce`, `in_order`, `outcomes`) by one.
/// Throws: std::logic_error when it is empty (default-constructed or moved from), or its results were taken before.
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

    /// All results. Blocks: until every task has ended. Throws: composite_error naming those that threw;
    /// cancelled, if some never ran and none threw.
    results<T> get() {
        wait_for_success();
        return job_->take();
    }

    /// The tasks' ranges one after the other, as one flat sequence. Blocks and throws as get(). `reused` gives
    /// its memory, which for large results saves most of the time: fresh pages cost more than the copy.
    template <class Part = T>
        requires concatenable<Part>
    flat<Part> concat(flat<Part> reused = {}) {
        wait_for_success();
        if (job_->count() == 0) return {};
        const detail::trace_span traced = trace_of("concat");
        return detail::concat_parts(launch(), &job_->value(0), job_->count(), std::move(reused));
    }

    /// Combines the results by `op` in a fixed tree over the ids (detail/base/tree_reduce.hpp), so that the outcome is
    /// bitwise the same for any number of threads. Blocks and throws as get(); std::invalid_argument for
    /// a map over no items. Returns: T; by min_at or max_at, located<T>.
    template <class Op, class Value = T>
        requires std::is_invocable_r_v<reduced<Value, Op>, Op&, reduced<Value, Op>, reduced<Value, Op>>
    reduced<Value, Op> reduce(Op op) {
        wait_for_success();
        if (job_->count() == 0) throw std::invalid_argument("reduce of no items: give it a first value");
        return combined(op);
    }

    /// As reduce(op), combined with `first` from the left; `first` alone for a map over no items.
    template <class Op, class Value = T>
        requires std::is_invocable_r_v<Value, Op&, Value, Value>
    Value reduce(Op op, std::type_identity_t<Value> first) {
        wait_for_success();
        if (job_->count() == 0) return first;
        return op(std::move(first), combined(op));
    }

    /// Blocks: until every task has ended; joins the work. Throws nothing of the tasks'.
    void wait() const {
        detail::job& job = *require_job();
        launch().join(job);
    }

    /// Blocks: until every task has ended or the time is over; true in the first case. Runs no task itself, as
    /// that could take longer; but called within a task, where no other thread may be left, one when it is over.
    template <class Rep, class Period>
    bool wait_for(std::chrono::duration<Rep, Period> time) const {
        detail::job& job = *require_job();
        return launch().wait_until(job, detail::deadline_in(time));
    }

    /// Suspends the awaiting coroutine until every task has ended; gives and throws what get() does. A rank works on
    /// what is left before it is suspended; any other coroutine goes on on the thread that ends the last task.
    detail::result_awaiter<T> operator co_await() noexcept { return detail::result_awaiter<T>(*this); }

    /// True when every task has ended.
    bool ready() const { return require_job()->finished(); }

    /// How many ranks have ended, of all, and how many items they have reported by rank::advance(); a map's items are
    /// its tasks. May be called at any time. Complexity: O(tasks), about 0.1 ns each.
    spmd::progress progress() const {
        const std::size_t done = require_job()->ended();
        return {done, job_->count(), job_->kind() == task_kind::item ? done : job_->items_reported()};
    }

    /// Tasks that have not started never will; those that run see stop_requested(). Returns at once.
    void cancel() const { require_job()->request_stop(); }

    /// The results one after the other as they become available in order, while others still run:
    /// `for (T& result : r.in_order())`; where T is void, the indices. Advancing blocks, and runs the awaited task
    /// if nobody does; it throws composite_error or cancelled when that task failed. A temporary's results are
    /// kept by the range. get(), concat(), reduce() and outcomes() cannot follow. Of very many ranks (16,384 and
    /// more) up to 16 are run one after the other before others look, so none may wait for what it is followed by.
    ordered_results<T> in_order() & {
        take_once();
        return ordered_results<T>(*this);
    }
    ordered_results<T> in_order() && {
        take_once();
        return ordered_results<T>(std::move(*this));
    }

    /// What became of each task, result or error. Blocks as get(); throws nothing of the tasks'.
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

    /// What each task cost. Blocks as get(). Throws: std::logic_error unless asked for by run_options::timing.
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
        return detail::tree_reduce<reduced<Value, Op>>(
            job_->count(),
            [this](std::size_t i) -> reduced<Value, Op> {
                return detail::reduction_of<Value, Op>::from(std::move(job_->value(i)), i);
            },
            op);
    }
    detail::trace_span trace_of(const char* how) const noexcept {
        const detail::traced_submission& traced = job_->traced();
        return {traced.log,
                {.kind = detail::trace_kind::concat, .submission = traced.number, .operation = how}};
    }
    detail::result_job<T>* require_job() const {
        if (!job_) throw std::logic_error("async_result is empty: it was moved from");
        return job_.get();
    }
    void take_once() {
        require_job();
        if (taken_) throw std::logic_error("the results were taken before: they can be taken once");
        taken_ = true;
    }
    void wait_for_success() {
        wait();
        if (!taken_) job_->throw_unless_all_done(); // an error leaves the results to outcomes()
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
    // Held, as the coroutine may go on, and destroy the result, before this returns.
    const job_pointer<job> work = ordered_access<T>(*result_).work();
    return work->continue_with(*this);
}
template <class T>
results<T> result_awaiter<T>::await_resume() {
    return result_->get();
}

} // namespace detail
} // namespace spmd
