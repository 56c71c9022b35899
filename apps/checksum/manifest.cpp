#include <checksum/manifest.hpp>

#include <checksum/sum_line.hpp>

#include <algorithm>
#include <array>
#include <system_error>
#include <utility>

namespace checksum {
namespace {

constexpr unsigned no_digit = 16;

constexpr unsigned value_of(char digit) noexcept {
    if (digit >= '0' && digit <= '9') return static_cast<unsigned>(digit - '0');
    if (digit >= 'a' && digit <= 'f') return static_cast<unsigned>(digit - 'a') + 10;
    if (digit >= 'A' && digit <= 'F') return static_cast<unsigned>(digit - 'A') + 10;
    return no_digit;
}

std::optional<digest_bytes> parse_hex(std::string_view text) {
    if (text.empty() || text.size() % 2 != 0 || text.size() / 2 > digest_bytes::capacity) return std::nullopt;
    std::array<std::uint8_t, digest_bytes::capacity> bytes{};
    for (std::size_t i = 0; i < text.size() / 2; ++i) {
        const unsigned high = value_of(text[2 * i]);
        const unsigned low = value_of(text[2 * i + 1]);
        if (high == no_digit || low == no_digit) return std::nullopt;
        bytes[i] = static_cast<std::uint8_t>(high << 4U | low);
    }
    return digest_bytes{std::span<const std::uint8_t>{bytes.data(), text.size() / 2}};
}

/// As in "SHA512/256" and "BLAKE2b".
constexpr bool may_be_in_tag(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '/' || c == '_';
}

constexpr std::string_view blanks = " \t";

std::string_view without_leading_blanks(std::string_view text) {
    return text.substr(std::min(text.find_first_not_of(blanks), text.size()));
}

/// What reading a file throws, as an error of a manifest.
template <class Act>
auto of_manifest(const Act& act) {
    try {
        return act();
    } catch (const std::system_error& error) {
        throw manifest_error{error.what()};
    }
}

} // namespace

std::optional<manifest_entry> manifest_parser::parse(std::string_view line) {
    line = without_leading_blanks(line);
    is_line_escaped_ = !is_zero_ended_ && line.starts_with('\\');
    if (is_line_escaped_) line.remove_prefix(1);
    std::optional<manifest_entry> entry = parse_tagged(line);
    if (!entry) entry = parse_untagged(line);
    if (!entry || entry->name.empty()) return std::nullopt;
    if (is_line_escaped_) {
        std::optional<std::string> name = unescaped(entry->name);
        if (!name) return std::nullopt;
        entry->name = std::move(*name);
    }
    if (entry->name.find('\0') != std::string::npos) return std::nullopt;
    return entry;
}

/// `TAG (name) = digest` or `TAG(name)= digest`: the name goes to the last parenthesis.
std::optional<manifest_entry> manifest_parser::parse_tagged(std::string_view line) const {
    const std::size_t open = line.find('(');
    const std::size_t close = line.rfind(')');
    if (open == std::string_view::npos || close == std::string_view::npos || close < open)
        return std::nullopt;
    std::string_view tag = line.substr(0, open);
    if (tag.ends_with(' ')) tag.remove_suffix(1);
    if (tag.empty() || !std::ranges::all_of(tag, may_be_in_tag)) return std::nullopt;
    std::string_view rest = without_leading_blanks(line.substr(close + 1));
    if (!rest.starts_with('=')) return std::nullopt;
    rest = without_leading_blanks(rest.substr(1));
    const std::optional<digest_bytes> digest = parse_hex(rest);
    if (!digest) return std::nullopt;
    return manifest_entry{.tag = std::string(tag),
                          .digest = *digest,
                          .name = std::string(line.substr(open + 1, close - open - 1))};
}

std::optional<manifest_entry> manifest_parser::parse_untagged(std::string_view line) {
    const std::size_t end = line.find_first_of(blanks);
    if (end == std::string_view::npos || end + 1 >= line.size()) return std::nullopt;
    const std::optional<digest_bytes> digest = parse_hex(line.substr(0, end));
    if (!digest) return std::nullopt;
    std::string_view name = line.substr(end + 1);
    const bool has_two = name.size() > 1 && (name.front() == ' ' || name.front() == '*');
    if (!has_two && form_ == untagged_form::two_characters) return std::nullopt;
    if (!has_two) form_ = untagged_form::one_space;
    if (form_ != untagged_form::one_space) {
        form_ = untagged_form::two_characters;
        name.remove_prefix(1);
    }
    return manifest_entry{.digest = *digest, .name = std::string(name)};
}

manifest_reader::manifest_reader(const std::string& path, bool is_zero_ended)
    : lines_{of_manifest([&] { return text_lines(path, is_zero_ended ? '\0' : '\n'); })},
      parser_{is_zero_ended}, is_zero_ended_{is_zero_ended} {}

std::variant<manifest_entry, malformed_line, manifest_end> manifest_reader::next() {
    while (const std::optional<std::string_view> next = of_manifest([&] { return lines_.next(); })) {
        ++line_number_;
        std::string_view line = *next;
        if (!is_zero_ended_ && line.ends_with('\r')) line.remove_suffix(1);
        if (line.empty() || line.starts_with('#')) continue;
        if (std::optional<manifest_entry> entry = parser_.parse(line)) return std::move(*entry);
        return malformed_line{};
    }
    return manifest_end{};
}

} // namespace checksum
