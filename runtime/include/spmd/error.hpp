#pragma once

#include <cstddef>
#include <exception>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace spmd {

/// The root of what this library throws, but for std::invalid_argument on bad arguments and
/// std::logic_error on wrong use.
class error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// What a submission runs: one task per rank (broadcast), or tasks over items (map).
enum class task_kind { rank, item };

/// One failed task: the rank's id or the item's index, and what it threw.
struct failure {
    std::size_t index = 0;
    std::exception_ptr error;
};

/// Some tasks of one submission threw. The others ran on, and their results are kept: see
/// async_result::outcomes(). The message names the first few: "3 of 100 ranks failed: rank 4: …".
class composite_error : public error {
public:
    /// `failures` in ascending order of index, not empty; `tasks` is how many the submission had,
    /// `cancelled` how many of them never ran, or waited and were woken, because the first failures stopped it.
    composite_error(task_kind kind, std::vector<failure> failures, std::size_t tasks, std::size_t cancelled);

    task_kind kind() const noexcept { return kind_; }
    /// Every failed task, ascending by index.
    std::span<const failure> failures() const noexcept { return failures_; }

private:
    task_kind kind_;
    std::vector<failure> failures_;
};

/// The submission was cancelled before these tasks could start, or while they waited for other ranks: by
/// async_result::cancel(), by dropping it, or by `on_error::stop` when another threw.
class cancelled_error : public error {
public:
    /// `not_run` of `tasks` tasks never ran, or not to their end.
    cancelled_error(task_kind kind, std::size_t not_run, std::size_t tasks);
    /// The one task that never ran, or not to its end.
    cancelled_error(task_kind kind, std::size_t index);
    explicit cancelled_error(const std::string& message) : error(message) {}
};

/// A rank that its peers waited for has ended, by returning or by throwing. They all get this.
class peer_error : public error {
public:
    /// `rank` ended before it came to `operation`, "barrier at solver.cpp:41"; `cause` is what it threw, null if it
    /// returned.
    peer_error(std::size_t rank, const std::string& operation, const std::exception_ptr& cause);

    /// The one that ended, as a rank of the broadcast.
    std::size_t rank() const noexcept { return rank_; }
    /// Why it ended; where it was for another's failure, that one's reason, and so on.
    const std::string& reason() const noexcept { return reason_; }

private:
    peer_error(std::size_t rank, const std::string& operation, std::pair<std::string, std::string> how);
    std::size_t rank_;
    std::string reason_;
};

/// No rank could run any more, and some waited. All of them get this; the message says who waits where.
class deadlock_error : public error {
public:
    using error::error;
};

/// Ranks met for different collectives, or for one with different types, operations, roots or numbers of elements. All
/// of them get this; the message names two that differ, and where they are in the program. Also what a receive of one
/// type throws that was sent another.
class mismatch_error : public error {
public:
    using error::error;
};

/// A stage of a task graph threw; the message names it, in a stream also the batch, and repeats the cause.
class stage_error : public error {
public:
    stage_error(std::string stage, std::exception_ptr cause, std::optional<std::size_t> batch = {});

    const std::string& stage() const noexcept { return stage_; }
    /// Which batch of its stream it was working on, from 0; none for a stage that runs once.
    const std::optional<std::size_t>& batch() const noexcept { return batch_; }
    /// What the stage threw.
    const std::exception_ptr& cause() const noexcept { return cause_; }

private:
    std::string stage_;
    std::exception_ptr cause_;
    std::optional<std::size_t> batch_;
};

/// The message of any exception (not null); for one that is no std::exception, "an unknown exception".
std::string message_of(const std::exception_ptr& error);

} // namespace spmd
