#pragma once

#include <string_view>

namespace spmd_bench {

/// The style sheet of a report's page: light and dark, for screens, phones and paper.
extern const std::string_view html_style;

} // namespace spmd_bench
