// Guards how an interrupted program ends: of the signal, after it has finished; at once on a second one; and
// if it hangs.
#include <catch2/catch.hpp>
#include <common/stop_signal.hpp>
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

template <class Body>
death of_child(Body body) {
    std::array<int, 2> pipe{};
    REQUIRE(::pipe(pipe.data()) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::close(pipe[0]);
        for (const int signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, SIG_DFL); // Catch has its own
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

bool died_of(const death& seen, int signal) {
    return WIFSIGNALED(seen.status) && WTERMSIG(seen.status) == signal;
}

} // namespace

TEST_CASE("finishes, and dies of the signal") {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        const death seen = of_child([&](int out) {
            const apps::stop_signal interrupted;
            if (!interrupted.requested()) write_to(out, "works ");
            ::kill(::getpid(), signal);
            if (interrupted.requested()) write_to(out, "finishes");
            interrupted.die_if_requested();
            write_to(out, " and lives");
        });
        CHECK(seen.written == "works finishes");
        CHECK(died_of(seen, signal));
    }
}

TEST_CASE("a second signal ends it at once, with the status of the first") {
    const death seen = of_child([](int out) {
        const apps::stop_signal interrupted;
        ::kill(::getpid(), SIGINT);
        write_to(out, "one");
        ::kill(::getpid(), SIGTERM);
        write_to(out, " two");
    });
    CHECK(seen.written == "one");
    CHECK(died_of(seen, SIGINT));
}

TEST_CASE("the signal ends a program that hangs after a while") {
    const death seen = of_child([](int) {
        const apps::stop_signal interrupted;
        ::kill(::getpid(), SIGTERM);
        for (;;) ::pause();
    });
    CHECK(died_of(seen, SIGTERM));
}

TEST_CASE("ignored signals stay ignored, and without a signal the program continues") {
    const death seen = of_child([](int out) {
        std::signal(SIGHUP, SIG_IGN);
        {
            const apps::stop_signal interrupted;
            ::kill(::getpid(), SIGHUP);
            interrupted.die_if_requested();
        }
        write_to(out, "alive");
    });
    CHECK(seen.written == "alive");
    CHECK(seen.status == 0);
}
