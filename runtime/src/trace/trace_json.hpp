#pragma once

#include <spmd/trace_recorder.hpp>

#include <iosfwd>

namespace spmd::detail {

class trace_log;

/// Writes a trace as one JSON object of Chrome's "Trace Event Format", times in microseconds since the log was made:
///
/// - process "threads" or "ranks": slices that nest, on a track for each; a rank's that overlap, of broadcasts that run at
///   the same time, on as many tracks as that takes;
/// - process "broadcasts and maps": each from its submission to the end of its last task;
/// - process "streams": the batches under way, a track for each lane;
/// - flow arrows from each broadcast to each of its ranks, and on to the concat of their results;
/// - counters of the ranks that are ready and do not run yet, and of the batches in flight.
void write_trace_json(const trace_log& log, trace_tracks tracks, std::ostream& out);

} // namespace spmd::detail
