#pragma once

#include <memory>

namespace spmd::detail {

class trace_log;

/// What SPMD_TRACE asks to be recorded, the same for all pools; null where it is not set. Looked at once.
std::shared_ptr<trace_log> environment_trace();

/// Writes it to its file; says on standard error what went wrong. Runs when the process exits.
void write_environment_trace() noexcept;

} // namespace spmd::detail
