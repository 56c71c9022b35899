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
    /// Where stderr is a terminal, and not a dumb one, and stdout is no pipe: its reader may write to the terminal too.
    automatic,
    always, ///< wherever they go
    never,
};

struct progress_line_options {
    progress_mode mode = progress_mode::automatic;
    int descriptor = STDERR_FILENO; ///< where it is drawn
    int output = STDOUT_FILENO;     ///< where the program's output goes
    std::function<std::chrono::steady_clock::time_point()> now = std::chrono::steady_clock::now;
};

/// One line on stderr that tells how far a program is. It is as long as the terminal is wide at that moment, at most,
/// and gone whenever something else is printed, and at the end.
///
///     apps::progress_line line({.mode = asked});
///     const apps::clean_exit guard([&] { line.close(); });   // gone, too, where a signal ends the program
///     for (const auto& each : all) {
///         line.show([&] { return std::vector{apps::percent(done, all.size()), each.name()}; });
///         …
///     }
///
/// Drawn 0.1 s after its making at the earliest, so that a program that is brief shows none, and then at most 10 times
/// a second. In colour unless the environment has a NO_COLOR that is not empty (no-color.org); in automatic mode not at
/// all where TERM is missing, empty or "dumb".
/// Thread safety: all members may be called at the same time.
class progress_line {
public:
    explicit progress_line(progress_line_options options = {});
    progress_line(const progress_line&) = delete;
    progress_line& operator=(const progress_line&) = delete;
    ~progress_line() { close(); }

    /// False where show() never draws anything.
    bool is_shown() const noexcept { return is_shown_; }

    /// Draws what `parts` gives, a range of strings, the most important ones first; where the line is not due it does
    /// nothing, and `parts` is not called.
    template <class Parts>
    void show(Parts&& parts) {
        if (!is_shown_) return;
        const std::lock_guard lock(mutex_);
        if (is_due()) draw(std::forward<Parts>(parts)());
    }

    /// The line is gone, and not drawn again while the lock is held: for messages, and for output to the same terminal.
    [[nodiscard]] std::unique_lock<std::timed_mutex> hide();

    /// The line is gone for good. Blocks: 0.1 s at most, also where another thread hangs while it prints.
    void close() noexcept;

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
    std::chrono::steady_clock::time_point next_; // when it is due
};

/// The parts joined by two spaces, as many as fit into so many columns; the first is cut where it does not. A character
/// of UTF-8 is not cut, and counts two columns where it may be a wide one; control characters and what is no UTF-8
/// become question marks.
std::string fitted(std::span<const std::string> parts, std::size_t columns);

} // namespace apps
