#pragma once

#include <boost/program_options.hpp>

#include <string>

namespace spmd_bench {

/// Width of a terminal, in columns, for help and reports.
inline constexpr unsigned terminal_width = 80;

/// All options of a measurement, with their help.
boost::program_options::options_description described_options();

/// The text of --help.
std::string help_text();

} // namespace spmd_bench
