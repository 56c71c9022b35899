#pragma once

#include <array>
#include <atomic>
#include <csignal>

namespace apps {

/// Makes SIGINT, SIGTERM and SIGHUP a request to stop, for programs that finish what they have and then die of the signal.
///
///     const stop_signal interrupted;
///     while (!interrupted.requested().load()) work();
///     print_what_is_done();
///     interrupted.die_if_requested();
///
/// A second signal ends the program at once; so does the first, a second after it came, where the program hangs in a read or a
/// write. A signal that was ignored stays ignored. System calls of the thread that gets the signal fail with EINTR.
/// Requires: there is one at a time.
class stop_signal {
public:
    stop_signal();
    stop_signal(const stop_signal&) = delete;
    stop_signal& operator=(const stop_signal&) = delete;
    ~stop_signal();

    /// True once a signal has come.
    const std::atomic<bool>& requested() const noexcept;
    /// Ends the process by the signal that has come, if one has: nothing more is flushed.
    void die_if_requested() const noexcept;

private:
    static constexpr std::array<int, 4> signals{SIGINT, SIGTERM, SIGHUP, SIGALRM};
    std::array<struct sigaction, signals.size()> before_{};
};

} // namespace apps
