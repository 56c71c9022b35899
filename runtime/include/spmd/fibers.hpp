#pragma once

#include <spmd/detail/ranks/fiber.hpp>
#include <spmd/detail/ranks/is_task.hpp>
#include <spmd/rank.hpp>
#include <spmd/task.hpp>

#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace spmd {

struct fiber_options {
    /// Bytes of each rank's stack, at least 16 KiB; rounded up to whole pages, of which only those that are
    /// touched cost memory.
    std::size_t stack_size = std::size_t{64} << 10;
};

namespace detail {

/// A rank's call of a task on a fiber, and its result.
template <class T, class Task, class... Args>
class fiber_call {
public:
    fiber_call(std::size_t stack_size, const Task& task, const rank& me, Args&... args)
        : task_(&task), me_(me), args_(args...), fiber_(stack_size, me.engine(), &call, this) {}

    fiber& on_fiber() noexcept { return fiber_; }
    T take() {
        if (error_ != nullptr) std::rethrow_exception(std::exchange(error_, nullptr));
        if constexpr (!std::is_void_v<T>) return std::move(*result_);
    }

private:
    static void call(void* object) noexcept {
        auto& self = *static_cast<fiber_call*>(object);
        try {
            if constexpr (std::is_void_v<T>)
                self.invoke();
            else
                self.result_.emplace(self.invoke());
        } catch (...) {
            self.error_ = std::current_exception();
        }
    }
    decltype(auto) invoke() {
        return std::apply(
            [&](Args&... args) -> decltype(auto) {
                return std::invoke(*task_, me_, static_cast<Args&&>(args)...);
            },
            args_);
    }

    const Task* task_;
    rank me_;
    std::tuple<Args&...> args_;
    std::optional<std::conditional_t<std::is_void_v<T>, bool, T>> result_;
    std::exception_ptr error_;
    fiber fiber_;
};

} // namespace detail

/// A task whose ranks run on fibers: see on_fibers().
template <class Task>
class fiber_task {
public:
    fiber_task(Task task, const fiber_options& options)
        : task_(std::move(task)), stack_size_(options.stack_size) {
        constexpr std::size_t least = std::size_t{16} << 10;
        if (stack_size_ < least)
            throw std::invalid_argument("the stack of a fiber has at least " + std::to_string(least) +
                                        " bytes, not " + std::to_string(stack_size_));
    }

    template <class... Args>
        requires std::invocable<const Task&, rank, Args...>
    auto operator()(rank me, Args&&... args) const {
        using result = std::remove_cvref_t<std::invoke_result_t<const Task&, rank, Args...>>;
        static_assert(!detail::is_task<result>,
                      "a task that is a coroutine needs no fiber: broadcast it without on_fibers");
        return run<result, Args...>(this, std::move(me), std::forward<Args>(args)...);
    }

private:
    /// The rank's coroutine. Arguments that are pieces of a rank are kept in its frame.
    template <class T, class... Args>
    static task<T> run(const fiber_task* self, rank me, Args... args) {
        detail::fiber_call<T, Task, Args...> call(self->stack_size_, self->task_, me, args...);
        while (call.on_fiber().run()) co_await call.on_fiber();
        if constexpr (std::is_void_v<T>) {
            call.take();
            co_return;
        } else {
            co_return call.take();
        }
    }

    Task task_;
    std::size_t stack_size_;
};

/// Makes the ranks of a broadcast plain functions that can meet: each runs on a fiber, a stack of its own,
/// and waits with `.get()` where a coroutine writes `co_await`. So any function that it calls can meet too.
///
///     pool.broadcast(spmd::on_fibers([&](spmd::rank me) {
///         double mine = dot(me.part(x), me.part(x));
///         return std::sqrt(me.all_reduce(mine, spmd::plus).get());
///     })).get();
///
/// A waiting rank holds no thread, and may run on another one afterwards: hold no lock, and use nothing that
/// is thread_local (errno and the rounding mode, too), across a wait. Results, errors, deadlocks,
/// cancellation, timing and traces are those of coroutines. The get() of a submission lets the thread go on
/// too, as do wait, concat, reduce and outcomes; wait_for, in_order and a graph's run hold it.
///
/// Memory: the pages of its stack that a rank touches, often 4 to 8 KiB. A stack that overflows ends the
/// process with a message that names the rank and its stack_size: the first fiber installs a handler of
/// SIGSEGV. Beyond about 16,000 stacks at a time the others have no guard, and are checked at each wait.
/// Throws: std::invalid_argument for a stack_size below 16 KiB.
template <class Task>
fiber_task<std::decay_t<Task>> on_fibers(Task&& task, const fiber_options& options = {}) {
    return {std::forward<Task>(task), options};
}

} // namespace spmd
