#pragma once

#include <spmd_sum/output_file.hpp>

#include <common/progress_line.hpp>

#include <string>
#include <system_error>

namespace spmd_sum {

/// The output cannot be written. The message is "SUBJECT: REASON".
class write_error : public std::system_error {
public:
    using std::system_error::system_error;
};

/// Writes text to an output, and messages to standard error, without disturbing the progress line.
class printer {
public:
    /// Requires: the arguments outlive the object.
    printer(const output_file& output, apps::progress_line& line);

    /// Writes text; errors are reported by pause().
    void print(const std::string& text);
    /// Flushes the output, and prints a message to standard error.
    void complain(const std::string& message);
    /// Flushes the output, to be called before waiting for more work. Throws: write_error.
    void pause();

private:
    void flush();
    void remember_if(bool failed) noexcept;

    const output_file* output_;
    apps::progress_line* line_;
    bool is_terminal_;
    int error_ = 0; // errno of the first failed write
};

} // namespace spmd_sum
