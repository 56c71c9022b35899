#pragma once

#include <spmd_sum/output_file.hpp>

#include <common/progress_line.hpp>

#include <string>
#include <system_error>

namespace spmd_sum {

/// The output cannot be written.
class write_error : public std::system_error {
public:
    using std::system_error::system_error;
};

/// Writes text to an output, and complaints to standard error, beside a progress line.
class printer {
public:
    printer(const output_file& output, apps::progress_line& line);

    void print(const std::string& text);
    void complain(const std::string& message);
    /// To be called where what was printed is complete for a while: it comes out. Throws: write_error.
    void pause();

private:
    void flush();
    void remember_if(bool failed) noexcept;

    const output_file* output_;
    apps::progress_line* line_;
    bool is_terminal_;
    int error_ = 0; // the first one of the output
};

} // namespace spmd_sum
