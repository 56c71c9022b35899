#pragma once

#include <spmd/detail/ranks/fiber.hpp>

namespace spmd::detail {

/// Makes an overflow of a guarded stack on this thread write a message before the process ends. Installs a
/// handler of SIGSEGV for the process, once, and an alternate signal stack for the thread, unless it has one.
void watch_stack_overflow() noexcept;

/// Writes the message that names the rank and the size of its stack, and ends the process.
[[noreturn]] void end_after_overflow(const fiber& overflown) noexcept;

} // namespace spmd::detail
