#pragma once

#include <cstddef>
#include <iosfwd>
#include <memory>
#include <string>

namespace spmd {

namespace detail {
class trace_log;
}

/// What has a track of its own in a trace.
enum class trace_tracks {
    per_thread, ///< each thread, with what it ran: claimed ranges of a broadcast, and in them its ranks
    per_rank,   ///< each rank of a broadcast, from its beginning to its end, and in it its waits for others
};

struct trace_options {
    trace_tracks tracks = trace_tracks::per_thread;
    /// How many events are kept at most, of 64 bytes each. Each thread takes room for 512 at a time; once there is none left for
    /// it, what it does is dropped, and counted.
    std::size_t capacity = std::size_t{1} << 20;
};

/// Records what pools do: broadcasts, ranks, waits at collectives, concat, stages, batches. It is a handle: copies record
/// into the same trace, which lives as long as one of them, or a pool that records into it.
///
///     spmd::trace_recorder trace;
///     spmd::engine_pool pool{{.ranks = 100, .trace = trace}};
///     pool.broadcast(task).concat();
///     trace.write("run.json");            // for ui.perfetto.dev, or chrome://tracing
///
/// Without code: the environment variable SPMD_TRACE=FILE records all pools that have no recorder of their own, and writes
/// the file when the process exits (`%p` becomes its number); SPMD_TRACE_TRACKS=rank gives each rank a track.
///
/// Cost: nothing measurable where nothing is recorded; else tens of ns an event, of which each rank is one, and each time
/// that a waiting rank goes on. Source of the format: "Trace Event Format", the Chromium project.
/// Thread safety: all members may be called at the same time, also while tasks run; what has not ended is not in the trace yet.
class trace_recorder {
public:
    explicit trace_recorder(const trace_options& options = {});

    /// How many events it has, and how many found no room.
    std::size_t events() const;
    std::size_t dropped() const;

    /// Writes all as Chrome's trace JSON. The caller looks at the stream's state.
    void write(std::ostream& out) const;
    /// The same, to a file, which is replaced. Throws: std::system_error naming it.
    void write(const std::string& path) const;

    /// For pools.
    const std::shared_ptr<detail::trace_log>& log() const noexcept { return log_; }

private:
    trace_tracks tracks_;
    std::shared_ptr<detail::trace_log> log_;
};

} // namespace spmd
