#pragma once

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <utility>

namespace apps {

enum class progress_mode {
    /// If stderr is a terminal other than a dumb one, and stdout is not a pipe, whose reader may write to the
    /// same terminal.
    automatic,
    always, ///< also if stderr is not a terminal
    never,
};

/// Options for constructing a progress_line.
struct progress_line_options {
    progress_mode mode = progress_mode::automatic;
    int descriptor = STDERR_FILENO; ///< the line is drawn here
    int output = STDOUT_FILENO;     ///< the program's output
    std::function<std::chrono::steady_clock::time_point()> now = std::chrono::steady_clock::now;
};

/// One line on stderr that shows a program's progress. It is never wider than the terminal currently is, and
/// is erased before anything else is printed and at the end.
///
///     apps::progress_line line({.mode = mode});
///     const apps::clean_exit guard([&] { line.close(); });   // erased also if a signal ends the program
///     for (const auto& each : all) {
///         line.show([&] { return std::vector{apps::percent(done, all.size()), each.name()}; });
///         …
///     }
///
/// First drawn 0.1 s after construction, so that a short run shows no line, then at most 10 times a second.
/// Coloured unless the environment variable NO_COLOR is set and not empty (no-color.org); in automatic mode
/// not drawn at all if TERM is unset, empty or "dumb".
/// Thread safety: all members may be called concurrently.
class progress_line {
public:
    explicit progress_line(progress_line_options options = {});
    progress_line(const progress_line&) = delete;
    progress_line& operator=(const progress_line&) = delete;
    ~progress_line() { close(); }

    /// False if show() never draws anything.
    bool is_shown() const noexcept { return is_shown_; }

    /// Draws the strings that `parts` returns, a range ordered by importance. Does nothing, and does not call
    /// `parts`, unless the line is due.
    template <class Parts>
    void show(Parts&& parts) {
        if (!is_shown_) return;
        const std::lock_guard lock(mutex_);
        if (is_due()) draw(std::forward<Parts>(parts)());
    }

    /// Erases the line and keeps it erased while the returned lock is held, for messages and for output to
    /// the same terminal.
    [[nodiscard]] std::unique_lock<std::timed_mutex> hide();

    /// Erases the line for good. Blocks: at most 0.1 s, even if another thread hangs while holding the lock.
    void close() noexcept;

    /// Shortest time between two drawings.
    static constexpr std::chrono::milliseconds interval{100};

private:
    bool is_due();
    void draw(std::span<const std::string> parts);
    void erase() noexcept;

    progress_line_options options_;
    bool is_shown_;
    bool is_coloured_;
    std::atomic<bool> is_closed_{false};
    std::timed_mutex mutex_; // guards the rest
    bool is_drawn_ = false;
    std::chrono::steady_clock::time_point next_; // the next drawing is due then
};

/// Joins as many parts as fit into `columns` by two spaces; cuts the first one if it alone does not fit.
/// Never cuts a UTF-8 character, and counts two columns for one that may be wide; replaces control characters
/// and invalid UTF-8 by question marks.
std::string fitted(std::span<const std::string> parts, std::size_t columns);

} // namespace apps
