#pragma once

#include <spmd/detail/base/spin_lock.hpp>
#include <spmd/detail/ranks/envelope.hpp>
#include <spmd/detail/ranks/receiver.hpp>
#include <spmd/detail/ranks/wait_record.hpp>
#include <spmd/detail/ranks/waiting_line.hpp>

#include <coroutine>
#include <memory>
#include <source_location>

namespace spmd::detail {

/// The messages to one rank that it has not received, and its receives that have no message. Messages from the
/// same rank that a receive would take alike are taken in the order in which they were sent.
class message_box {
public:
    message_box() = default;
    message_box(const message_box&) = delete;
    message_box& operator=(const message_box&) = delete;
    ~message_box();

    /// Gives the message to the first receive that takes it, or keeps it. True when the rank waited for it.
    bool put(std::unique_ptr<envelope> message);
    /// Gives the receive the first message that it takes, if there is one; else it is served later.
    void post(receiver& receive);
    /// The same for a rank that waits for it from now on; false when it has its message.
    bool post_and_wait(receiver& receive, wait_record& record, std::coroutine_handle<> rank,
                       const std::source_location& where);
    /// From now on the rank waits for a receive that was posted; false when it has its message.
    bool wait(receiver& receive, wait_record& record, std::coroutine_handle<> rank,
              const std::source_location& where);
    bool has_message(const receiver& receive);
    /// Takes a receive back that nobody will wait for. Its message goes to the first of the others that takes it, or
    /// back to its place among those that nobody has received.
    void withdraw(receiver& receive);

private:
    bool take(receiver& receive);
    receiver* first_accepting(const envelope& message);
    static void suspend(receiver& receive, wait_record& record, std::coroutine_handle<> rank,
                        const std::source_location& where);

    spin_lock lock_;                  // guards the rest: there may be a million boxes
    waiting_line<envelope> messages_; // owned
    waiting_line<receiver> receivers_;
};

} // namespace spmd::detail
