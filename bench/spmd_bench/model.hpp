#pragma once

#include "sweep.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace spmd_bench {

struct report;

/// What a run of spmd is made of, as measured, in nanoseconds.
struct model_parts {
    double launch = 0;   ///< of a run, once
    double per_rank = 0; ///< of a thread's time
    double per_item = 0; ///< the same, to collect its result: the concat
    double work = 0;     ///< what all items take in a plain loop
    double slowdown = 1; ///< how much longer they take when they run at once
};

/// What a number of cores is predicted to need for a point.
struct model_prediction {
    std::size_t cores = 0;
    double low_ns = 0;  ///< if the threads share what ranks and items cost
    double high_ns = 0; ///< if one thread does what items cost
    double speedup = 0; ///< over the plain loop, in the middle of the two
    std::string
        limit; ///< what takes most beside the items' own time: "imbalance", "launch", "ranks", "concat", "nothing"
};

/// What was measured, and what the model says of it.
struct model_residual {
    sweep_point at;
    double measured_ns = 0;
    double predicted_ns = 0;
};

/// The time of spmd against the number of cores, from its measured parts:
///
///     T(c) = launch + max_ranks(c) / ranks * (ranks * per_rank + work * slowdown + items * per_item)
///
/// where max_ranks(c) = ceil(ranks / c) is how many ranks the thread with the most has, and slowdown is 1 for one core. Source: the isoefficiency analysis of
/// Grama, Gupta and Kumar (1993), with overheads measured instead of assumed.
struct scaling_model {
    sweep_point at; ///< what it is of, with the threads it was measured on
    model_parts parts;
    std::vector<model_prediction> predictions; ///< for 1, 2, 4, … 256 cores
    std::vector<model_residual> residuals;     ///< at all points that were measured
    std::vector<std::string> limits;           ///< up to where it can be trusted, and why, in sentences
};

/// The model of the point where spmd gains most over the plain loop. Requires: there are `serial` and `spmd`, and costs of spmd.
scaling_model model_of(const report& what);

/// What the model says of a point; the mean of its bounds.
double predicted_ns(const model_parts& parts, const sweep_point& at);

} // namespace spmd_bench
