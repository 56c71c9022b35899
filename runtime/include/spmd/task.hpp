#pragma once

#include <spmd/async_result.hpp>
#include <spmd/detail/ranks/awaiting_of.hpp>
#include <spmd/detail/ranks/collectives.hpp>
#include <spmd/detail/ranks/is_task.hpp>
#include <spmd/detail/ranks/rank_result_awaiter.hpp>
#include <spmd/detail/ranks/rank_worker.hpp>
#include <spmd/rank.hpp>

#include <concepts>
#include <coroutine>
#include <exception>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace spmd {

template <class T = void>
class task;

namespace detail {

template <class T>
inline constexpr bool is_result = false;
template <class T>
inline constexpr bool is_result<async_result<T>> = true;
template <class T>
inline constexpr bool is_result<spmd::submission<T>> = true;

/// Base of the promises of all rank coroutines.
class task_promise_base {
public:
    static void* operator new(std::size_t size) { return rank_worker::allocate_frame(size); }
    static void operator delete(void* frame, std::size_t size) noexcept {
        rank_worker::free_frame(frame, size);
    }

    std::suspend_always initial_suspend() const noexcept { return {}; }

    /// Resumes the coroutine that awaits this one; a rank's own coroutine notifies the worker that runs it.
    class final_awaitable {
    public:
        bool await_ready() const noexcept { return false; }
        template <class Promise>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
            if (const std::coroutine_handle<> awaiting = ended.promise().awaiting()) {
                ended.promise().report_failure();
                return awaiting;
            }
            rank_worker::here().end_rank(ended);
            return std::noop_coroutine();
        }
        void await_resume() const noexcept {}
    };
    final_awaitable final_suspend() const noexcept { return {}; }

    void unhandled_exception() noexcept { error_ = std::current_exception(); }
    ~task_promise_base() {
        if (error_ != nullptr) [[unlikely]]
            rank_worker::withdraw_failure(error_);
    }

    template <class Awaitable>
    auto await_transform(Awaitable&& awaitable) const {
        using type = std::remove_cvref_t<Awaitable>;
        static_assert(
            is_rank_awaitable<type> || is_task<type> || is_result<type>,
            "a rank can co_await operations of spmd::rank, started ones, other spmd::task, submissions and "
            "async_results");
        if constexpr (is_task<type>)
            return awaitable.await();
        else if constexpr (is_result<type>)
            return rank_result_awaiter(awaitable.operator co_await());
        else
            return awaiting_of<type>(awaitable);
    }

    /// Makes the rank's next wait throw what this coroutine threw, unless it is taken before.
    void report_failure() const noexcept {
        if (error_ != nullptr) [[unlikely]]
            rank_worker::here().record().fail(error_);
    }
    void await_by(std::coroutine_handle<> awaiting) noexcept { awaiting_ = awaiting; }
    std::coroutine_handle<> awaiting() const noexcept { return awaiting_; }

protected:
    void throw_if_failed() {
        if (error_ == nullptr) [[likely]]
            return;
        rank_worker::withdraw_failure(error_);
        std::rethrow_exception(std::exchange(error_, nullptr));
    }

private:
    std::coroutine_handle<> awaiting_;
    std::exception_ptr error_;
};

template <class T>
class task_promise final : public task_promise_base {
public:
    task_promise() noexcept {}
    task_promise(const task_promise&) = delete;
    task_promise& operator=(const task_promise&) = delete;
    ~task_promise() {
        if (has_value_) std::destroy_at(&value);
    }

    task<T> get_return_object() noexcept;
    template <std::convertible_to<T> Value = T>
    void return_value(Value&& returned) {
        std::construct_at(&value, std::forward<Value>(returned));
        has_value_ = true;
    }
    T take() {
        throw_if_failed();
        if (!has_value_) [[unlikely]]
            throw std::logic_error("a task that returns a value ended without co_return");
        return std::move(value);
    }

private:
    union {
        T value;
    };
    bool has_value_ = false;
};

template <>
class task_promise<void> final : public task_promise_base {
public:
    task<void> get_return_object() noexcept;
    void return_void() const noexcept {}
    void take() { throw_if_failed(); }
};

} // namespace detail

/// Return type of the coroutines of ranks and of their helpers. A task does nothing until it is awaited, or
/// returned to a broadcast, which runs it once per rank; the values that the tasks `co_return` are the
/// broadcast's results.
///
///     spmd::task<double> norm(spmd::rank me, std::span<const double> x) {
///         co_return std::sqrt(co_await me.all_reduce(dot(x, x), spmd::plus));
///     }
///     pool.broadcast([&](spmd::rank me) -> spmd::task<double> {
///         double all = co_await norm(me, me.part(x));   // helpers: same rank, same collectives
///         co_return all / static_cast<double>(me.size());
///     });
///
/// A waiting rank is a suspended frame, without a thread or a stack. After a `co_await` it may run on another
/// thread: hold no lock and no reference to a thread_local object across one. Whatever a task refers to must
/// outlive it: the arguments of a helper awaited in the same expression do; so do the captures of a
/// broadcast's task, and its arguments if they are taken without a conversion. Take the rank by value.
///
/// GCC 12 destroys some temporaries of a `co_await` expression twice: lambdas whose captures have
/// destructors, aggregates, and the operands of ?:, of which it may also evaluate both. With a name, or a
/// constructor, they are safe:
///
///     auto longer = [limit](std::string a, std::string b) { … };
///     co_await me.all_reduce(name, longer);              // not: me.all_reduce(name, [limit](…) { … })
/// The guide's section on GCC 12 has all forms; runtime/lint/co_await_forms finds them in sources.
///
/// Throws, where it is awaited: what the coroutine threw. Memory: one frame from the heap, freed with the
/// task.
template <class T>
class [[nodiscard]] task {
    static_assert(!std::is_reference_v<T> && !std::is_const_v<T>, "a task returns a value");

public:
    using value_type = T;
    using promise_type = detail::task_promise<T>;

    explicit task(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
    task(task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    task& operator=(task other) noexcept {
        std::swap(frame_, other.frame_);
        return *this;
    }
    ~task() {
        if (frame_) frame_.destroy();
    }

    class awaiter {
    public:
        explicit awaiter(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
        bool await_ready() const {
            detail::rank_worker::here().record().throw_if_failed();
            return false;
        }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) const noexcept {
            frame_.promise().await_by(awaiting);
            return frame_;
        }
        T await_resume() const { return frame_.promise().take(); }

    private:
        std::coroutine_handle<promise_type> frame_;
    };
    /// Runs the coroutine to its end; used by `co_await`. Throws: std::logic_error if it was awaited before,
    /// or moved from.
    awaiter await() const {
        if (!frame_ || frame_.done()) throw std::logic_error("a task can be awaited once");
        return awaiter(frame_);
    }

    /// As co_await, in a rank on a fiber. Throws: std::logic_error elsewhere.
    T get() const {
        awaiter waiting = await();
        return detail::get_on_fiber(waiting);
    }

    /// Releases the frame to the caller, who runs and destroys it.
    std::coroutine_handle<promise_type> release() noexcept { return std::exchange(frame_, nullptr); }

private:
    std::coroutine_handle<promise_type> frame_;
};

namespace detail {

template <class T>
task<T> task_promise<T>::get_return_object() noexcept {
    return task<T>(std::coroutine_handle<task_promise>::from_promise(*this));
}
inline task<void> task_promise<void>::get_return_object() noexcept {
    return task<void>(std::coroutine_handle<task_promise>::from_promise(*this));
}

} // namespace detail

} // namespace spmd

// Broadcasts of tasks need the complete class.
#include <spmd/detail/views/coroutine_job.hpp>
