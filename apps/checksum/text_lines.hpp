#pragma once

#include <checksum/file_reader.hpp>

#include <atomic>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace checksum {

/// The lines of a file, or whatever else a byte ends, one after the other; memory is for one of them.
class text_lines {
public:
    /// `path`: "-" for standard input. `end`: of a line; the last one may lack it. `stop`: as file_reader has it.
    /// Throws: std::system_error, its message "PATH: REASON", where standard input's path is "standard input".
    text_lines(const std::string& path, char end, const std::atomic<bool>* stop = nullptr);

    /// Whether next() would wait: a pipe has nothing now.
    [[nodiscard]] bool would_wait() const noexcept { return block_.empty() && file_.would_wait(); }
    /// The next line without its end; nothing after the last. It stays until the next call.
    /// Blocks: on the file. Throws: as above.
    [[nodiscard]] std::optional<std::string_view> next();
    /// Whether what is read here is lost to readers of standard input, and theirs to this: the path is "-", or that of the
    /// pipe or device which standard input is. A regular file is read from a place of its own.
    [[nodiscard]] bool shares_standard_input() const noexcept { return shares_standard_input_; }
    /// What messages call the file.
    [[nodiscard]] const std::string& name() const noexcept { return name_; }

private:
    std::string name_;
    file_reader file_;
    bool shares_standard_input_;
    char end_;
    std::span<const std::byte> block_; // what was read and not given yet
    std::string line_;
};

} // namespace checksum
