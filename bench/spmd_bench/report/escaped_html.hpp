#pragma once

#include <string>
#include <string_view>

namespace spmd_bench {

/// Escapes text for HTML and XML, also in attributes. Invalid UTF-8 is replaced by U+FFFD.
std::string escaped_html(std::string_view text);

} // namespace spmd_bench
