#include "spmd_bench/report/escaped_html.hpp"

#include <nlohmann/json.hpp>

namespace spmd_bench {

std::string escaped_html(std::string_view text) {
    // The library replaces invalid UTF-8 as it writes; parsing undoes the quotes and escapes.
    const std::string valid =
        nlohmann::json::parse(
            nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace))
            .get<std::string>();
    std::string escaped;
    for (const char c : valid) {
        switch (c) {
            case '&': escaped += "&amp;"; break;
            case '<': escaped += "&lt;"; break;
            case '>': escaped += "&gt;"; break;
            case '"': escaped += "&quot;"; break;
            case '\'': escaped += "&#39;"; break;
            default: escaped += static_cast<unsigned char>(c) < ' ' ? ' ' : c; break;
        }
    }
    return escaped;
}

} // namespace spmd_bench
