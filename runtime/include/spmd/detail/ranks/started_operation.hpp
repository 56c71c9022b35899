#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <source_location>
#include <string>

namespace spmd::detail {

class collective;
class communicator;
class receiver;
class wait_gate;

/// An operation that member `id` has started: a collective, a receive, or one that had its result at once.
class started_operation {
public:
    started_operation(const started_operation&) = delete;
    started_operation& operator=(const started_operation&) = delete;

    /// True if it is complete. Throws, if it is not: std::logic_error if the member does not run here;
    /// cancelled_error if the broadcast is to stop.
    bool is_ready() const;
    /// Makes the member wait; returns false if it need not. Throws as is_ready().
    bool wait(std::coroutine_handle<> rank);

    // For a wait for several of them.

    /// Has its completion counted at a gate, which wakes the rank; returns false if it is complete.
    bool watch(std::size_t rank, wait_gate& gate) const;
    void unwatch(const wait_gate& gate) const noexcept;
    /// Returns why it will never be complete; null where that depends on ranks that wait themselves, or it is
    /// complete. Requires: no rank can run.
    std::exception_ptr cause(const std::source_location& where) const;
    /// Marks it as failed for other members too. Requires: no rank can run.
    void give_up(const std::exception_ptr& failure) const;
    /// Describes it for error messages: "receive(from 3, tag 0)".
    std::string text() const;

protected:
    started_operation() = default;
    started_operation(communicator& peers, std::size_t id, const std::source_location& where,
                      collective& joined) noexcept
        : peers_(&peers), id_(id), where_(where), collective_(&joined) {}
    started_operation(communicator& peers, std::size_t id, const std::source_location& where,
                      receiver& posted) noexcept
        : peers_(&peers), id_(id), where_(where), receive_(&posted) {}
    ~started_operation() = default;

    collective& joined() const noexcept { return *collective_; }
    const std::source_location& called_at() const noexcept { return where_; }
    bool has_waited() const noexcept { return waited_; }

private:
    bool is_complete() const;

    communicator* peers_ = nullptr; // null: complete from the beginning
    std::size_t id_ = 0;
    std::source_location where_;
    collective* collective_ = nullptr; // or:
    receiver* receive_ = nullptr;
    bool waited_ = false;
};

} // namespace spmd::detail
