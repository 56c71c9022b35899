#pragma once

#include <chrono>
#include <cstddef>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

namespace spmd {

/// Times of one task, all zero if it never ran.
struct interval {
    std::chrono::nanoseconds begin{}; ///< since the submission
    std::chrono::nanoseconds end{};   ///< since the submission
    std::chrono::nanoseconds cpu{};   ///< CPU time of its thread from begin to end
    std::size_t thread = 0;           ///< number of its thread, unique in the process
};

/// Arrival times of the members of a group at one collective, since the submission. Ranks are those of the
/// broadcast.
struct collective_times {
    std::string operation;            ///< "barrier", "all_reduce", …
    std::source_location where;       ///< the call of the first to arrive
    std::chrono::nanoseconds first{}; ///< arrival of the first member
    std::chrono::nanoseconds last{};  ///< arrival of the last member
    std::size_t straggler = 0;        ///< the rank that arrived last
    std::vector<std::size_t> ranks;   ///< the members; empty for all ranks of the broadcast
    /// Time from each member's arrival to the last one, in the order of `ranks`. Both are empty once 2^24
    /// arrivals of the broadcast are recorded.
    std::vector<std::chrono::nanoseconds> waited;

    /// Time between the first and the last arrival.
    std::chrono::nanoseconds skew() const noexcept { return last - first; }
};

/// Times of the tasks of one submission, by rank id or item index. Recorded by `pool.with({.timing = true})`,
/// which adds two clock readings of about 0.3 µs to each task.
class timing {
public:
    explicit timing(std::vector<interval> tasks) : tasks_(std::move(tasks)) {}
    timing(std::vector<interval> tasks, std::vector<collective_times> collectives)
        : tasks_(std::move(tasks)), collectives_(std::move(collectives)) {}

    const std::vector<interval>& tasks() const& noexcept { return tasks_; }
    std::vector<interval> tasks() && noexcept { return std::move(tasks_); }
    /// The first 2^20 collectives of coroutine ranks, in the order in which they completed.
    const std::vector<collective_times>& collectives() const& noexcept { return collectives_; }
    std::vector<collective_times> collectives() && noexcept { return std::move(collectives_); }
    /// Time from the submission to the end of the last task.
    std::chrono::nanoseconds wall() const noexcept;
    /// CPU time of all tasks together.
    std::chrono::nanoseconds cpu() const noexcept;
    /// CPU time of the most expensive task over the mean: 1 if perfectly balanced, or if no time was spent.
    double imbalance() const noexcept;
    /// cpu() / wall(), the average number of busy threads; 0 if wall() is 0. Derived from CPU time, because
    /// the wall times of tasks that share a core overlap.
    double speed_up() const noexcept;

private:
    std::vector<interval> tasks_;
    std::vector<collective_times> collectives_;
};

} // namespace spmd
