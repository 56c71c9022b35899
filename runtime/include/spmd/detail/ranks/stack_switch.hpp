#pragma once

#include <cstddef>
#include <cstdint>

/// Switches between stacks, inline: where a call returns on another stack than it was made from, the
/// processor mispredicts all returns that follow. Not under sanitizers, which fiber.cpp tells of each switch;
/// elsewhere than on x86-64 Boost.Context switches. (barrier/on_fibers)
#if defined(__x86_64__) && defined(__LP64__) && !defined(__CET__) && !defined(__APX_F__)
#define SPMD_HAS_STACK_SWITCH
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define SPMD_SWITCHES_INLINE
#endif
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#undef SPMD_SWITCHES_INLINE
#endif
#endif
#endif

namespace spmd::detail {

/// Passed on by a switch: where the other stack continues, and an argument.
struct stack_transfer {
    void* from;
    void* argument;
};

#if defined(SPMD_HAS_STACK_SWITCH)

#if defined(__AVX512F__)
#define SPMD_MORE_REGISTERS                                                                                  \
    , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26",     \
        "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3", "k4", "k5", "k6", "k7"
#else
#define SPMD_MORE_REGISTERS
#endif

/// Continues another stack, where it called this or at its first function; returns when something continues
/// this one. The floating-point environment stays the thread's.
[[gnu::always_inline]] inline stack_transfer switch_stack(void* to, void* argument) noexcept {
    void* from = nullptr;
    void* passed = nullptr;
    // Below the red zone. The compiler saves what it needs of the registers that are listed; it may use rbp
    // and rbx in ways of its own, so these are saved here.
    asm volatile("leaq -128(%%rsp), %%rsp\n\t"
                 "pushq %%rbp\n\t"
                 "pushq %%rbx\n\t"
                 "leaq 1f(%%rip), %%rcx\n\t"
                 "pushq %%rcx\n\t"
                 "movq %%rsp, %%rax\n\t"
                 "movq %%rdi, %%rsp\n\t"
                 "popq %%rcx\n\t"
                 "movq %%rsi, %%rdx\n\t" // results of the other side's call,
                 "movq %%rax, %%rdi\n\t" // or arguments of a function that begins
                 "jmp *%%rcx\n"
                 "1:\n\t"
                 "popq %%rbx\n\t"
                 "popq %%rbp\n\t"
                 "leaq 128(%%rsp), %%rsp"
                 : "=a"(from), "=d"(passed), "+D"(to), "+S"(argument)
                 :
                 : "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc", "st", "st(1)",
                   "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)", "xmm0", "xmm1", "xmm2", "xmm3",
                   "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",
                   "xmm14", "xmm15" SPMD_MORE_REGISTERS);
    return {from, passed};
}
#undef SPMD_MORE_REGISTERS

/// Returns where to continue a new stack below `top`: at the beginning of a function.
inline void* new_stack(std::byte* top, void (*function)(stack_transfer)) noexcept {
    constexpr std::size_t alignment = 16;
    std::byte* const end = top - reinterpret_cast<std::uintptr_t>(top) % alignment;
    auto* next = reinterpret_cast<std::uintptr_t*>(end);
    *--next = 0; // returns to nobody
    *--next = reinterpret_cast<std::uintptr_t>(function);
    return next;
}

#endif

} // namespace spmd::detail
