#pragma once

#include <spmd/trace.hpp>

#include <chrono>
#include <cstdint>

namespace spmd::detail {

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

/// Writes the interval of one task from its construction to its destruction, on one thread.
class stopwatch {
public:
    stopwatch(std::chrono::steady_clock::time_point submitted, interval& task) noexcept;
    stopwatch(const stopwatch&) = delete;
    stopwatch& operator=(const stopwatch&) = delete;
    ~stopwatch();

private:
    std::chrono::steady_clock::time_point submitted_;
    interval* task_;
    std::chrono::nanoseconds cpu_begin_;
};

} // namespace spmd::detail
