#pragma once

#include <spmd/detail/ranks/fiber.hpp>

namespace spmd::detail {

/// As watch_stack_overflow(), the first time on a thread.
void begin_to_watch_stack_overflow() noexcept;
/// Makes an overflow of a guarded stack on this thread write a message before the process ends. Installs a
/// handler of SIGSEGV for the process, once, and an alternate signal stack for the thread, unless it has one.
inline void watch_stack_overflow() noexcept {
    static constinit thread_local bool watches = false;
    if (!watches) [[unlikely]] {
        begin_to_watch_stack_overflow();
        watches = true;
    }
}

/// Writes the message that names the rank and the size of its stack, and ends the process.
[[noreturn]] void end_after_overflow(const fiber& overflown) noexcept;

} // namespace spmd::detail
