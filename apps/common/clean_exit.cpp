#include <common/clean_exit.hpp>

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <system_error>
#include <utility>

namespace apps {
namespace {

bool is_ignored(int signal) {
    struct sigaction now{};
    return ::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

sigset_t terminating_signals() {
    sigset_t signals{};
    sigemptyset(&signals);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXCPU, SIGXFSZ})
        if (!is_ignored(signal)) sigaddset(&signals, signal);
    return signals;
}

int require_descriptor(int descriptor, const char* what) {
    if (descriptor < 0) throw std::system_error(errno, std::generic_category(), what);
    return descriptor;
}

[[noreturn]] void die_of(int signal) {
    sigset_t only{};
    sigemptyset(&only);
    sigaddset(&only, signal);
    static_cast<void>(::raise(signal)); // pending, since it is blocked
    static_cast<void>(::pthread_sigmask(SIG_UNBLOCK, &only, nullptr));
    ::_exit(128 + signal); // reached if the signal does not end the process
}

} // namespace

clean_exit::clean_exit(std::function<void()> clean_up)
    : clean_up_(std::move(clean_up)), watched_(terminating_signals()),
      signal_descriptor_(require_descriptor(::signalfd(-1, &watched_, SFD_CLOEXEC), "signalfd")),
      end_descriptor_(require_descriptor(::eventfd(0, EFD_CLOEXEC), "eventfd")) {
    sigset_t blocked = watched_;
    if (!is_ignored(SIGPIPE)) sigaddset(&blocked, SIGPIPE);
    static_cast<void>(::pthread_sigmask(SIG_BLOCK, &blocked, &previous_mask_));
    watcher_ = std::thread([this] { watch(); });
}

clean_exit::~clean_exit() {
    run_clean_up(); // before the mask is restored: a signal cannot end the process yet
    const std::uint64_t one = 1;
    static_cast<void>(!::write(end_descriptor_, &one, sizeof one));
    watcher_.join(); // never returns if the watcher has received a signal
    ::close(end_descriptor_);
    ::close(signal_descriptor_);
    static_cast<void>(::pthread_sigmask(SIG_SETMASK, &previous_mask_, nullptr));
}

void clean_exit::run_clean_up() const noexcept {
    try {
        clean_up_();
    } catch (const std::exception& error) {
        static_cast<void>(std::fprintf(stderr, "%s: %s\n", program_invocation_short_name, error.what()));
    }
}

void clean_exit::watch() const {
    std::array<pollfd, 2> either{pollfd{signal_descriptor_, POLLIN, 0}, pollfd{end_descriptor_, POLLIN, 0}};
    while (::poll(either.data(), either.size(), -1) < 0 && errno == EINTR) {
    }
    if ((either[0].revents & POLLIN) == 0) return;
    signalfd_siginfo received{};
    if (::read(signal_descriptor_, &received, sizeof received) != sizeof received) return;
    run_clean_up();
    die_of(static_cast<int>(received.ssi_signo));
}

} // namespace apps
