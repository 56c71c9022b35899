#pragma once

#include <checksum/algorithm.hpp>
#include <checksum/text_lines.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

namespace checksum {

/// A line of a manifest: a file name and its expected digest.
struct manifest_entry {
    std::string tag{}; ///< the algorithm's name as written in the line; empty without one
    digest_bytes digest{};
    std::string name{};
    bool operator==(const manifest_entry&) const = default;
};

/// Format of a manifest's lines, as selected by the user.
struct manifest_format {
    bool is_zero_ended = false;   ///< lines end in NUL instead of a newline, and names are not escaped
    std::size_t digest_size = 16; ///< in bytes, for lines without a tag
};

/// Parses the lines of one manifest as GNU coreutils 9.1 does (src/digest.c): `digest  name`, `digest *name`,
/// `MD5 (name) = digest`, OpenSSL's `MD5(name)= digest`, and BSD's reversed `digest name`. The reversed form
/// and the first two exclude each other within a manifest, since a name's first space would be ambiguous.
/// Digits may be upper case. A line that begins with a backslash has an escaped name. Names are exact:
/// leading spaces and `*` belong to them.
class manifest_parser {
public:
    explicit manifest_parser(const manifest_format& format = {}) noexcept : format_{format} {}

    /// Parses a line without its terminator; empty if it is malformed. Does not check that the digest of a
    /// tagged line has its algorithm's size. Only a tagged line's name may be empty.
    [[nodiscard]] std::optional<manifest_entry> parse(std::string_view line);

private:
    enum class untagged_form { unknown, two_characters, one_space };

    std::optional<manifest_entry> parse_untagged(std::string_view line);

    manifest_format format_;
    untagged_form form_ = untagged_form::unknown;
};

/// A manifest cannot be opened or read. The message is "PATH: REASON".
class manifest_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// A line that is not a manifest's.
struct malformed_line {};
/// The end of a manifest.
struct manifest_end {};

/// Reads a manifest from a file line by line, holding one line in memory. Skips comments, which begin with
/// `#`, and empty lines; ignores a carriage return before a newline.
class manifest_reader {
public:
    /// Opens `path`; "-" is standard input. Once `*stop` is true, the manifest is at its end; null: never.
    /// Throws: manifest_error.
    explicit manifest_reader(const std::string& path, const manifest_format& format = {},
                             const std::atomic<bool>* stop = nullptr);

    /// The next line. Blocks: on the file. Throws: manifest_error.
    [[nodiscard]] std::variant<manifest_entry, malformed_line, manifest_end> next();
    /// Returns true if next() would wait, as on a pipe without data.
    [[nodiscard]] bool would_wait() const noexcept { return lines_.would_wait(); }
    /// As text_lines::shares_standard_input().
    [[nodiscard]] bool shares_standard_input() const noexcept { return lines_.shares_standard_input(); }
    /// Number of the last line returned, from 1.
    [[nodiscard]] std::size_t line_number() const noexcept { return line_number_; }
    /// Name for messages.
    [[nodiscard]] const std::string& name() const noexcept { return lines_.name(); }

private:
    text_lines lines_;
    manifest_parser parser_;
    bool is_zero_ended_;
    std::size_t line_number_ = 0;
};

} // namespace checksum
