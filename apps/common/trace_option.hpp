#pragma once

#include <spmd/trace_recorder.hpp>

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/variables_map.hpp>

#include <optional>
#include <string>

namespace apps {

/// The trace that the command line requests.
struct trace_request {
    std::string path; ///< empty: no trace
    spmd::trace_options options;
};

/// Adds `--trace FILE` and `--trace-tracks thread|rank` to a tool's options.
void add_trace_options(boost::program_options::options_description& options);

/// The trace that `given` requests. Throws: boost::program_options::error naming the invalid value.
trace_request requested_trace(const boost::program_options::variables_map& given);

/// Records the trace of a tool's run and writes it to a file.
class trace_file {
public:
    /// Opens the file, so that one that cannot be written is reported before the run.
    /// Throws: std::system_error naming the file.
    explicit trace_file(const trace_request& request);

    /// The recorder to construct pools with; empty if no trace is requested.
    const std::optional<spmd::trace_recorder>& recorder() const noexcept { return recorder_; }
    /// Writes the file. Returns a message about the events dropped for lack of space; empty if there were
    /// none.
    /// Throws: std::system_error naming the file.
    std::string write() const;

private:
    std::string path_;
    std::optional<spmd::trace_recorder> recorder_;
};

} // namespace apps
