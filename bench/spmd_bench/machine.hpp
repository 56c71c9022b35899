#pragma once

#include <iosfwd>
#include <string>

namespace spmd_bench {

/// The CPU's name as the kernel tells it, "AMD EPYC 9J14"; where it tells none, as on ARM, the architecture.
std::string cpu_model();

/// The first "model name" in the text of /proc/cpuinfo; empty where there is none. Format: proc(5).
std::string model_name_in(std::istream& cpuinfo);

} // namespace spmd_bench
