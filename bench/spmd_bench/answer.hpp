#pragma once

#include "report.hpp"

namespace spmd_bench {

/// What the points and the costs of a report say, in figures and in sentences for people: whether to take map or SPMD,
/// where that changes, what either costs, and what limits spmd. The verdict on
/// spmd is that of verdict.hpp. `costs` go into it as they are.
report_answer answer_of(const report& what, std::vector<way_cost> costs);

} // namespace spmd_bench
