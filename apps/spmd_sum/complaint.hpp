#pragma once

#include <string_view>

namespace spmd_sum {

/// Tells the user on standard error, after what was printed so far, in one line whatever a name holds: control
/// characters are shown as GNU's shell-escape quoting shows them.
void complain(std::string_view message);

} // namespace spmd_sum
