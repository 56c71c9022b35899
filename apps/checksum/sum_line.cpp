#include <checksum/sum_line.hpp>

#include <checksum/algorithm.hpp>

#include <algorithm>

namespace checksum {

void append_sum_line(std::string& text, std::span<const std::uint8_t> digest, std::string_view name,
                     std::string_view tag, const line_format& format) {
    const bool escapes = !format.is_zero_ended && is_escaped(name);
    const auto append_name = [&] {
        if (escapes)
            append_escaped(text, name);
        else
            text += name;
    };
    if (escapes) text += '\\';
    if (format.is_tagged) {
        text += tag;
        text += " (";
        append_name();
        text += ") = ";
        append_hex(text, digest);
    } else {
        append_hex(text, digest);
        text += ' ';
        text += format.is_binary ? '*' : ' ';
        append_name();
    }
    text += format.is_zero_ended ? '\0' : '\n';
}

bool is_escaped(std::string_view name) noexcept {
    return name.find_first_of("\\\n\r") != std::string_view::npos;
}

void append_escaped(std::string& text, std::string_view name) {
    for (const char character : name) {
        switch (character) {
            case '\\': text += "\\\\"; break;
            case '\n': text += "\\n"; break;
            case '\r': text += "\\r"; break;
            default: text += character; break;
        }
    }
}

std::optional<std::string> unescaped(std::string_view text) {
    std::string name;
    name.reserve(text.size());
    for (auto next = text.begin(); next != text.end(); ++next) {
        if (*next == '\0') return std::nullopt;
        if (*next != '\\') {
            name += *next;
            continue;
        }
        if (++next == text.end()) return std::nullopt;
        switch (*next) {
            case '\\': name += '\\'; break;
            case 'n': name += '\n'; break;
            case 'r': name += '\r'; break;
            default: return std::nullopt;
        }
    }
    return name;
}

} // namespace checksum
