#pragma once

#include <spmd/detail/base/spin_lock.hpp>
#include <spmd/detail/ranks/envelope.hpp>
#include <spmd/detail/ranks/receiver.hpp>
#include <spmd/detail/ranks/wait_record.hpp>
#include <spmd/detail/ranks/waiting_line.hpp>

#include <coroutine>
#include <memory>
#include <source_location>
#include <string>

namespace spmd::detail {

/// Messages to one rank that it has not received, and its receives that have no message. Of several messages
/// from one rank that a receive accepts, it gets the one that was sent first.
///
/// Invariant `matched-at-once`: no receive here accepts a message here. So a message that arrives is compared
/// with receives only, and a receive with messages only. A probe is the last of the receives, since its rank
/// waits for it; those before it get the messages that they accept, and it finds the first that they do not.
class message_box {
public:
    message_box() = default;
    message_box(const message_box&) = delete;
    message_box& operator=(const message_box&) = delete;
    ~message_box();

    /// Delivers the message to the first receive that accepts it, or stores it. Returns true if the rank
    /// waits for it.
    bool put(std::unique_ptr<envelope> message);
    /// Delivers the first message that the receive accepts, or stores the receive.
    void post(receiver& receive);
    /// As post(), and makes the rank wait; returns false if the receive has its message.
    bool post_and_wait(receiver& receive, wait_record& record, std::coroutine_handle<> rank,
                       const std::source_location& where);
    /// Makes the rank wait for a posted receive; returns false if the receive has its message.
    bool wait(receiver& receive, wait_record& record, std::coroutine_handle<> rank,
              const std::source_location& where);
    /// Delivers the first message that the receive accepts, without storing the receive; returns false if
    /// there is none.
    bool take(receiver& receive);
    /// True if the receive has its message, or the probe has found one.
    bool is_served(const receiver& receive);
    /// Has the arrival of a posted receive's message counted at a gate, which wakes the rank; returns false
    /// if the receive has it.
    bool watch(receiver& receive, wait_gate& gate);
    void unwatch(receiver& receive);
    /// receiver::operation(), while a message may arrive.
    std::string operation(const receiver& receive);
    /// Removes a receive that nobody will wait for. Its message is delivered to the first other receive that
    /// accepts it, or stored again in its place.
    void withdraw(receiver& receive);

private:
    bool serve(receiver& receive);
    receiver* offer(std::unique_ptr<envelope>&& message);
    void store(std::unique_ptr<envelope>&& message);
    static void suspend(receiver& receive, wait_record& record, std::coroutine_handle<> rank,
                        const std::source_location& where);

    spin_lock lock_;                  // guards the rest: there may be a million boxes
    waiting_line<envelope> messages_; // owned
    waiting_line<receiver> receivers_;
};

} // namespace spmd::detail
