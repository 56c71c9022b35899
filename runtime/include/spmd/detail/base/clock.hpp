#pragma once

#include <chrono>
#include <cstdint>
#include <thread>

namespace spmd::detail {

/// Leaves the core to its other thread for a moment, in a loop that waits.
inline void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#else
    std::this_thread::yield();
#endif
}

/// The moment after a time from now, of any size.
template <class Rep, class Period>
std::chrono::steady_clock::time_point deadline_in(std::chrono::duration<Rep, Period> time) {
    constexpr std::chrono::hours century{24 * 365 * 100}; // beyond it the sum could overflow
    using clock = std::chrono::steady_clock;
    return time < century ? clock::now() + std::chrono::ceil<clock::duration>(time)
                          : clock::time_point::max();
}

/// The time since some moment, right to about a factor of two: enough to see whether work is worth sharing, and
/// without the calls, pages and 20 ns that a real clock takes.
inline std::chrono::nanoseconds rough_time() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    constexpr std::uint64_t ticks_per_ns = 3; // of the time stamp counter; 2 to 4 on all that run today
    return std::chrono::nanoseconds(__builtin_ia32_rdtsc() / ticks_per_ns);
#else
    return std::chrono::steady_clock::now().time_since_epoch();
#endif
}

} // namespace spmd::detail
