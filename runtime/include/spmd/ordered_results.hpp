#pragma once

#include <spmd/detail/launch/launcher.hpp>
#include <spmd/detail/results/result_job.hpp>
#include <spmd/error.hpp>

#include <cstddef>
#include <exception>
#include <iterator>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

namespace spmd {

template <class T>
class async_result;

namespace detail {

/// Accesses the results of an async_result one by one, each as soon as it is available, without taking them.
template <class T>
class ordered_access {
public:
    explicit ordered_access(const async_result<T>& result)
        : job_(result.require_job()), launch_(&result.launch()) {}

    std::size_t size() const noexcept { return job_->count(); }
    /// The job itself, for a thread that takes part without waiting.
    job_pointer<job> work() const noexcept {
        job_->reference();
        return job_pointer<job>(job_);
    }
    /// Identity of the submission in a trace.
    const traced_submission& traced() const noexcept { return job_->traced(); }
    /// Waits for a task, and runs it if no thread has; returns false if it failed or was cancelled. Blocks:
    /// until it has ended.
    bool wait_for(std::size_t i) const {
        launch_->join_until(*job_, i);
        return job_->state(i) == task_state::done;
    }
    /// Returns the result of a task. Requires: wait_for(i) returned true.
    auto& value(std::size_t i) const noexcept { return job_->value(i); }
    [[noreturn]] void throw_error_of(std::size_t i) const {
        std::exception_ptr error = job_->error_of(i);
        if (job_->state(i) == task_state::cancelled) std::rethrow_exception(error);
        throw composite_error(job_->kind(), {{i, std::move(error)}}, job_->count(), 0);
    }
    /// Blocks: until every task has ended; joins the work.
    void wait() const { launch_->join(*job_); }
    /// As tracked_job::begin_at().
    void begin_at(const std::source_location& where) const { job_->begin_at(where); }
    /// Has other threads run it, if nobody does.
    void start() const { launch_->start(*job_); }
    /// As start(), for a job that a thread will join soon.
    void start_ahead() const { launch_->start_ahead(*job_); }
    /// Runs unclaimed tasks, without waiting for those that other threads run.
    void take_part() const { launch_->take_part(*job_); }
    bool finished() const noexcept { return job_->finished(); }
    /// Has others take part beside the calling thread, which is going to wait.
    void recruit_more() const {
        if (!job_->finished()) launch_->recruit_ahead(*job_);
    }
    void throw_unless_all_done() const {
        wait();
        job_->throw_unless_all_done();
    }

private:
    result_job<T>* job_;
    launcher* launch_;
};

} // namespace detail

/// The results of an async_result in order: see async_result::in_order(). An input range, to be iterated
/// once.
template <class T>
class ordered_results {
public:
    explicit ordered_results(async_result<T>& borrowed) noexcept : result_(&borrowed) {}
    explicit ordered_results(async_result<T>&& owned) noexcept : owned_(std::move(owned)), result_(&owned_) {}
    ordered_results(const ordered_results&) = delete;
    ordered_results& operator=(const ordered_results&) = delete;

    class iterator {
    public:
        using iterator_concept = std::input_iterator_tag;
        using value_type = std::conditional_t<std::is_void_v<T>, std::size_t, T>;
        using difference_type = std::ptrdiff_t;

        iterator() = default;
        explicit iterator(const async_result<T>& result) : results_(result) {}

        decltype(auto) operator*() const {
            if (!results_->wait_for(index_)) results_->throw_error_of(index_);
            if constexpr (std::is_void_v<T>)
                return std::size_t{index_};
            else
                return results_->value(index_);
        }
        iterator& operator++() noexcept {
            ++index_;
            return *this;
        }
        void operator++(int) noexcept { ++index_; }
        bool operator==(std::default_sentinel_t) const { return index_ == results_->size(); }

    private:
        std::optional<detail::ordered_access<T>> results_;
        std::size_t index_ = 0;
    };

    iterator begin() const { return iterator(*result_); }
    std::default_sentinel_t end() const noexcept { return {}; }

private:
    async_result<T> owned_;
    async_result<T>* result_;
};

} // namespace spmd
