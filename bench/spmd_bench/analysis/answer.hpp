#pragma once

#include "spmd_bench/analysis/report.hpp"

namespace spmd_bench {

/// Interprets the points and the costs of a report, in figures and in sentences: whether to use map or SPMD,
/// where that changes, their overhead, and the limit of spmd. `costs` become part of the answer.
report_answer answer_of(const report& what, std::vector<way_cost> costs);

} // namespace spmd_bench
