#pragma once

#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <exception>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace test_support {

/// A program's standard output and exit status.
struct program_result {
    std::string output;
    int status;
};

namespace detail {

inline void require(bool done, const char* what) {
    if (!done) throw std::system_error{errno, std::generic_category(), what};
}

inline int exit_status_of(pid_t child) {
    int status = 0;
    require(::waitpid(child, &status, 0) == child, "waitpid");
    if (!WIFEXITED(status)) throw std::runtime_error{"a child process died by a signal"};
    return WEXITSTATUS(status);
}

inline std::string read_all(int descriptor) {
    std::string text;
    std::array<char, 65536> block{};
    ssize_t count = 0;
    while ((count = ::read(descriptor, block.data(), block.size())) > 0) {
        text.append(block.data(), static_cast<std::size_t>(count));
    }
    require(count == 0, "read");
    return text;
}

} // namespace detail

/// Runs a program, found on PATH, with `arguments` (its own name first) and no shell in between.
inline program_result run_program(std::vector<std::string> arguments) {
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);

    std::array<int, 2> pipe{};
    detail::require(::pipe(pipe.data()) == 0, "pipe");
    const pid_t child = ::fork();
    detail::require(child >= 0, "fork");
    if (child == 0) {
        ::dup2(pipe[1], STDOUT_FILENO);
        ::close(pipe[0]);
        ::close(pipe[1]);
        ::execvp(argv[0], argv.data());
        ::_exit(127);
    }
    ::close(pipe[1]);
    std::string output = detail::read_all(pipe[0]);
    ::close(pipe[0]);
    return {std::move(output), detail::exit_status_of(child)};
}

/// Returns true if `condition()` holds in a child process without root's privileges, so that file permissions
/// apply. A condition that throws does not hold.
template <class Condition>
bool true_without_privilege(Condition condition) {
    constexpr unsigned nobody = 65534;
    const pid_t child = ::fork();
    detail::require(child >= 0, "fork");
    if (child == 0) {
        bool fulfilled = false;
        try {
            const bool unprivileged = ::geteuid() != 0 || (::setgroups(0, nullptr) == 0 &&
                                                           ::setgid(nobody) == 0 && ::setuid(nobody) == 0);
            fulfilled = unprivileged && condition();
        } catch (const std::exception&) {
            fulfilled = false;
        }
        ::_exit(fulfilled ? 0 : 1);
    }
    return detail::exit_status_of(child) == 0;
}

} // namespace test_support
