#pragma once

#include <fcntl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>
#include <system_error>
#include <vector>

namespace test_support {

/// A running program with standard output redirected to a file and standard error to a descriptor. Killed at
/// the end of the scope if still running.
class running_program {
public:
    /// `arguments` begin with the program's path.
    running_program(std::vector<std::string> arguments, const std::string& output, int error) {
        std::vector<char*> argv;
        for (std::string& argument : arguments) argv.push_back(argument.data());
        argv.push_back(nullptr);
        child_ = ::fork();
        if (child_ < 0) throw std::system_error{errno, std::generic_category(), "fork"};
        if (child_ > 0) return;
        constexpr mode_t mode = 0600;
        ::dup2(::open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, mode), STDOUT_FILENO);
        ::dup2(error, STDERR_FILENO);
        for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, SIG_DFL); // Catch has its own
        ::execv(argv[0], argv.data());
        ::_exit(127);
    }
    running_program(const running_program&) = delete;
    running_program& operator=(const running_program&) = delete;
    ~running_program() {
        if (child_ < 0) return;
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
    }

    void send(int signal) const { ::kill(child_, signal); }
    /// Returns the status of waitpid(2). Blocks: until the program has ended.
    int wait() {
        int status = 0;
        if (::waitpid(child_, &status, 0) != child_)
            throw std::system_error{errno, std::generic_category(), "waitpid"};
        child_ = -1;
        return status;
    }

private:
    pid_t child_ = -1;
};

} // namespace test_support
