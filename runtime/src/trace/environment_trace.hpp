#pragma once

#include <memory>

namespace spmd::detail {

class trace_log;

/// Returns the log that SPMD_TRACE requests, one for all pools; null if it is not set. The variable is read
/// once.
std::shared_ptr<trace_log> environment_trace();

/// Writes that log to its file, and reports errors on standard error. Called when the process exits.
void write_environment_trace() noexcept;

} // namespace spmd::detail
