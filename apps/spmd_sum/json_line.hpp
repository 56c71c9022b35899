#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace spmd_sum {

/// Appends one line of JSON (RFC 8259): an object with the member "name" and `members`. Invalid UTF-8 in the
/// name is replaced by U+FFFD; a member "name_hex" then holds all of its bytes.
void append_json_line(std::string& text, std::string_view name,
                      std::initializer_list<std::pair<const char*, std::string>> members);

} // namespace spmd_sum
