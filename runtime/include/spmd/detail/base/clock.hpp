#pragma once

#include <chrono>
#include <cstdint>
#include <thread>

namespace spmd::detail {

/// Yields the core to its sibling hardware thread for a moment, within a spin loop.
inline void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#else
    std::this_thread::yield();
#endif
}

/// The point in time that is `time` from now, saturating instead of overflowing.
template <class Rep, class Period>
std::chrono::steady_clock::time_point deadline_in(std::chrono::duration<Rep, Period> time) {
    constexpr std::chrono::hours century{24 * 365 * 100};
    using clock = std::chrono::steady_clock;
    return time < century ? clock::now() + std::chrono::ceil<clock::duration>(time)
                          : clock::time_point::max();
}

/// Time since an arbitrary origin, exact to about a factor of two: enough to judge whether work is worth
/// sharing, and without the call and the 20 ns of a real clock.
inline std::chrono::nanoseconds rough_time() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    constexpr std::uint64_t ticks_per_ns = 3; // the time stamp counter's rate is 2 to 4 per ns today
    return std::chrono::nanoseconds(__builtin_ia32_rdtsc() / ticks_per_ns);
#else
    return std::chrono::steady_clock::now().time_since_epoch();
#endif
}

} // namespace spmd::detail
