#pragma once

#include <csignal>
#include <functional>
#include <thread>

namespace apps {

/// Runs `clean_up` at the end of its scope, and also when SIGINT, SIGTERM or SIGHUP end the process before that;
/// it then dies of the signal, as it would have done. A signal that the process ignores stays ignored. A SIGPIPE waits
/// for the end of the scope: until then, whoever writes to a closed pipe sees EPIPE.
///
///     temporary_directory inputs;
///     const clean_exit guard([&] { inputs.remove(); });
///
/// On a signal `clean_up` runs on a thread of its own, while the others go on: it must be safe beside them. Their
/// files may vanish then; that is nobody's error, and is not reported: the destructor does not return.
/// Requires: it is made before other threads are, which it would not protect from the signals.
class clean_exit {
public:
    /// `clean_up` may be called twice. What it throws is told on stderr.
    explicit clean_exit(std::function<void()> clean_up);
    clean_exit(const clean_exit&) = delete;
    clean_exit& operator=(const clean_exit&) = delete;
    ~clean_exit();

private:
    void run_clean_up() const noexcept;
    void watch() const;

    std::function<void()> clean_up_;
    sigset_t watched_;
    sigset_t before_{}; ///< what was blocked
    int signals_;       ///< reads the watched signals
    int over_;          ///< readable from when this object goes
    std::thread watcher_;
};

} // namespace apps
