#pragma once

#include <checksum/file_list.hpp>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace spmd_sum {

/// Where a tool's output goes: to standard output, or to a file that has its new content once all of it is there. Until
/// then it goes to a temporary file beside that one, which commit() gives the file's name and its old permissions.
///
///     spmd_sum::output_file output("sums");
///     std::fputs("…\n", output.stream());
///     output.commit();       // without it, the old file stays
///
/// A path that is no regular file, like a FIFO, is written to as it is, and so is the file that standard output or standard
/// error goes to, as by /dev/stdout; of a symbolic link, what it leads to is replaced.
class output_file {
public:
    /// `path`: empty for standard output. Throws: std::system_error, its message "PATH: REASON".
    explicit output_file(const std::string& path);
    output_file(const output_file&) = delete;
    output_file& operator=(const output_file&) = delete;
    ~output_file();

    [[nodiscard]] std::FILE* stream() const noexcept { return stream_; }
    [[nodiscard]] bool is_terminal() const noexcept;
    /// What names the regular files that are written to: these, and what they replace.
    [[nodiscard]] std::vector<checksum::file_identity> identities() const;
    /// What a message about it begins with: "PATH", or "write error".
    [[nodiscard]] std::string subject() const { return path_.empty() ? "write error" : path_; }
    /// Throws: std::system_error, its message "SUBJECT: REASON".
    void commit();

private:
    std::string path_;      // empty: standard output
    std::string temporary_; // empty where there is none
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> own_{nullptr, nullptr};
    std::FILE* stream_ = stdout;
};

} // namespace spmd_sum
