#pragma once

#include <spmd_sum/request.hpp>

#include <string>
#include <vector>

namespace spmd_sum {

/// Describes the first file that a run would both read and overwrite by `--output` or `--trace`, as in "--output would
/// overwrite an operand: 'f'"; empty if there is none. Operands, manifests, the file of names and standard input are compared
/// by device and inode, and by path where they do not exist yet. Only regular files can be overwritten: /dev/null can be both.
[[nodiscard]] std::string overwritten_input(const request& wanted);

/// The last components of the paths that are written to, as far as they can be found out.
[[nodiscard]] std::vector<std::string> output_names(const request& wanted);

} // namespace spmd_sum
