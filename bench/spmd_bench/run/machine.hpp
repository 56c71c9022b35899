#pragma once

#include <iosfwd>
#include <string>

namespace spmd_bench {

/// The CPU's name, "AMD EPYC 9J14"; the architecture where the kernel does not know it, as on ARM.
std::string cpu_model();

/// The first "model name" in the text of /proc/cpuinfo; empty without one. Format: proc(5).
std::string model_name_in(std::istream& cpuinfo);

} // namespace spmd_bench
