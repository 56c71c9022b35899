#pragma once

#include <spmd/trace_recorder.hpp>

#include <iosfwd>

namespace spmd::detail {

class trace_log;

/// Writes a trace as one JSON object of Chrome's "Trace Event Format", with times in microseconds since the
/// log's construction:
///
/// - process "threads" or "ranks": nested slices, one track per thread or rank; more where a rank's slices
///   overlap, in broadcasts that run at the same time;
/// - process "broadcasts and maps": one slice each, from the submission to the end of the last task;
/// - process "streams": the batches in flight, one track per lane;
/// - flow arrows from each broadcast to each of its ranks, and on to the concat of their results;
/// - counters of the ranks that are ready but not running, and of the batches in flight.
void write_trace_json(const trace_log& log, trace_tracks tracks, std::ostream& out);

} // namespace spmd::detail
