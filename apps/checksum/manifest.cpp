#include <checksum/manifest.hpp>

#include <checksum/sum_line.hpp>

#include <algorithm>
#include <array>
#include <system_error>
#include <utility>

namespace checksum {
namespace {

constexpr std::uint8_t no_digit = 0xff;

/// The value of each hexadecimal digit, by its character.
constexpr std::array<std::uint8_t, 256> digit_values = [] {
    std::array<std::uint8_t, 256> values{};
    values.fill(no_digit);
    for (std::uint8_t i = 0; i < 10; ++i) values[static_cast<std::uint8_t>('0' + i)] = i;
    for (std::uint8_t i = 0; i < 6; ++i)
        values[static_cast<std::uint8_t>('a' + i)] = values[static_cast<std::uint8_t>('A' + i)] =
            static_cast<std::uint8_t>(10 + i);
    return values;
}();

std::optional<digest_bytes> parse_hex(std::string_view text) {
    if (text.empty() || text.size() % 2 != 0 || text.size() / 2 > digest_bytes::capacity) return std::nullopt;
    std::array<std::uint8_t, digest_bytes::capacity> bytes{};
    unsigned seen = 0;
    for (std::size_t i = 0; i < text.size() / 2; ++i) {
        const unsigned high = digit_values[static_cast<std::uint8_t>(text[2 * i])];
        const unsigned low = digit_values[static_cast<std::uint8_t>(text[2 * i + 1])];
        seen |= high | low;
        bytes[i] = static_cast<std::uint8_t>(high << 4U | low);
    }
    if (seen >= 16) return std::nullopt;
    return digest_bytes{std::span<const std::uint8_t>{bytes.data(), text.size() / 2}};
}

/// Accepts the characters of tags such as "SHA512/256" and "BLAKE2b".
constexpr bool may_be_in_tag(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '/' || c == '_';
}

constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

std::string_view without_leading_blanks(std::string_view text) {
    return {std::ranges::find_if_not(text, is_blank), text.end()};
}

/// Parses `TAG (name) = digest` or `TAG(name)= digest`; the name extends to the last parenthesis.
std::optional<manifest_entry> parse_tagged(std::string_view line) {
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

/// Calls `act`, and converts errors of reading a file to manifest_error.
template <class Act>
auto as_manifest_error(const Act& act) {
    try {
        return act();
    } catch (const std::system_error& error) {
        throw manifest_error{error.what()};
    }
}

} // namespace

std::optional<manifest_entry> manifest_parser::parse(std::string_view line) {
    line = without_leading_blanks(line);
    const bool is_escaped = !format_.is_zero_ended && line.starts_with('\\');
    if (is_escaped) line.remove_prefix(1);
    std::optional<manifest_entry> entry = parse_untagged(line);
    if (!entry) entry = parse_tagged(line);
    if (!entry) return std::nullopt;
    if (is_escaped) {
        std::optional<std::string> name = unescaped(entry->name);
        if (!name) return std::nullopt;
        entry->name = std::move(*name);
    }
    if (entry->name.find('\0') != std::string::npos) return std::nullopt;
    return entry;
}

/// Parses the forms without a tag. Only a line with a whole digest settles the form of the manifest, since
/// prose may begin with digits and a space.
std::optional<manifest_entry> manifest_parser::parse_untagged(std::string_view line) {
    const std::size_t end = 2 * format_.digest_size;
    if (line.size() < end + 2 || !is_blank(line[end])) return std::nullopt;
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

manifest_reader::manifest_reader(const std::string& path, const manifest_format& format,
                                 const std::atomic<bool>* stop)
    : lines_{as_manifest_error([&] { return text_lines(path, format.is_zero_ended ? '\0' : '\n', stop); })},
      parser_{format}, is_zero_ended_{format.is_zero_ended} {}

std::variant<manifest_entry, malformed_line, manifest_end> manifest_reader::next() {
    while (const std::optional<std::string_view> next = as_manifest_error([&] { return lines_.next(); })) {
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
