#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace checksum {

/// How a line of a manifest is written, as the GNU coreutils manual has it (md5sum invocation). A name with a backslash, a
/// newline or a carriage return is escaped, and its line begins with a backslash; all other bytes are written as they are.
struct line_format {
    bool is_tagged = false;     ///< `MD5 (name) = digest`
    bool is_binary = false;     ///< `digest *name`, else `digest  name`; not where it is tagged
    bool is_zero_ended = false; ///< ended by NUL instead of a newline, and nothing is escaped
};

/// Appends a line. `tag`: the algorithm's name, for tagged lines.
void append_sum_line(std::string& text, std::span<const std::uint8_t> digest, std::string_view name,
                     std::string_view tag, const line_format& format);

/// Whether a name is written otherwise than it is.
[[nodiscard]] bool is_escaped(std::string_view name) noexcept;
/// Appends the name with `\\`, `\n` and `\r` for a backslash, a newline and a carriage return.
void append_escaped(std::string& text, std::string_view name);
/// The name that was written so; nothing where there is another escape, or a NUL.
[[nodiscard]] std::optional<std::string> unescaped(std::string_view text);

} // namespace checksum
