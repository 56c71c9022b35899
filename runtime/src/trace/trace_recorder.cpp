#include <spmd/trace_recorder.hpp>

#include "trace/trace_json.hpp"

#include <spmd/detail/trace/trace_log.hpp>

#include <cerrno>
#include <fstream>
#include <system_error>

namespace spmd {

std::shared_ptr<detail::trace_log> detail::log_of(const trace_recorder& recorder) { return recorder.log_; }

trace_recorder::trace_recorder(const trace_options& options)
    : tracks_(options.tracks), log_(std::make_shared<detail::trace_log>(options.capacity)) {}

std::size_t trace_recorder::events() const { return log_->size(); }
std::size_t trace_recorder::dropped() const { return log_->dropped(); }

void trace_recorder::write(std::ostream& out) const { detail::write_trace_json(*log_, tracks_, out); }

void trace_recorder::write(const std::string& path) const {
    errno = 0;
    std::ofstream out(path, std::ios::binary);
    if (out) write(out);
    if (out) out.close();
    if (!out) throw std::system_error(errno != 0 ? errno : EIO, std::generic_category(), path);
}

} // namespace spmd
