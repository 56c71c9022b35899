#pragma once

#include "report.hpp"

#include <string>

namespace spmd_bench {

/// Adds the ways of another program's report to those of one point, but for a serial one. Where that is of other items than
/// these, it becomes one of the absent peers, with the reason. Requires: `to` has one point. Throws: report_error.
void add_peer_report(report& to, const std::string& path);

} // namespace spmd_bench
