#include <common/stop_signal.hpp>

#include <unistd.h>

#include <cstddef>

namespace apps {
namespace {

// State of the one stop_signal, written by the signal handler.
std::atomic<bool> is_requested{false};
std::atomic<int> first_signal{0};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

/// Seconds that the program has to finish and print what is complete.
constexpr unsigned patience = 1;

void end_by(int signal) noexcept {
    static_cast<void>(std::signal(signal, SIG_DFL));
    sigset_t only{};
    sigemptyset(&only);
    sigaddset(&only, signal);
    static_cast<void>(::raise(signal)); // stays pending while blocked, as in its handler
    static_cast<void>(::pthread_sigmask(SIG_UNBLOCK, &only, nullptr));
}

extern "C" void spmd_apps_stop(int signal) {
    int none = 0;
    if (signal == SIGALRM || !first_signal.compare_exchange_strong(none, signal)) {
        end_by(first_signal.load());
        ::_exit(128 + signal);
    }
    is_requested.store(true);
    ::alarm(patience);
}

} // namespace

stop_signal::stop_signal() {
    is_requested.store(false);
    first_signal.store(0);
    struct sigaction action{};
    action.sa_handler = spmd_apps_stop;
    sigemptyset(&action.sa_mask);
    for (std::size_t i = 0; i < signals.size(); ++i) {
        static_cast<void>(::sigaction(signals[i], &action, &before_[i]));
        if (before_[i].sa_handler == SIG_IGN && signals[i] != SIGALRM)
            static_cast<void>(::sigaction(signals[i], &before_[i], nullptr));
    }
}

stop_signal::~stop_signal() {
    for (std::size_t i = 0; i < signals.size(); ++i)
        static_cast<void>(::sigaction(signals[i], &before_[i], nullptr));
}

const std::atomic<bool>& stop_signal::requested() const noexcept { return is_requested; }

void stop_signal::die_if_requested() const noexcept {
    if (requested().load()) end_by(first_signal.load());
}

} // namespace apps
