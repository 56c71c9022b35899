#pragma once

#include <spmd/detail/launch/task_stack.hpp>
#include <spmd/detail/ranks/stack_switch.hpp>

#include <coroutine>
#include <cstddef>
#include <exception>
#include <type_traits>

namespace spmd::detail {

struct stack_slab;

/// Memory of a fiber's stack.
struct fiber_stack {
    std::byte* bottom = nullptr; ///< lowest usable address
    std::size_t size = 0;
    bool is_guarded = false; ///< the pages below are inaccessible
    stack_slab* slab = nullptr;
    void** sanitizer = nullptr; ///< ThreadSanitizer's state of the fiber, which is made with its first stack
};

/// A plain function on a stack of its own, for a rank whose coroutine runs it: the function hands what it
/// waits for to the coroutine, which awaits it and then continues the function, maybe on another thread.
///
/// Invariant `fibers-end`: a fiber that has started is run to its end, since the waits of a rank always end,
/// at worst with cancelled_error.
class fiber final : public task_stack {
public:
    /// Suspends a rank at an operation. Returns the coroutine to run next: the rank's own, if it need not
    /// wait.
    using suspend_function = std::coroutine_handle<>(void* operation, std::coroutine_handle<> rank);

    /// The function is function(object). Throws: std::bad_alloc if there is no memory for the stack.
    fiber(std::size_t stack_size, std::size_t engine, void (*function)(void*), void* object);
    ~fiber();

    /// Runs the function until it waits; returns false when it has returned.
    [[gnu::always_inline]] bool run() {
        if (has_returned_) return false;
        enter();
#if defined(SPMD_SWITCHES_INLINE)
        if (is_plain_) [[likely]]
            inside_ = switch_stack(inside_, this).from;
        else
#endif
            run_told();
        leave();
        return !has_returned_;
    }

    // Awaited by the coroutine between two runs.
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> rank) noexcept;
    void await_resume() const noexcept {}

    // Called on the fiber.

    /// The fiber that runs on this thread. Throws: std::logic_error if there is none.
    static fiber& require_here();
    /// Hands the operation to the coroutine; returns when the rank runs again. Throws: what `suspend` threw.
    [[gnu::always_inline]] void wait(suspend_function* suspend, void* operation) {
        suspend_ = suspend;
        operation_ = operation;
#if defined(SPMD_SWITCHES_INLINE)
        if (is_plain_) [[likely]]
            outside_ = switch_stack(outside_, nullptr).from;
        else
#endif
            switch_to_thread_told();
        if (error_ != nullptr) [[unlikely]]
            rethrow();
    }
    void join(launcher& launch, job& work) override;
    void call_on_thread(void (*function)(void*), void* object) override;

    /// Parts of the message about an overflow.
    const fiber_stack& stack() const noexcept { return stack_; }
    std::size_t engine() const noexcept { return engine_; }

private:
    struct entry;
    struct exception_globals {
        void* caught = nullptr;
        unsigned uncaught = 0;
    };

    std::coroutine_handle<> begin_wait(std::coroutine_handle<> rank) noexcept;
    void swap_exceptions() noexcept;
    /// Before and after the function runs on this thread: makes its exceptions those that are handled, and
    /// not the thread's.
    void enter() noexcept;
    void leave() noexcept;
    // Switches that look for an overflow of a stack without a guard, and that sanitizers are told of.
    void run_told() noexcept;
    void switch_to_thread_told() noexcept;
    [[noreturn]] void rethrow();

    fiber_stack stack_;
    void* inside_ = nullptr;  // context of the fiber while it does not run
    void* outside_ = nullptr; // context of the thread while the fiber runs
    void (*function_)(void*);
    void* object_;
    suspend_function* suspend_ = nullptr;
    void* operation_ = nullptr;
    std::exception_ptr error_; // thrown by suspend_
    exception_globals exceptions_;
    std::size_t engine_;
    bool has_returned_ = false;
    bool is_plain_ = false; // switched inline: its stack has a guard, and no sanitizer is told

    // For sanitizers.
    void* frames_ = nullptr;
    void* thread_ = nullptr;
    const void* thread_bottom_ = nullptr;
    std::size_t thread_size_ = 0;
};

// Never inline: compilers keep the addresses of thread_locals across a switch to another thread.
template <class Operation>
[[gnu::noinline]] bool begin_on_fiber(Operation& operation) {
    return operation.await_ready();
}
template <class Operation>
[[gnu::noinline]] decltype(auto) finish_on_fiber(Operation& operation) {
    return operation.await_resume();
}

template <class Operation>
std::coroutine_handle<> suspend_at(void* operation, std::coroutine_handle<> rank) {
    auto& awaited = *static_cast<Operation*>(operation);
    using suspended = decltype(awaited.await_suspend(rank));
    if constexpr (std::is_void_v<suspended>) {
        awaited.await_suspend(rank);
        return std::noop_coroutine();
    } else if constexpr (std::is_same_v<suspended, bool>) {
        return awaited.await_suspend(rank) ? std::noop_coroutine() : rank;
    } else {
        return awaited.await_suspend(rank);
    }
}

/// Waits for an operation on the fiber that runs on this thread; returns its result.
template <class Operation>
decltype(auto) get_on_fiber(Operation& operation) {
    fiber& here = fiber::require_here();
    if (!begin_on_fiber(operation)) here.wait(&suspend_at<Operation>, &operation);
    return finish_on_fiber(operation);
}

} // namespace spmd::detail
