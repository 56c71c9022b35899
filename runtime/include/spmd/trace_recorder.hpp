#pragma once

#include <cstddef>
#include <iosfwd>
#include <memory>
#include <string>

namespace spmd {

class trace_recorder;

namespace detail {
class trace_log;
/// Returns the log that pools record into.
std::shared_ptr<trace_log> log_of(const trace_recorder& recorder);
} // namespace detail

/// Tracks of a trace.
enum class trace_tracks {
    per_thread, ///< one per thread: the ranges that it claimed, and in them the ranks that it ran
    per_rank,   ///< one per rank: its run from begin to end, and in it its waits for others
};

struct trace_options {
    trace_tracks tracks = trace_tracks::per_thread;
    /// Upper bound on the recorded events, of 64 bytes each. Each thread reserves room for 512 at a time;
    /// once none is left, its events are dropped and counted.
    std::size_t capacity = std::size_t{1} << 20;
};

/// Records the activity of pools: broadcasts, ranks, waits at collectives, concat, stages, batches. A handle:
/// its copies share one trace, which lives as long as any of them and any pool that records into it.
///
///     spmd::trace_recorder trace;
///     spmd::engine_pool pool{{.ranks = 100, .trace = trace}};
///     pool.broadcast(task).concat();
///     trace.write("run.json");            // for ui.perfetto.dev, or chrome://tracing
///
/// Without code: the environment variable SPMD_TRACE=FILE records all pools that have no recorder of their
/// own, and writes the file when the process exits (`%p` is replaced by its id); SPMD_TRACE_TRACKS=rank
/// selects a track per rank.
///
/// Cost: nothing measurable without a recorder; with one, tens of ns per event. Each rank is one event, and
/// each resumption after a wait another.
/// Format: "Trace Event Format", the Chromium project.
/// Thread safety: all members may be called concurrently, also while tasks run; events appear once they have
/// ended.
class trace_recorder {
public:
    explicit trace_recorder(const trace_options& options = {});

    /// Number of recorded events.
    std::size_t events() const;
    /// Number of events dropped for lack of room.
    std::size_t dropped() const;

    /// Writes the trace as Chrome's trace JSON. The caller checks the stream's state.
    void write(std::ostream& out) const;
    /// As write(out), to a file, which is replaced. Throws: std::system_error naming the file.
    void write(const std::string& path) const;

private:
    friend std::shared_ptr<detail::trace_log> detail::log_of(const trace_recorder& recorder);
    trace_tracks tracks_;
    std::shared_ptr<detail::trace_log> log_;
};

} // namespace spmd
