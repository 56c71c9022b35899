#pragma once

#include <string>
#include <vector>

namespace spmd_bench {

/// The output of a command, and its exit status.
struct command_result {
    std::string text;
    int status = 0;
};

/// Runs `spmd_bench compare`. `arguments`: after "compare". Throws: option_error; report_error.
command_result run_compare(const std::vector<std::string>& arguments);

} // namespace spmd_bench
