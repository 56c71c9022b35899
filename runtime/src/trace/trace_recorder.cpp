#include <spmd/trace_recorder.hpp>

#include "trace/environment_trace.hpp"
#include "trace/trace_json.hpp"

#include <spmd/detail/trace/trace_log.hpp>

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <optional>
#include <string_view>
#include <system_error>

namespace spmd {

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

namespace detail {
namespace {

/// What SPMD_TRACE asks for. It is never destroyed: threads may record while the process exits.
struct asked_trace {
    trace_recorder recorder;
    std::string path;
    pid_t process = ::getpid();
};

std::string path_for_process(std::string path) {
    for (std::size_t at = path.find("%p"); at != std::string::npos; at = path.find("%p", at))
        path.replace(at, 2, std::to_string(::getpid()));
    return path;
}

asked_trace* ask_environment() {
    const char* const path =
        std::getenv("SPMD_TRACE"); // NOLINT(concurrency-mt-unsafe): nobody here sets variables
    if (path == nullptr || *path == '\0') return nullptr;
    trace_options options;
    const char* const tracks = std::getenv("SPMD_TRACE_TRACKS"); // NOLINT(concurrency-mt-unsafe)
    if (tracks != nullptr && std::string_view(tracks) == "rank")
        options.tracks = trace_tracks::per_rank;
    else if (tracks != nullptr && std::string_view(tracks) != "thread")
        std::fprintf(stderr, "spmd: SPMD_TRACE_TRACKS is rank or thread, not '%s': using thread\n", tracks);
    return new asked_trace{trace_recorder(options), path_for_process(path)};
}

asked_trace* asked() {
    static asked_trace* const made = [] {
        asked_trace* const trace = ask_environment();
        if (trace != nullptr) std::atexit(write_environment_trace);
        return trace;
    }();
    return made;
}

} // namespace

std::shared_ptr<trace_log> environment_trace() {
    const asked_trace* const trace = asked();
    return trace != nullptr ? trace->recorder.log() : nullptr;
}

void write_environment_trace() noexcept {
    const asked_trace& trace = *asked();
    if (trace.process != ::getpid()) return; // a child that was forked: the file is its parent's
    try {
        trace.recorder.write(trace.path);
        if (const std::size_t dropped = trace.recorder.dropped(); dropped > 0)
            std::fprintf(stderr, "spmd: SPMD_TRACE: %s holds %zu events; %zu more found no room\n",
                         trace.path.c_str(), trace.recorder.events(), dropped);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "spmd: SPMD_TRACE: %s\n", error.what());
    }
}

} // namespace detail
} // namespace spmd
