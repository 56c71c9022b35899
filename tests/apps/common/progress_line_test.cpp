// Guards against a line in files, pipes and dumb terminals; against lines that are wider than the terminal,
// break a character, are drawn too often, or are not erased when something else is printed.

#include "support/pseudo_terminal.hpp"

#include <catch2/catch.hpp>
#include <common/progress_line.hpp>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

using apps::progress_line;
using apps::progress_mode;
using std::chrono::milliseconds;
using test_support::pseudo_terminal;
using test_support::screen_after;
using words = std::vector<std::string>;

/// Sets an environment variable, and restores it at the end of the scope.
class variable {
public:
    variable(const char* name, const char* value) : name_(name) {
        if (const char* const now = std::getenv(name); now != nullptr) before_ = {now};
        set(value);
    }
    variable(const variable&) = delete;
    variable& operator=(const variable&) = delete;
    ~variable() { set(before_.empty() ? nullptr : before_.front().c_str()); }

private:
    void set(const char* value) const {
        if (value == nullptr)
            ::unsetenv(name_);
        else
            ::setenv(name_, value, 1);
    }
    const char* name_;
    words before_;
};

/// An ordinary terminal and a line on it, whose clock only the test advances.
struct fixture {
    explicit fixture(unsigned short columns = 80, progress_mode mode = progress_mode::automatic)
        : terminal(columns), line({.mode = mode,
                                   .descriptor = terminal.descriptor(),
                                   .output = terminal.descriptor(),
                                   .now = [this] { return now; }}) {}

    void show_later(const words& parts) {
        now += progress_line::interval;
        line.show([&] { return parts; });
    }
    std::string screen() { return screen_after(terminal.written()).back(); }

    variable type{"TERM", "xterm"};
    variable no_color{"NO_COLOR", "1"};
    std::chrono::steady_clock::time_point now;
    pseudo_terminal terminal;
    progress_line line;
};

/// The bytes that a line writes into a pipe.
std::string written_to_pipe(progress_mode mode) {
    std::array<int, 2> pipe{};
    REQUIRE(::pipe(pipe.data()) == 0);
    {
        std::chrono::steady_clock::time_point now;
        progress_line line(
            {.mode = mode, .descriptor = pipe[1], .output = pipe[1], .now = [&] { return now; }});
        now += progress_line::interval;
        line.show([] { return words{"half"}; });
        static_cast<void>(line.hide());
    }
    ::close(pipe[1]);
    std::array<char, 1000> block{};
    const ssize_t count = ::read(pipe[0], block.data(), block.size());
    ::close(pipe[0]);
    return {block.data(), static_cast<std::size_t>(count)};
}

} // namespace

TEST_CASE("on a terminal the line is drawn, and erased at the end") {
    const variable type("TERM", "xterm");
    pseudo_terminal terminal(80);
    {
        std::chrono::steady_clock::time_point now;
        progress_line line({.descriptor = terminal.descriptor(), .output = terminal.descriptor(), .now = [&] {
                                return now;
                            }});
        CHECK(line.is_shown());
        now += progress_line::interval;
        line.show([] { return words{"half", "done"}; });
        CHECK(screen_after(terminal.written()) == words{"half  done"});
    }
    CHECK(screen_after(terminal.written()) == words{""});
}

TEST_CASE("writes nothing without a terminal, on a dumb one, and in mode never") {
    const variable type("TERM", "xterm");
    CHECK(written_to_pipe(progress_mode::automatic).empty());
    CHECK(written_to_pipe(progress_mode::never).empty());
    {
        fixture never(80, progress_mode::never);
        CHECK_FALSE(never.line.is_shown());
        never.show_later({"half"});
        CHECK(never.terminal.written().empty());
    }
    for (const char* kind : {"dumb", "", static_cast<const char*>(nullptr)}) {
        const variable dumb("TERM", kind);
        pseudo_terminal terminal(80);
        std::chrono::steady_clock::time_point now;
        progress_line line({.descriptor = terminal.descriptor(), .output = terminal.descriptor(), .now = [&] {
                                return now;
                            }});
        now += progress_line::interval;
        line.show([] { return words{"half"}; });
        CHECK_FALSE(line.is_shown());
        CHECK(terminal.written().empty());
    }
}

TEST_CASE("writes nothing to a terminal that the reader of the program's output may write to") {
    const variable type("TERM", "xterm");
    pseudo_terminal terminal(80);
    std::array<int, 2> pipe{};
    REQUIRE(::pipe(pipe.data()) == 0);
    CHECK_FALSE(progress_line({.descriptor = terminal.descriptor(), .output = pipe[1]}).is_shown());
    CHECK(
        progress_line({.mode = progress_mode::always, .descriptor = terminal.descriptor(), .output = pipe[1]})
            .is_shown());
    ::close(pipe[0]);
    ::close(pipe[1]);
}

TEST_CASE("in mode always the line is drawn into a pipe too") {
    const variable no_color("NO_COLOR", "1");
    CHECK(written_to_pipe(progress_mode::always) == "\rhalf\x1b[K\r\x1b[K");
}

TEST_CASE("the line fits the current width of the terminal") {
    const words parts{" 24 %", "0:12 left", "225 of 500 files", "12.3 MiB of 80.0 MiB", "345 MiB/s"};
    fixture on(200);
    on.show_later(parts);
    CHECK(on.screen() == " 24 %  0:12 left  225 of 500 files  12.3 MiB of 80.0 MiB  345 MiB/s");
    on.terminal.resize(40);
    on.show_later(parts);
    CHECK(on.screen() == " 24 %  0:12 left  225 of 500 files");
    on.terminal.resize(80);
    on.show_later(parts);
    CHECK(on.screen() == " 24 %  0:12 left  225 of 500 files  12.3 MiB of 80.0 MiB  345 MiB/s");
    on.terminal.resize(4);
    on.show_later(parts);
    CHECK(on.screen() == " 24");
    on.terminal.resize(1);
    on.show_later(parts);
    CHECK(on.screen().empty());
    on.terminal.resize(0); // unknown
    on.show_later({std::string(300, 'x')});
    CHECK(on.screen() == std::string(79, 'x'));
}

TEST_CASE("a shorter line leaves nothing of a longer one") {
    fixture on;
    on.show_later({"a long line"});
    on.show_later({"short"});
    CHECK(on.screen() == "short");
}

TEST_CASE("drawn at most ten times a second, and not in a short run") {
    fixture on;
    std::size_t drawn = 0;
    const auto show = [&] {
        on.line.show([&] {
            ++drawn;
            return words{"now"};
        });
    };
    for (int i = 0; i < 99; ++i, on.now += milliseconds(1)) show();
    CHECK(drawn == 0);
    CHECK(on.terminal.written().empty());
    for (int i = 0; i < 10'000; ++i, on.now += milliseconds(1)) show();
    CHECK(drawn >= 99);
    CHECK(drawn <= 100);
    const std::size_t before = drawn;
    on.now += std::chrono::hours(1); // what was missed is not made up for
    for (int i = 0; i < 1000; ++i) show();
    CHECK(drawn == before + 1);
}

TEST_CASE("erased for a message, not drawn while it is printed, and drawn again after it") {
    fixture on;
    on.show_later({"half"});
    std::jthread other;
    {
        const auto hidden = on.line.hide();
        CHECK(on.screen().empty());
        other = std::jthread([&] { on.show_later({"three quarters"}); });
        const std::string message = "no such file\n";
        REQUIRE(::write(on.terminal.descriptor(), message.data(), message.size()) == 13);
        std::this_thread::sleep_for(milliseconds(20));
        CHECK(on.screen().empty());
    }
    other.join();
    CHECK(screen_after(on.terminal.written()) == words{"no such file", "three quarters"});
}

TEST_CASE("nothing is erased where nothing was drawn") {
    fixture on;
    static_cast<void>(on.line.hide());
    on.line.close();
    CHECK(on.terminal.written().empty());
}

TEST_CASE("erased for good once closed, even while another thread hangs in a message") {
    fixture on;
    on.show_later({"half"});
    on.line.close();
    on.show_later({"more"});
    CHECK(on.screen().empty());
    fixture hanging;
    hanging.show_later({"half"});
    auto hidden = hanging.line.hide();
    std::jthread([&] { hanging.line.close(); }).join(); // returns
    hidden.unlock();
    hanging.show_later({"more"});
    CHECK(hanging.screen().empty());
}

TEST_CASE("coloured unless NO_COLOR is set") {
    for (const bool coloured : {true, false}) {
        fixture on;
        const variable no_color("NO_COLOR", coloured ? "" : "yes");
        progress_line line({.mode = progress_mode::always,
                            .descriptor = on.terminal.descriptor(),
                            .now = [&] { return on.now; }});
        on.now += progress_line::interval;
        line.show([] { return words{"half"}; });
        CHECK((on.terminal.written().find("\x1b[32m") != std::string::npos) == coloured);
        CHECK((on.terminal.written().find("\x1b[0m") != std::string::npos) == coloured);
        CHECK(on.screen() == "half");
    }
}

TEST_CASE("fitted: whole parts, the first one cut, no character broken") {
    using apps::fitted;
    CHECK(fitted(words{}, 10).empty());
    CHECK(fitted(words{"ab", "cd"}, 6) == "ab  cd");
    CHECK(fitted(words{"ab", "cd"}, 5) == "ab");
    // A part that does not fit is not replaced by a less important one.
    CHECK(fitted(words{"ab", "long", "x"}, 6) == "ab");
    CHECK(fitted(words{"abcdef", "x"}, 3) == "abc");
    CHECK(fitted(words{"größe"}, 3) == "grö");
    CHECK(fitted(words{"größe"}, 4) == "größ");
    CHECK(fitted(words{"方方方"}, 4) == "方方");
    CHECK(fitted(words{"方方方"}, 5) == "方方");
    CHECK(fitted(words{"a😀"}, 2) == "a");
    CHECK(fitted(words{"a😀"}, 3) == "a😀");
    CHECK(fitted(words{"a\nb\x1b[2J\x7f"}, 20) == "a?b?[2J?");
    CHECK(fitted(words{"a\xff\xc3", "\xe6\x96"}, 20) == "a??  ??");
    CHECK(fitted(words{"a"}, 0).empty());
}
