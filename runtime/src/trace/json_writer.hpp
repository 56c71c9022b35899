#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace spmd::detail {

/// Returns the text as a JSON string, in quotes. Invalid UTF-8 is replaced by U+FFFD. Format: RFC 8259, 7.
std::string json_quoted(std::string_view text);

/// A JSON object, written member by member.
class json_object {
public:
    json_object& string(std::string_view name, std::string_view value);
    json_object& number(std::string_view name, std::int64_t value);
    /// Adds a time in microseconds, with all digits. Requires: nanoseconds >= 0.
    json_object& time(std::string_view name, std::int64_t nanoseconds);
    /// Adds an object unless it is empty.
    json_object& object(std::string_view name, const json_object& value);

    std::string text() const { return '{' + members_ + '}'; }

private:
    json_object& add(std::string_view name, std::string_view value);

    std::string members_;
};

} // namespace spmd::detail
