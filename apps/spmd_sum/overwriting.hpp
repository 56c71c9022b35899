#pragma once

#include <spmd_sum/request.hpp>

#include <string>
#include <vector>

namespace spmd_sum {

/// Describes the first input that `--output` or `--trace` would overwrite, as in "--output would overwrite an
/// operand: 'f'"; empty if there is none. Operands, manifests, the file of names and standard input are
/// compared by device and inode, or by path if they do not exist. Files that are not regular, such as
/// /dev/null, cannot be overwritten.
[[nodiscard]] std::string overwritten_input(const request& wanted);

/// Last components of the paths of the output and the trace, as far as they are known.
[[nodiscard]] std::vector<std::string> output_names(const request& wanted);

} // namespace spmd_sum
