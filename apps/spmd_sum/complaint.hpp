#pragma once

#include <string_view>

namespace spmd_sum {

/// Prints a message to standard error in one line, after flushing standard output. Control characters are
/// escaped as in GNU's shell-escape quoting.
void complain(std::string_view message);

} // namespace spmd_sum
