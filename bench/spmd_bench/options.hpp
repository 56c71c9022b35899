#pragma once

#include "measurement.hpp"
#include "sweep.hpp"
#include "workload.hpp"

#include <spmd/engine_pool.hpp>
#include <spmd/machine.hpp>
#include <spmd/placement.hpp>

#include <common/progress_line.hpp>
#include <common/trace_option.hpp>

#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace spmd_bench {

enum class report_format { table, markdown, html, csv, json };

/// A file that gets the report, too.
struct report_file {
    report_format format;
    std::string path;
};

/// What is asked for on the command line. The defaults are the notebook's experiment.
struct options {
    bool help = false;     ///< the rest is then not looked at
    bool topology = false; ///< the pool is shown, and nothing is measured
    workload_kind workload = workload_kind::files;
    std::string input; ///< a directory of files; empty: they are made
    sweep_axes axes;
    measurement_options measurement;
    spmd::placement placement = spmd::placement::compact;
    bool pin = false;
    std::vector<std::string> peer_reports{}; ///< files
    bool model = false;                      ///< spmd's time is predicted for more cores
    std::vector<std::string> ways;           ///< each can run the workload; in the order given
    apps::progress_mode progress = apps::progress_mode::automatic;
    apps::trace_request trace;
    report_format format = report_format::table;
    std::string output;             ///< a file; empty: standard output
    std::vector<report_file> files; ///< beside that
};

/// An option is unknown, malformed, or of no use with another one. The message is one line for the user.
class option_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The options of a command line, without the program's name. Unless given, items are five for each of the most ranks,
/// threads those that are available, and ways all that can run the workload, in a sweep four of them.
/// Throws: option_error.
options parse_options(const std::vector<std::string>& arguments);

/// The workload of a point, and the pool.
workload_options workload_at(const options& asked, const sweep_point& at);
spmd::engine_pool_options pool_at(const options& asked, const sweep_point& at);

/// What --help prints.
std::string help_text();

/// The options that give this run again, one per element, in the shell's language: "--ranks 100".
std::vector<std::string> spelled_out(const options& asked);

/// Whether its items have a size, and whether they take the time of --item-cost.
bool has_bytes(workload_kind kind);
bool has_cost(workload_kind kind);
std::string_view name_of(workload_kind kind);
std::string_view name_of(spmd::placement placement);

} // namespace spmd_bench
