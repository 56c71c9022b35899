#pragma once

#include <chrono>
#include <cstddef>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

namespace spmd {

/// When one task ran and what it cost. A task that never ran is all zero.
struct interval {
    std::chrono::nanoseconds begin{}; ///< since the submission
    std::chrono::nanoseconds end{};   ///< since the submission
    std::chrono::nanoseconds cpu{};   ///< CPU time of its thread between the two
    std::size_t thread = 0;           ///< a number of its own for each thread that ever ran a timed task
};

/// One use of a collective by all members of a group. Times are since the submission; ranks are the broadcast's.
struct collective_times {
    std::string operation;            ///< "barrier", "all_reduce", …
    std::source_location where;       ///< in the program, for the first that came
    std::chrono::nanoseconds first{}; ///< when the first came
    std::chrono::nanoseconds last{};  ///< when the last came
    std::size_t straggler = 0;        ///< the rank that came last
    std::vector<std::size_t> ranks;   ///< the members; empty: all ranks of the broadcast
    /// How long each member was there before the last came, in the order of `ranks`. Both are empty where more than
    /// 2^24 arrivals were kept before.
    std::vector<std::chrono::nanoseconds> waited;

    /// How much later the last came than the first.
    std::chrono::nanoseconds skew() const noexcept { return last - first; }
};

/// What the tasks of one submission cost, by rank id or item index. Asked for by
/// `pool.with({.timing = true})`; it adds two clock readings of about 0.3 µs to each task.
class timing {
public:
    explicit timing(std::vector<interval> tasks) : tasks_(std::move(tasks)) {}
    timing(std::vector<interval> tasks, std::vector<collective_times> collectives)
        : tasks_(std::move(tasks)), collectives_(std::move(collectives)) {}

    const std::vector<interval>& tasks() const& noexcept { return tasks_; }
    std::vector<interval> tasks() && noexcept { return std::move(tasks_); }
    /// The collectives of coroutine ranks, in the order in which they took place: the first 2^20.
    const std::vector<collective_times>& collectives() const& noexcept { return collectives_; }
    std::vector<collective_times> collectives() && noexcept { return std::move(collectives_); }
    /// From the submission to the end of the last task.
    std::chrono::nanoseconds wall() const noexcept;
    /// The CPU time of all tasks together.
    std::chrono::nanoseconds cpu() const noexcept;
    /// The CPU time of the most expensive task over the mean: 1 is perfectly even. 1 where no time was spent.
    double imbalance() const noexcept;
    /// cpu() / wall(): how many threads' worth of work was done at once. It is taken from CPU time because
    /// the wall times of tasks that share a core overlap and promise more than there was. 0 when wall() is 0.
    double speed_up() const noexcept;

private:
    std::vector<interval> tasks_;
    std::vector<collective_times> collectives_;
};

} // namespace spmd
