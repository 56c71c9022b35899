#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace spmd_sum {

/// Appends one line of JSON (RFC 8259): an object about the file `name`, and these members with it. A name that is no UTF-8
/// has U+FFFD where it is not, and then "name_hex" has all its bytes.
void append_json_line(std::string& text, std::string_view name,
                      std::initializer_list<std::pair<const char*, std::string>> members);

} // namespace spmd_sum
