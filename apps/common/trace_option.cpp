#include <common/trace_option.hpp>

#include <boost/program_options/errors.hpp>
#include <boost/program_options/value_semantic.hpp>

#include <cerrno>
#include <fstream>
#include <system_error>

namespace apps {

namespace po = boost::program_options;

void add_trace_options(po::options_description& options) {
    options.add_options()("trace", po::value<std::string>()->value_name("FILE"),
                          "write a timeline of the run to FILE, for ui.perfetto.dev")(
        "trace-tracks", po::value<std::string>()->value_name("KIND"),
        "one track for each: thread, rank (default: thread)");
}

trace_request requested_trace(const po::variables_map& given) {
    trace_request request;
    if (given.count("trace") > 0) request.path = given["trace"].as<std::string>();
    if (given.count("trace") > 0 && request.path.empty())
        throw po::error("--trace needs the name of a file, not ''");
    if (given.count("trace-tracks") == 0) return request;
    const auto& tracks = given["trace-tracks"].as<std::string>();
    if (tracks != "thread" && tracks != "rank")
        throw po::error("--trace-tracks is one of thread, rank, not '" + tracks + "'");
    if (request.path.empty()) throw po::error("--trace-tracks needs --trace FILE");
    request.options.tracks = tracks == "rank" ? spmd::trace_tracks::per_rank : spmd::trace_tracks::per_thread;
    return request;
}

trace_file::trace_file(const trace_request& request) : path_(request.path) {
    if (path_.empty()) return;
    errno = 0;
    if (!std::ofstream(path_, std::ios::app))
        throw std::system_error(errno != 0 ? errno : EIO, std::generic_category(), path_);
    recorder_.emplace(request.options);
}

std::string trace_file::write() const {
    if (!recorder_) return {};
    recorder_->write(path_);
    const std::size_t dropped = recorder_->dropped();
    if (dropped == 0) return {};
    return path_ + " holds " + std::to_string(recorder_->events()) + " events of the run; " +
           std::to_string(dropped) + " more were dropped";
}

} // namespace apps
