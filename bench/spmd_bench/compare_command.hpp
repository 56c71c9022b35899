#pragma once

#include <string>
#include <vector>

namespace spmd_bench {

/// `spmd_bench compare BEFORE AFTER`: what it prints, and its exit status.
struct command_result {
    std::string text;
    int status = 0;
};

/// `arguments`: those after "compare". Throws: option_error; report_error.
command_result run_compare(const std::vector<std::string>& arguments);

} // namespace spmd_bench
