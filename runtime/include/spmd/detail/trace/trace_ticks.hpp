#pragma once

#include <chrono>
#include <cstdint>

namespace spmd::detail {

/// Asks the CPU whether the time stamp counter runs at one rate on all cores.
bool query_steady_ticks() noexcept;
/// As query_steady_ticks(), which is called on first use: that may be before main().
inline bool has_steady_ticks() noexcept {
    static const bool has = query_steady_ticks();
    return has;
}

/// Time of traces, in ticks of the fastest steady clock available.
inline std::uint64_t trace_ticks() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    if (has_steady_ticks()) [[likely]]
        return __builtin_ia32_rdtsc();
#endif
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

} // namespace spmd::detail
