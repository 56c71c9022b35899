#pragma once

#include <spmd/detail/ranks/deadline.hpp>
#include <spmd/detail/ranks/wait_gate.hpp>

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <source_location>
#include <span>
#include <string>

namespace spmd::detail {

class started_operation;

/// A rank's wait for the first of several started operations or for all, optionally with a deadline. Can be
/// moved until it begins.
class joint_wait {
public:
    enum class extent : bool { any, all };

    joint_wait(const char* name, extent needed) noexcept : name_(name), needed_(needed) {}
    joint_wait(joint_wait&& other) noexcept
        : name_(other.name_), needed_(other.needed_), where_(other.where_), time_(other.time_) {}
    joint_wait& operator=(joint_wait&&) = delete;
    ~joint_wait() = default;

    /// Lets it end with timeout_error.
    void limit(std::chrono::nanoseconds time) noexcept { time_ = time; }
    /// Records the line of the wait.
    void at(const std::source_location& where) noexcept { where_ = where; }

    // Interface of an awaitable.

    /// Begins it; returns true if it is over. The operations stay, in their places, until it ends or is left.
    bool begin(std::span<started_operation* const> operations);
    bool suspend(std::coroutine_handle<> rank);
    /// Throws: the failure of the wait; timeout_error; cancelled_error.
    void end();
    /// Lets nothing refer to it any more. Requires: the rank runs on this thread, unless it has not begun.
    void leave() noexcept;
    /// Index of the first operation that is complete.
    std::size_t first_ready() const;

    const char* name() const noexcept { return name_; }
    /// Describes it for error messages: "when_any(receive(from 3, tag 0), barrier)".
    std::string operation() const;
    /// As started_operation::cause().
    std::exception_ptr cause() const;
    /// Ends the wait, which fails. Marks its operations as failed for other members too: `all`, or those that
    /// have a cause. Requires: no rank can run.
    void give_up(const std::exception_ptr& failure, extent failed);

private:
    bool is_over() const;
    [[noreturn]] void throw_timeout() const;

    const char* name_;
    extent needed_;
    std::source_location where_;
    std::optional<std::chrono::nanoseconds> time_;
    std::span<started_operation* const> operations_;
    wait_gate gate_{1};
    deadline deadline_;
    bool has_begun_ = false;    // the rank's record refers to it
    bool has_deadline_ = false; // deadline_ is set
    bool is_watching_ = false;
};

} // namespace spmd::detail
