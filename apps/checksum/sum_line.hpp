#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace checksum {

/// Format of the lines to write, after the GNU coreutils manual (md5sum invocation). A name with a backslash,
/// a newline or a carriage return is escaped, and its line begins with a backslash; all other bytes are
/// written unchanged.
struct line_format {
    bool is_tagged = false;     ///< `MD5 (name) = digest`
    bool is_binary = false;     ///< `digest *name`, otherwise `digest  name`; ignored if tagged
    bool is_zero_ended = false; ///< lines end in NUL instead of a newline, and nothing is escaped
};

/// Appends a line. `tag` is the algorithm's tag, for tagged lines.
void append_sum_line(std::string& text, std::span<const std::uint8_t> digest, std::string_view name,
                     std::string_view tag, const line_format& format);

/// Returns true if a name needs escaping.
[[nodiscard]] bool is_escaped(std::string_view name) noexcept;
/// Appends the name, with a backslash, a newline and a carriage return written as `\\`, `\n` and `\r`.
void append_escaped(std::string& text, std::string_view name);
/// Reverses append_escaped(); empty if `text` has another escape or a NUL.
[[nodiscard]] std::optional<std::string> unescaped(std::string_view text);

} // namespace checksum
