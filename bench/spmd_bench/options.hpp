#pragma once

#include "measurement.hpp"
#include "workload.hpp"

#include <spmd/topology.hpp>

#include <common/progress_line.hpp>
#include <common/trace_option.hpp>

#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace spmd_bench {

enum class report_format { table, markdown, csv, json };

/// What is asked for on the command line. The defaults are the notebook's experiment.
struct options {
    bool help = false;     ///< the rest is then not looked at
    bool topology = false; ///< the pool is shown, and nothing is measured
    workload_options workload;
    measurement_options measurement;
    std::size_t ranks = 100;
    std::size_t threads = spmd::available_threads();
    spmd::placement placement = spmd::placement::compact;
    bool pin = false;
    std::vector<std::string> ways; ///< each can run the workload; in the order given
    apps::progress_mode progress = apps::progress_mode::automatic;
    apps::trace_request trace;
    report_format format = report_format::table;
    std::string output; ///< a file; empty: standard output
};

/// An option is unknown, malformed, or of no use with another one. The message is one line for the user.
class option_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The options of a command line, without the program's name. Items are five per rank unless given; ways are all
/// that can run the workload unless given. Throws: option_error.
options parse_options(const std::vector<std::string>& arguments);

/// What --help prints.
std::string help_text();

/// The options that give this run again, one per element, in the shell's language: "--ranks 100".
std::vector<std::string> spelled_out(const options& asked);

std::string_view name_of(workload_kind kind);
std::string_view name_of(spmd::placement placement);

} // namespace spmd_bench
