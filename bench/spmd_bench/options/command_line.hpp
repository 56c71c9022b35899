#pragma once

#include "spmd_bench/options/options.hpp"

#include <string>
#include <vector>

namespace spmd_bench {

/// The options that repeat this run, one per element, quoted for the shell: "--ranks 100".
std::vector<std::string> spelled_out(const options& request);

} // namespace spmd_bench
