#pragma once

#include "spmd_bench/options/given_options.hpp"
#include "spmd_bench/options/measurement_options.hpp"
#include "spmd_bench/options/report_format.hpp"
#include "spmd_bench/options/sweep.hpp"
#include "spmd_bench/options/way_kind.hpp"
#include "spmd_bench/options/workload_options.hpp"

#include <spmd/engine_pool.hpp>
#include <spmd/placement.hpp>

#include <common/progress_line.hpp>
#include <common/trace_option.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace spmd_bench {

/// A file to which the report is written, too.
struct report_file {
    report_format format;
    std::string path;
};

/// Measured runs at each point of a sweep, unless the user chooses.
inline constexpr std::size_t sweep_repetitions = 15;

/// The options of the command line. The defaults are the notebook's experiment.
struct options {
    bool help = false;     ///< the other members are then unused
    bool topology = false; ///< show the pool, and measure nothing
    workload_kind workload = workload_kind::files;
    std::string input; ///< a directory of files; empty: they are generated
    sweep_axes axes;
    measurement_options measurement;
    spmd::placement placement = spmd::placement::compact;
    bool pin = false;
    std::vector<std::string> peer_reports{}; ///< files
    std::vector<way_kind> ways;              ///< each can run the workload; in the user's order
    apps::progress_mode progress = apps::progress_mode::automatic;
    apps::trace_request trace;
    report_format format = report_format::table;
    std::string output;             ///< a file; empty: standard output
    std::vector<report_file> files; ///< in addition to `output`
};

/// Parses a command line, without the program's name. Unless chosen, items are five for each of the most
/// ranks, threads those available, and ways default_ways(). Throws: option_error.
options parse_options(const std::vector<std::string>& arguments);

/// All ways that can run the kind; in a sweep those of sweep_ways.
std::vector<way_kind> default_ways(workload_kind kind, bool sweeps);

/// The workload and the pool of one point.
workload_options workload_at(const options& request, const sweep_point& point);
spmd::engine_pool_options pool_at(const options& request, const sweep_point& point);

} // namespace spmd_bench
