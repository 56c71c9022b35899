#include "trace/json_writer.hpp"

#include "base/utf8.hpp"

#include <array>
#include <cstdio>

namespace spmd::detail {
namespace {

std::string escaped(char32_t control) {
    std::array<char, sizeof "\\u0000"> escape{};
    static_cast<void>(
        std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(control) & 0xFFU));
    return escape.data();
}

} // namespace

std::string json_quoted(std::string_view text) {
    std::string quoted = "\"";
    while (!text.empty()) {
        const auto character = first_utf8_character(text);
        const std::size_t size = character ? character->size : 1;
        if (!character) {
            quoted += utf8_replacement;
        } else if (character->code < ' ') {
            quoted += escaped(character->code);
        } else {
            if (character->code == '"' || character->code == '\\') quoted += '\\';
            quoted += text.substr(0, size);
        }
        text.remove_prefix(size);
    }
    return quoted += '"';
}

json_object& json_object::string(std::string_view name, std::string_view value) {
    return add(name, json_quoted(value));
}

json_object& json_object::number(std::string_view name, std::int64_t value) {
    return add(name, std::to_string(value));
}

json_object& json_object::time(std::string_view name, std::int64_t nanoseconds) {
    constexpr std::int64_t thousand = 1000;
    const std::string fraction = std::to_string(thousand + nanoseconds % thousand).substr(1);
    return add(name, std::to_string(nanoseconds / thousand) + '.' + fraction);
}

json_object& json_object::object(std::string_view name, const json_object& value) {
    return value.members_.empty() ? *this : add(name, value.text());
}

json_object& json_object::add(std::string_view name, std::string_view value) {
    if (!members_.empty()) members_ += ',';
    members_ += json_quoted(name);
    members_ += ':';
    members_ += value;
    return *this;
}

} // namespace spmd::detail
