#pragma once

#include <array>
#include <atomic>
#include <csignal>

namespace apps {

/// Turns SIGINT, SIGTERM and SIGHUP into a stop request, for programs that first finish and print what is
/// complete and then die of the signal.
///
///     const stop_signal interrupted;
///     while (!interrupted.requested().load()) work();
///     print_what_is_done();
///     interrupted.die_if_requested();
///
/// A second signal ends the process at once; so does the first, one second later, if the process still runs
/// then, for example because a read or a write hangs. Ignored signals stay ignored. System calls of the
/// thread that receives the signal fail with EINTR.
/// Requires: at most one object at a time.
class stop_signal {
public:
    stop_signal();
    stop_signal(const stop_signal&) = delete;
    stop_signal& operator=(const stop_signal&) = delete;
    ~stop_signal();

    /// Becomes true when a signal arrives.
    const std::atomic<bool>& requested() const noexcept;
    /// Ends the process by the signal that arrived, if any, without flushing streams.
    void die_if_requested() const noexcept;

private:
    static constexpr std::array<int, 4> signals{SIGINT, SIGTERM, SIGHUP, SIGALRM};
    std::array<struct sigaction, signals.size()> before_{};
};

} // namespace apps
