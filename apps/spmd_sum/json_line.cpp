#include <spmd_sum/json_line.hpp>

#include <checksum/algorithm.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <span>

namespace spmd_sum {
namespace {

constexpr auto replace = nlohmann::json::error_handler_t::replace;

std::string json_string(std::string_view text) { return nlohmann::json(text).dump(-1, ' ', false, replace); }

bool is_utf8(std::string_view text) {
    try {
        static_cast<void>(nlohmann::json(text).dump());
        return true;
    } catch (const nlohmann::json::type_error&) {
        return false;
    }
}

} // namespace

void append_json_line(std::string& text, std::string_view name,
                      std::initializer_list<std::pair<const char*, std::string>> members) {
    text += R"({"name":)" + json_string(name);
    if (!is_utf8(name)) {
        const auto* const bytes = reinterpret_cast<const std::uint8_t*>(name.data());
        text += R"(,"name_hex":")";
        checksum::append_hex(text, std::span(bytes, name.size()));
        text += '"';
    }
    for (const auto& [key, value] : members) text += ',' + json_string(key) + ':' + json_string(value);
    text += "}\n";
}

} // namespace spmd_sum
