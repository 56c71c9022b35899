#pragma once

#include <checksum/file_list.hpp>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace spmd_sum {

/// A tool's output: standard output, or a file that is replaced atomically once the output is complete. Until
/// then the output goes to a temporary file beside it, which commit() renames, with the permissions of the
/// old file.
///
///     spmd_sum::output_file output("sums");
///     std::fputs("…\n", output.stream());
///     output.commit();       // without this call the old file stays
///
/// A path that is not a regular file, such as a FIFO, is written to directly, and so is the file that is
/// standard output or standard error, as with /dev/stdout. The target of a symbolic link is replaced, not the
/// link.
class output_file {
public:
    /// Opens the output; an empty `path` is standard output. Throws: std::system_error, its message "PATH:
    /// REASON".
    explicit output_file(const std::string& path);
    output_file(const output_file&) = delete;
    output_file& operator=(const output_file&) = delete;
    ~output_file();

    [[nodiscard]] std::FILE* stream() const noexcept { return stream_; }
    [[nodiscard]] bool is_terminal() const noexcept;
    /// Identities of the regular files written to and of those that they replace.
    [[nodiscard]] std::vector<checksum::file_identity> identities() const;
    /// Subject of messages about the output: its path, or "write error" for standard output.
    [[nodiscard]] std::string subject() const { return path_.empty() ? "write error" : path_; }
    /// Flushes the output, syncs it to disk and replaces the file. Throws: std::system_error, its message
    /// "SUBJECT: REASON".
    void commit();

private:
    std::string path_;      // empty: standard output
    std::string temporary_; // empty if there is none
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> own_{nullptr, nullptr};
    std::FILE* stream_ = stdout;
};

} // namespace spmd_sum
