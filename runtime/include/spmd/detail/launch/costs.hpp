#pragma once

#include <chrono>

/// Costs of the steps by which threads share work, rounded, and the thresholds that follow from them. Each
/// cost names the micro benchmark that measures it; runtime/docs/performance.md has the figures.
namespace spmd::detail::costs {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

// Measured.

/// Time for which waking a sleeping thread occupies the waker. (costs/call_sleeping)
inline constexpr nanoseconds waking = 5us;
/// Time until a woken thread runs, in the upper range of what was measured. (costs/woken_after)
inline constexpr nanoseconds waking_latency = 50us;
/// Claiming a range that other threads claim from too. (costs/claim)
inline constexpr nanoseconds claiming = 100ns;
/// Looking once for work that is not there. (costs/look)
inline constexpr nanoseconds looking = 40ns;

// Derived.

/// A job or a wave below this is not shared: waking a thread would take as long.
inline constexpr nanoseconds worth_waking = waking;
/// A wave below this is run by one thread: sharing it costs a wake and the cache misses of about ten claims.
inline constexpr nanoseconds worth_sharing = waking + 10 * claiming;
/// Woken ranks that cost more than this are worth another thread, besides one that is at work already.
inline constexpr nanoseconds worth_recruiting = worth_sharing / 2;
/// Ready ranks that cost more than this are published at once, without waiting for the end of the range.
inline constexpr nanoseconds worth_publishing = 2 * waking;
/// Ranges are made at least this long, so that claiming takes at most 5 % of the time.
inline constexpr nanoseconds worth_claiming = 20 * claiming;
/// A thread that has run one range for this long leaves the rest of it to others.
inline constexpr nanoseconds patience = waking_latency;
/// An idle worker waits this long for the next job before it sleeps: at most twice what waking it would take,
/// which is within a factor of two of the best choice (Karlin et al., Competitive randomized algorithms,
/// 1990).
inline constexpr nanoseconds linger = 2 * waking_latency;
/// A thread without ready ranks looks this often before it leaves the scheduler.
inline constexpr int looks_before_leaving = waking_latency / looking / 2;
/// A waiting caller looks this often before it sleeps.
inline constexpr int looks_before_sleep = waking_latency / looking;

} // namespace spmd::detail::costs
