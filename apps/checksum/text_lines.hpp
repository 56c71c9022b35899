#pragma once

#include <checksum/file_reader.hpp>

#include <atomic>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace checksum {

/// Reads the lines of a file, or records that another byte terminates, holding one in memory.
class text_lines {
public:
    /// Opens `path`; "-" is standard input. `end` terminates a line, optionally the last one. `stop`: as for
    /// file_reader.
    /// Throws: std::system_error, its message "PATH: REASON" or "standard input: REASON".
    text_lines(const std::string& path, char end, const std::atomic<bool>* stop = nullptr);

    /// Returns true if next() would wait, as on a pipe without data.
    [[nodiscard]] bool would_wait() const noexcept { return block_.empty() && file_.would_wait(); }
    /// The next line without its terminator; empty optional after the last. Valid until the next call.
    /// Blocks: on the file. Throws: as above.
    [[nodiscard]] std::optional<std::string_view> next();
    /// Returns true if this consumes the data of standard input: the path is "-", or names the pipe or device
    /// that is standard input. A regular file opened by name has an offset of its own.
    [[nodiscard]] bool shares_standard_input() const noexcept { return shares_standard_input_; }
    /// Name of the file for messages.
    [[nodiscard]] const std::string& name() const noexcept { return name_; }

private:
    std::string name_;
    file_reader file_;
    bool shares_standard_input_;
    char end_;
    std::span<const std::byte> block_; // read, and not returned yet
    std::string line_;
};

} // namespace checksum
