#include <spmd/detail/ranks/fiber.hpp>

#include "ranks/fiber_stacks.hpp"
#include "ranks/sanitizers.hpp"
#include "ranks/stack_overflow.hpp"

#include <spmd/detail/launch/job.hpp>
#include <spmd/detail/launch/launcher.hpp>
#include <spmd/detail/ranks/rank_result_awaiter.hpp>

#if !defined(SPMD_HAS_STACK_SWITCH)
#include <boost/context/detail/fcontext.hpp>
#endif
#include <cxxabi.h>

#include <cstdint>
#include <cstdlib>
#include <source_location>
#include <stdexcept>
#include <utility>

namespace spmd::detail {
namespace {

#if !defined(SPMD_HAS_STACK_SWITCH)
stack_transfer switch_stack(void* to, void* argument) noexcept {
    const auto [from, passed] = boost::context::detail::jump_fcontext(to, argument);
    return {from, passed};
}
void* new_stack(std::byte* top, void (*function)(stack_transfer)) noexcept {
    // A structure of two pointers is passed as Boost passes its own.
    using boosts = void (*)(boost::context::detail::transfer_t);
    constexpr std::size_t enough = 4096; // not used
    return boost::context::detail::make_fcontext(top, enough,
                                                 reinterpret_cast<boosts>(reinterpret_cast<void*>(function)));
}
#endif

#if defined(SPMD_SWITCHES_INLINE)
constexpr bool switches_inline = true;
#else
constexpr bool switches_inline = false;
#endif
/// Stacks begin at different lines of the cache, since all are used to the same depth.
constexpr std::size_t colors = 8;
constexpr std::size_t bytes_per_color = 256;
/// A wait this near to the end of a stack without a guard counts as an overflow.
constexpr std::size_t too_near = 512;

} // namespace

/// First function on a fiber's stack.
struct fiber::entry {
    // Not seen by ThreadSanitizer, whose record of a stack outlives the fiber.
    [[gnu::no_sanitize("thread")]] static void run(stack_transfer from) noexcept {
        fiber& self = *static_cast<fiber*>(from.argument);
        self.outside_ = from.from;
#if defined(SPMD_ADDRESS_SANITIZER)
        __sanitizer_finish_switch_fiber(nullptr, &self.thread_bottom_, &self.thread_size_);
#endif
        self.function_(self.object_);
        self.has_returned_ = true;
#if defined(SPMD_ADDRESS_SANITIZER)
        __sanitizer_start_switch_fiber(nullptr, self.thread_bottom_, self.thread_size_);
#elif defined(SPMD_THREAD_SANITIZER)
        __tsan_switch_to_fiber(self.thread_, 0);
#endif
        switch_stack(self.outside_, nullptr);
        std::abort(); // a fiber that has returned is not run again
    }
};

fiber::fiber(std::size_t stack_size, std::size_t engine, void (*function)(void*), void* object)
    : stack_(acquire_stack(stack_size)), function_(function), object_(object), engine_(engine),
      is_plain_(switches_inline && stack_.is_guarded) {
    const std::size_t color = reinterpret_cast<std::uintptr_t>(stack_.bottom) / stack_.size % colors;
    inside_ = new_stack(stack_.bottom + stack_.size - color * bytes_per_color, &entry::run);
#if defined(SPMD_THREAD_SANITIZER)
    if (*stack_.sanitizer == nullptr) *stack_.sanitizer = __tsan_create_fiber(0);
#elif defined(SPMD_ADDRESS_SANITIZER)
    // The last frame of the fiber before has not returned.
    __asan_unpoison_memory_region(stack_.bottom, stack_.size);
#endif
}

fiber::~fiber() { release_stack(stack_); }

void fiber::swap_exceptions() noexcept {
    // Kept, since the call takes several times as long as the swap.
    static constinit thread_local exception_globals* of_thread = nullptr;
    if (of_thread == nullptr) [[unlikely]]
        of_thread = reinterpret_cast<exception_globals*>(abi::__cxa_get_globals());
    std::swap(*of_thread, exceptions_);
}

void fiber::enter() noexcept {
    watch_stack_overflow();
    swap_exceptions();
    set_here(this);
}

void fiber::leave() noexcept {
    set_here(nullptr);
    swap_exceptions();
}

void fiber::run_told() noexcept {
#if defined(SPMD_ADDRESS_SANITIZER)
    void* thread_frames = nullptr;
    __sanitizer_start_switch_fiber(&thread_frames, stack_.bottom, stack_.size);
#elif defined(SPMD_THREAD_SANITIZER)
    thread_ = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(*stack_.sanitizer, 0);
#endif
    inside_ = switch_stack(inside_, this).from;
#if defined(SPMD_ADDRESS_SANITIZER)
    __sanitizer_finish_switch_fiber(thread_frames, nullptr, nullptr);
#endif
}

std::coroutine_handle<> fiber::await_suspend(std::coroutine_handle<> rank) noexcept {
    // A loop, since compilers resume the rank by a call within this one where they do not optimise.
    do {
        const std::coroutine_handle<> next = begin_wait(rank);
        if (next != rank) return next; // this object may be in use by another thread
    } while (run());
    return rank;
}

// A function of its own: GCC 12 drops the first value of a variable that the call in a try block was to
// replace.
std::coroutine_handle<> fiber::begin_wait(std::coroutine_handle<> rank) noexcept {
    try {
        return suspend_(operation_, rank);
    } catch (...) {
        error_ = std::current_exception();
        return rank;
    }
}

[[gnu::noinline]] fiber& fiber::require_here() {
    if (task_stack* const here = task_stack::here()) return static_cast<fiber&>(*here);
    throw std::logic_error("get() of a rank's operation outside of a fiber: broadcast "
                           "spmd::on_fibers(task), or make the task a coroutine and write co_await");
}

void fiber::switch_to_thread_told() noexcept {
    if (!stack_.is_guarded) {
        const std::byte here{};
        if (&here < stack_.bottom + too_near) end_after_overflow(*this);
    }
#if defined(SPMD_ADDRESS_SANITIZER)
    __sanitizer_start_switch_fiber(&frames_, thread_bottom_, thread_size_);
#elif defined(SPMD_THREAD_SANITIZER)
    __tsan_switch_to_fiber(thread_, 0);
#endif
    outside_ = switch_stack(outside_, nullptr).from;
#if defined(SPMD_ADDRESS_SANITIZER)
    __sanitizer_finish_switch_fiber(frames_, &thread_bottom_, &thread_size_);
#endif
}

void fiber::rethrow() { std::rethrow_exception(std::exchange(error_, nullptr)); }

void fiber::join(launcher& launch, job& work) {
    struct join_operation {
        launcher* launch;
        job_pointer<job> work;
        rank_continuation continuation;
    };
    work.reference();
    join_operation joined{&launch, job_pointer<job>(&work), {}};
    wait(
        [](void* operation, std::coroutine_handle<> rank) -> std::coroutine_handle<> {
            auto& join = *static_cast<join_operation*>(operation);
            rank_worker::here().record().throw_if_failed();
            const job_pointer<job> awaited = join.work; // the operation may be over before this returns
            if (!awaited->finished()) join.launch->take_part(*awaited);
            if (awaited->finished()) return rank;
            return join.continuation.suspend_until_finished(*awaited, rank, std::source_location())
                       ? std::noop_coroutine()
                       : rank;
        },
        &joined);
}

void fiber::call_on_thread(void (*function)(void*), void* object) {
    struct call {
        void (*function)(void*);
        void* object;
    } called{function, object};
    wait(
        [](void* operation, std::coroutine_handle<> rank) {
            const auto& outside = *static_cast<call*>(operation);
            outside.function(outside.object);
            return rank;
        },
        &called);
}

} // namespace spmd::detail
