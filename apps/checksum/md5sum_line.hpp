#pragma once

#include <checksum/digest.hpp>

#include <string>
#include <string_view>

namespace checksum {

/// The line that md5sum (GNU coreutils 9.1) prints for a file, its newline included: the digest's hex,
/// two spaces, the name. In a name with a backslash, newline or carriage return these become \\, \n, \r
/// and the line begins with a backslash; every other byte of a name is kept, valid UTF-8 or not.
///
///     checksum::md5sum_line(digest, "notes.txt");   // "d41d8cd98f00b204e9800998ecf8427e  notes.txt\n"
[[nodiscard]] std::string md5sum_line(const md5& digest, std::string_view name);

} // namespace checksum
