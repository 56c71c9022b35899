#pragma once

#include <spmd/trace_recorder.hpp>

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/variables_map.hpp>

#include <optional>
#include <string>

namespace apps {

/// What a tool was asked to record.
struct trace_request {
    std::string path; ///< empty: nothing
    spmd::trace_options options;
};

/// Adds `--trace FILE` and `--trace-tracks thread|rank` to a tool's options.
void add_trace_options(boost::program_options::options_description& options);

/// What is asked for. Throws: boost::program_options::error, which names the value that is none.
trace_request asked_trace(const boost::program_options::variables_map& given);

/// The trace of a tool's run, on its way to a file.
class trace_file {
public:
    /// Opens the file, so that one that cannot be written is told before the run. Throws: std::system_error naming it.
    explicit trace_file(const trace_request& asked);

    /// For the pools to record into; empty where no trace was asked for.
    const std::optional<spmd::trace_recorder>& recorder() const noexcept { return recorder_; }
    /// Writes it. Returns what to tell the user of events that found no room; empty if there were none.
    /// Throws: std::system_error naming the file.
    std::string write() const;

private:
    std::string path_;
    std::optional<spmd::trace_recorder> recorder_;
};

} // namespace apps
