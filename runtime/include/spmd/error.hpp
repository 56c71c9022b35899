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

/// Base class of this library's errors. Bad arguments are reported by std::invalid_argument, misuse by
/// std::logic_error.
class error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Kind of the tasks of a submission: one per rank (broadcast) or per item (map).
enum class task_kind { rank, item };

/// A failed task: its rank id or item index, and the exception that it threw.
struct failure {
    std::size_t index = 0;
    std::exception_ptr error;
};

/// Some tasks of one submission threw. The others ran on, and async_result::outcomes() has their results. The
/// message names the first few failures: "3 of 100 ranks failed: rank 4: …".
class composite_error : public error {
public:
    /// `tasks` counts all tasks of the submission; `cancelled` those that never ran, or that were woken from
    /// a wait, because a failure stopped it. Requires: `failures` are ascending by index and not empty.
    composite_error(task_kind kind, std::vector<failure> failures, std::size_t tasks, std::size_t cancelled);

    task_kind kind() const noexcept { return kind_; }
    /// Every failed task, ascending by index.
    std::span<const failure> failures() const noexcept { return failures_; }

private:
    task_kind kind_;
    std::vector<failure> failures_;
};

/// The submission was cancelled before these tasks started, or while they waited for other ranks: by
/// async_result::cancel(), by the result's destruction, or by `on_error::stop` when another task threw.
class cancelled_error : public error {
public:
    /// `not_run` of `tasks` tasks did not run to the end.
    cancelled_error(task_kind kind, std::size_t not_run, std::size_t tasks);
    /// One task did not run to the end.
    cancelled_error(task_kind kind, std::size_t index);
    explicit cancelled_error(const std::string& message) : error(message) {}
};

/// A rank ended, by returning or throwing, while peers waited for it. Thrown in each of those peers.
class peer_error : public error {
public:
    /// `rank` ended before it reached `operation`, "barrier at solver.cpp:41". `cause` is the exception that
    /// it threw, null if it returned.
    peer_error(std::size_t rank, const std::string& operation, const std::exception_ptr& cause);

    /// Id, in the broadcast, of the rank that ended.
    std::size_t rank() const noexcept { return rank_; }
    /// Root cause: the message of the rank's exception, or the reason() of its own peer_error.
    const std::string& reason() const noexcept { return reason_; }

private:
    peer_error(std::size_t rank, const std::string& operation, std::pair<std::string, std::string> end);
    std::size_t rank_;
    std::string reason_;
};

/// Every rank that had not ended was waiting for another. Thrown in each of them; the message
/// lists who waited where.
class deadlock_error : public error {
public:
    using error::error;
};

/// A wait took longer than it may: see rank::within().
class timeout_error : public error {
public:
    using error::error;
};

/// Ranks called different collectives at the same point, or one collective with different types, operations,
/// roots or numbers of elements. Thrown in all of them; the message names two calls that differ, by file and
/// line. A receive whose type differs from the sent one throws it too.
class mismatch_error : public error {
public:
    using error::error;
};

/// A stage of a task graph threw. The message names it, in a stream also the batch, and repeats the cause.
class stage_error : public error {
public:
    stage_error(std::string stage, std::exception_ptr cause, std::optional<std::size_t> batch = {});

    const std::string& stage() const noexcept { return stage_; }
    /// Number of the failed batch of the stream, from 0; none for a stage that runs once.
    const std::optional<std::size_t>& batch() const noexcept { return batch_; }
    /// The exception that the stage threw.
    const std::exception_ptr& cause() const noexcept { return cause_; }

private:
    std::string stage_;
    std::exception_ptr cause_;
    std::optional<std::size_t> batch_;
};

/// Returns the what() of a std::exception, otherwise "an unknown exception". Requires: `error` is not null.
std::string message_of(const std::exception_ptr& error);

} // namespace spmd
