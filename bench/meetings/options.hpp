#pragma once

#include <spmd/machine.hpp>
#include <spmd/placement.hpp>

#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace spmd_meetings {

/// What is asked for on the command line.
struct options {
    bool help = false; ///< the rest is then not looked at
    std::vector<std::size_t> ranks{2, 16, 64, 100, 1'000, 10'000, 100'000, 1'000'000};
    std::vector<std::string> ways{"spmd", "openmp", "std_barrier", "mpi"};
    std::size_t threads = spmd::available_threads(); ///< that run virtual ranks
    std::size_t repetitions = 9;
    std::chrono::nanoseconds time = std::chrono::milliseconds(20); ///< of one measurement, about
};

/// The message is one line for the user.
class option_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The options of a command line, without the program's name. Throws: option_error.
options parse_options(const std::vector<std::string>& arguments);

/// What --help prints.
std::string help_text();

} // namespace spmd_meetings
