#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace spmd::detail {

/// U+FFFD, for each byte that is not part of a valid character.
inline constexpr std::string_view utf8_replacement = "\xEF\xBF\xBD";

/// A character and the number of bytes that encode it in UTF-8.
struct utf8_character {
    char32_t code = 0;
    std::size_t size = 0;

    friend bool operator==(const utf8_character&, const utf8_character&) = default;
};

/// Decodes the first character of a text; nothing if its first bytes are not valid UTF-8.
/// Format: RFC 3629. Requires: !text.empty().
std::optional<utf8_character> first_utf8_character(std::string_view text) noexcept;

} // namespace spmd::detail
