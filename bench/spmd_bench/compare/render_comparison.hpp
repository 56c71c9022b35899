#pragma once

#include "spmd_bench/compare/comparison.hpp"

#include <string>

namespace spmd_bench {

/// The differences in sentences, then a table, for a terminal.
std::string render_table(const comparison& whole);
/// The differences as JSON; null for an unknown bound.
std::string render_json(const comparison& whole);

} // namespace spmd_bench
