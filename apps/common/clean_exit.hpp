#pragma once

#include <csignal>
#include <functional>
#include <thread>

namespace apps {

/// Runs `clean_up` at the end of its scope, or earlier if SIGINT, SIGTERM, SIGHUP or another terminating
/// signal ends the process, which then dies of that signal as it would have without this object. Ignored
/// signals stay ignored. SIGPIPE is blocked until the end of the scope: until then, writing to a closed pipe
/// fails with EPIPE.
///
///     temporary_directory inputs;
///     const clean_exit guard([&] { inputs.remove(); });
///
/// On a signal, `clean_up` runs on a thread of its own while the other threads continue, so it must be safe
/// to run concurrently with them. Errors that its effects cause in those threads, such as vanished files, are
/// not reported: the destructor does not return.
/// Requires: constructed before any other thread starts, since threads inherit the signal mask.
class clean_exit {
public:
    /// `clean_up` may be called twice; exceptions from it are reported on stderr.
    /// Throws: std::system_error if no descriptor is free.
    explicit clean_exit(std::function<void()> clean_up);
    clean_exit(const clean_exit&) = delete;
    clean_exit& operator=(const clean_exit&) = delete;
    ~clean_exit();

private:
    void run_clean_up() const noexcept;
    void watch() const;

    std::function<void()> clean_up_;
    sigset_t watched_;
    sigset_t previous_mask_{};
    int signal_descriptor_; // readable once a watched signal is pending
    int end_descriptor_;    // readable once the destructor has begun
    std::thread watcher_;
};

} // namespace apps
