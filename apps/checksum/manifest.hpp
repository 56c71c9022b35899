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

/// A line of a manifest: the digest that a file should have.
struct manifest_entry {
    std::string tag{}; ///< the algorithm's name where the line has it, as it is written there
    digest_bytes digest{};
    std::string name{};
    bool operator==(const manifest_entry&) const = default;
};

/// What the user says of a manifest's lines.
struct manifest_format {
    bool is_zero_ended = false;   ///< lines are ended by NUL instead of a newline, and names are not escaped
    std::size_t digest_size = 16; ///< of a line without a tag, in bytes
};

/// Reads the lines of one manifest, as GNU coreutils 9.1 does (its src/digest.c): `digest  name`, `digest *name`,
/// `MD5 (name) = digest`, OpenSSL's `MD5(name)= digest`, and BSD's reversed `digest name`, which is not taken in a manifest
/// that has one of the first two, nor these in one that has it: else a name's first space could be hidden. Digits may be upper case.
/// A line that begins with a backslash has its name escaped. A name is exact: spaces and `*` at its beginning belong to it.
class manifest_parser {
public:
    explicit manifest_parser(const manifest_format& format = {}) noexcept : format_{format} {}

    /// `line`: without its end. Nothing where it is malformed. That a tagged line's digest is as long as its algorithm's is not
    /// asked. Only a tagged line's name may be empty.
    [[nodiscard]] std::optional<manifest_entry> parse(std::string_view line);

private:
    enum class untagged_form { unknown, two_characters, one_space };

    std::optional<manifest_entry> parse_untagged(std::string_view line);

    manifest_format format_;
    untagged_form form_ = untagged_form::unknown;
};

/// A manifest cannot be opened or read; the message is "PATH: REASON".
class manifest_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct malformed_line {};
struct manifest_end {};

/// A manifest in a file, line by line: memory is for one line. Comments, which begin with `#`, and empty lines are passed
/// over; a carriage return before a newline is no part of a line.
class manifest_reader {
public:
    /// `path`: "-" for standard input. Throws: manifest_error.
    /// `stop`: where it is true, the manifest is at its end.
    explicit manifest_reader(const std::string& path, const manifest_format& format = {},
                             const std::atomic<bool>* stop = nullptr);

    /// Blocks: on the file. Throws: manifest_error.
    [[nodiscard]] std::variant<manifest_entry, malformed_line, manifest_end> next();
    /// Whether next() would wait: a pipe has nothing now.
    [[nodiscard]] bool would_wait() const noexcept { return lines_.would_wait(); }
    /// As text_lines has it.
    [[nodiscard]] bool shares_standard_input() const noexcept { return lines_.shares_standard_input(); }
    /// The number of the line that came last, from 1.
    [[nodiscard]] std::size_t line_number() const noexcept { return line_number_; }
    /// What messages call it.
    [[nodiscard]] const std::string& name() const noexcept { return lines_.name(); }

private:
    text_lines lines_;
    manifest_parser parser_;
    bool is_zero_ended_;
    std::size_t line_number_ = 0;
};

} // namespace checksum
