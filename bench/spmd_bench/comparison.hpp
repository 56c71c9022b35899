#pragma once

#include "statistics.hpp"
#include "stored_report.hpp"
#include "verdict.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace spmd_bench {

/// A way at a point that both reports have.
struct compared_way {
    std::string
        point; ///< what is special about the point: "4 ranks, item cost 100 ns"; empty where there is one
    std::string way;
    double before_ns = 0; ///< medians
    double after_ns = 0;
    interval_estimate ratio; ///< after over before
    std::optional<interval_estimate> paced =
        {};                 ///< the same in units of how fast the machine was, where both tell it
    std::size_t rounds = 0; ///< of the report that has fewer
    verdict change = verdict::cannot_tell;
};

/// What changed from one report to another.
struct comparison {
    std::string before; ///< the files
    std::string after;
    std::string relative_to; ///< the way whose times the others' are divided by, round by round; empty: none
    std::vector<compared_way> ways;
    std::vector<std::string> missing;  ///< what only one of them has, in words
    std::vector<std::string> warnings; ///< what makes them hard to compare
};

/// Compares two reports in JSON, of the schema's version 2.
///
/// A ratio is that of the medians; its bounds are 95 % sure for all ratios together: the standard deviation of the ratio's
/// logarithm, from the middle 68 % of a bootstrap of blocks of rounds that follow each other (circular, as long as the root
/// of their number, so that what disturbs several rounds counts once; Politis and Romano, 1992), times the quantile of
/// Student after Bonferroni. Of its degrees of freedom a report has one less than blocks, and both together as many as Welch
/// gives (1947): 15 rounds are four blocks, whose deviation is itself known only roughly.
/// `change` is the verdict on the ratio, and on that of the times in units of the reports' pace, which agree; where they do
/// not, times that are the same at one pace are the same, as a machine that is slower in one of the runs is no change of the
/// program, and anything else cannot be told. Fewer rounds than fewest_rounds have bounds of 0 and infinity, and cannot tell.
/// Throws: report_error.
comparison compare_reports(const std::string& before, const std::string& after,
                           const std::string& relative_to = {});

/// How many ways are surely slower, by more than this.
std::size_t count_slower(const comparison& of, double percent);

/// How many ways are not among these, and may yet be slower by more than this, as far as their bounds go.
std::size_t count_maybe_slower(const comparison& of, double percent);

/// The differences in sentences, then a table, for a terminal; or as JSON.
std::string render_table(const comparison& of);
std::string render_json(const comparison& of);

} // namespace spmd_bench
