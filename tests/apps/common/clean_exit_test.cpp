// Guards against a clean-up that does not run, or runs too late, and against an exit status other than the
// signal's.
#include <catch2/catch.hpp>
#include <common/clean_exit.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>

namespace {

struct death {
    std::string written; ///< to the child's pipe
    int status;          ///< from waitpid(2)
};

/// Runs body(descriptor) in a child process; returns what it wrote and how it ended.
template <class Body>
death of_child(Body body) {
    std::array<int, 2> pipe{};
    REQUIRE(::pipe(pipe.data()) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::close(pipe[0]);
        for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, SIG_DFL); // Catch has its own
        body(pipe[1]);
        ::_exit(0);
    }
    ::close(pipe[1]);
    death seen{};
    std::array<char, 100> block{};
    for (ssize_t count = 0; (count = ::read(pipe[0], block.data(), block.size())) > 0;)
        seen.written.append(block.data(), static_cast<std::size_t>(count));
    ::close(pipe[0]);
    REQUIRE(::waitpid(child, &seen.status, 0) == child);
    return seen;
}

void write_to(int descriptor, const char* text) {
    static_cast<void>(!::write(descriptor, text, std::char_traits<char>::length(text)));
}

} // namespace

TEST_CASE("cleans up at the end of its scope") {
    const death seen = of_child([](int out) {
        const apps::clean_exit guard([&] { write_to(out, "clean"); });
        write_to(out, "work ");
    });
    CHECK(seen.written == "work clean");
    CHECK(seen.status == 0);
}

TEST_CASE("cleans up on a signal, and dies of it") {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
        const death seen = of_child([&](int out) {
            const apps::clean_exit guard([&] { write_to(out, "clean"); });
            ::kill(::getpid(), signal);
            for (;;) ::pause();
        });
        CHECK(seen.written == "clean");
        REQUIRE(WIFSIGNALED(seen.status));
        CHECK(WTERMSIG(seen.status) == signal);
    }
}

TEST_CASE("a closed pipe is an error first, and SIGPIPE ends the process after the clean-up") {
    const death seen = of_child([](int out) {
        std::array<int, 2> closed{};
        if (::pipe(closed.data()) != 0) return;
        ::close(closed[0]);
        {
            const apps::clean_exit guard([&] { write_to(out, "clean"); });
            if (::write(closed[1], "x", 1) < 0) write_to(out, "EPIPE ");
        }
        write_to(out, " and alive");
    });
    CHECK(seen.written == "EPIPE clean");
    REQUIRE(WIFSIGNALED(seen.status));
    CHECK(WTERMSIG(seen.status) == SIGPIPE);
}
