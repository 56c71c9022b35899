#pragma once

#include "spmd_bench/analysis/statistics.hpp"
#include "spmd_bench/analysis/verdict.hpp"
#include "spmd_bench/report/stored_report.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace spmd_bench {

/// A way at a point that both reports have.
struct compared_way {
    std::string point; ///< the swept settings: "4 ranks, item cost 100 ns"; empty without a sweep
    std::string way;
    double before_ns = 0; ///< medians
    double after_ns = 0;
    interval_estimate ratio; ///< after over before
    /// The ratio in units of the machine's pace, where both reports have it.
    std::optional<interval_estimate> paced = {};
    std::size_t rounds = 0; ///< of the report that has fewer
    verdict change = verdict::cannot_tell;
};

/// The changes from one report to another.
struct comparison {
    std::string before; ///< the files
    std::string after;
    std::string relative_to; ///< divide by the times of this way, round by round; empty: none
    std::vector<compared_way> ways;
    std::vector<std::string> missing;  ///< contents of one report alone, in words
    std::vector<std::string> warnings; ///< other differences that may change times
};

/// Compares two reports in JSON.
///
/// A ratio is the ratio of the medians. Its bounds hold with 95 % confidence for all ratios together: the
/// standard deviation of the ratio's logarithm, from the middle 68 % of a bootstrap over blocks of
/// consecutive rounds (circular blocks, as long as the square root of the rounds, so that a disturbance of
/// several rounds counts once; Politis and Romano, 1992), times Student's quantile after Bonferroni. A report
/// has one degree of freedom less than blocks, and both together as many as Welch's formula (1947): 15 rounds
/// are four blocks, whose deviation is itself known only roughly. `change` is the verdict on the ratio and on
/// the paced ratio where they agree. Where they disagree, times that are the same at one pace are the same,
/// as a slower machine is not a change of the program; anything else cannot tell. Fewer rounds than
/// fewest_rounds have the bounds 0 and infinity, and cannot tell. Throws: report_error.
comparison compare_reports(const std::string& before, const std::string& after,
                           const std::string& relative_to = {});

/// The number of ways that are surely slower, by more than `percent`.
std::size_t count_slower(const comparison& whole, double percent);

/// The number of other ways whose bounds do not exclude that they are slower by more than `percent`.
std::size_t count_maybe_slower(const comparison& whole, double percent);

} // namespace spmd_bench
