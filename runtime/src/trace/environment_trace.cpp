#include "trace/environment_trace.hpp"

#include <spmd/detail/trace/trace_log.hpp>
#include <spmd/trace_recorder.hpp>

#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>

namespace spmd::detail {
namespace {

/// The trace that SPMD_TRACE requests. Never destroyed: threads may record while the process exits.
struct requested_trace {
    trace_recorder recorder;
    std::string path;
    pid_t process = ::getpid();
};

std::string path_for_process(std::string path) {
    for (std::size_t found = path.find("%p"); found != std::string::npos; found = path.find("%p", found))
        path.replace(found, 2, std::to_string(::getpid()));
    return path;
}

requested_trace* read_environment() {
    const char* const path =
        std::getenv("SPMD_TRACE"); // NOLINT(concurrency-mt-unsafe): the library sets no variables
    if (path == nullptr || *path == '\0') return nullptr;
    trace_options options;
    const char* const tracks = std::getenv("SPMD_TRACE_TRACKS"); // NOLINT(concurrency-mt-unsafe)
    if (tracks != nullptr && std::string_view(tracks) == "rank")
        options.tracks = trace_tracks::per_rank;
    else if (tracks != nullptr && std::string_view(tracks) != "thread")
        std::fprintf(stderr, "spmd: SPMD_TRACE_TRACKS must be rank or thread, not '%s'; using thread\n",
                     tracks);
    return new requested_trace{trace_recorder(options), path_for_process(path)};
}

requested_trace* requested() {
    static requested_trace* const trace = [] {
        requested_trace* const read = read_environment();
        if (read != nullptr) std::atexit(write_environment_trace);
        return read;
    }();
    return trace;
}

} // namespace

std::shared_ptr<trace_log> environment_trace() {
    const requested_trace* const trace = requested();
    return trace != nullptr ? log_of(trace->recorder) : nullptr;
}

void write_environment_trace() noexcept {
    const requested_trace& trace = *requested();
    if (trace.process != ::getpid()) return; // in a forked child: its parent writes the file
    try {
        trace.recorder.write(trace.path);
        if (const std::size_t dropped = trace.recorder.dropped(); dropped > 0)
            std::fprintf(stderr,
                         "spmd: SPMD_TRACE: %s holds %zu events; %zu more were dropped for lack of room\n",
                         trace.path.c_str(), trace.recorder.events(), dropped);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "spmd: SPMD_TRACE: %s\n", error.what());
    }
}

} // namespace spmd::detail
