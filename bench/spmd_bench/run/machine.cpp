#include "spmd_bench/run/machine.hpp"

#include <sys/utsname.h>

#include <fstream>
#include <istream>

namespace spmd_bench {

std::string model_name_in(std::istream& cpuinfo) {
    std::string line;
    while (std::getline(cpuinfo, line)) {
        const std::size_t colon = line.find(": ");
        if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
    }
    return {};
}

std::string cpu_model() {
    std::ifstream cpuinfo("/proc/cpuinfo");
    std::string model = model_name_in(cpuinfo);
    if (!model.empty()) return model;
    utsname system{};
    return ::uname(&system) == 0 ? std::string(static_cast<const char*>(system.machine)) + " CPU"
                                 : "unknown CPU";
}

} // namespace spmd_bench
