#pragma once

#include "spmd_bench/analysis/report.hpp"

#include <string>

namespace spmd_bench {

/// Adds the ways of another program's report, except a serial one, to `ours`. A report of other items becomes
/// an absent peer, with the reason. Requires: `ours` has one point. Throws: report_error.
void add_peer_report(report& ours, const std::string& path);

} // namespace spmd_bench
