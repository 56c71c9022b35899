#include <spmd_sum/complaint.hpp>

#include <cstdio>
#include <string>

namespace spmd_sum {

void complain(std::string_view message) {
    std::string line = "spmd_sum: ";
    for (const char c : message) {
        constexpr int digits = 8;
        char escaped[digits];
        if (static_cast<unsigned char>(c) >= ' ' && c != '\x7f')
            line += c;
        else if (std::snprintf(escaped, sizeof escaped, "\\%03o",
                               static_cast<unsigned>(static_cast<unsigned char>(c))) > 0)
            line += escaped;
    }
    std::fflush(stdout);
    std::fprintf(stderr, "%s\n", line.c_str());
}

} // namespace spmd_sum
