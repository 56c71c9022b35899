#pragma once

#include <spmd/detail/base/spin_lock.hpp>
#include <spmd/detail/ranks/wait_record.hpp>
#include <spmd/detail/ranks/waiting_line.hpp>
#include <spmd/message.hpp>

#include <coroutine>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <typeinfo>
#include <utility>

namespace spmd::detail {

class communicator;
class message_box;

/// Something on its way from one rank to another.
class envelope : public waiting_line_place<envelope> {
public:
    envelope(const envelope&) = delete;
    envelope& operator=(const envelope&) = delete;
    virtual ~envelope() = default;

    std::size_t from() const noexcept { return from_; }
    int tag() const noexcept { return tag_; }
    const std::type_info& type() const noexcept { return *type_; }
    const std::source_location& where() const noexcept { return where_; }

protected:
    envelope(std::size_t from, int tag, const std::type_info& type,
             const std::source_location& where) noexcept
        : from_(from), tag_(tag), type_(&type), where_(where) {}

private:
    std::size_t from_;
    int tag_;
    const std::type_info* type_;
    std::source_location where_;
};

template <class T>
class letter final : public envelope {
public:
    letter(std::size_t from, int tag, T content, const std::source_location& where)
        : envelope(from, tag, typeid(T), where), content_(std::move(content)) {}
    T take() { return std::move(content_); }

private:
    T content_;
};

/// A receive of member `id`, as long as it has no message guarded by the lock of the member's box.
class receiver : public waiting_line_place<receiver> {
public:
    receiver(communicator& of, std::size_t id, std::size_t from, int tag) noexcept
        : of_(&of), id_(id), from_(from), tag_(tag) {}
    receiver(const receiver&) = delete;
    receiver& operator=(const receiver&) = delete;

    /// any_source, or the only one whose messages it takes.
    std::size_t from() const noexcept { return from_; }
    bool takes(const envelope& message) const noexcept {
        return (from_ == any_source || from_ == message.from()) && (tag_ == any_tag || tag_ == message.tag());
    }
    /// The rank of the scheduler that it waits for; none where any will do.
    std::optional<std::size_t> awaited_rank() const noexcept;
    /// Its rank is told that there will be no message. Requires: no rank of the scheduler can run.
    void give_up();
    /// For messages: "receive(from 3, tag 0)".
    std::string operation() const;
    /// Why there will be no message, where that does not depend on ranks that wait themselves; else null.
    /// Requires: no rank of the scheduler can run.
    std::exception_ptr cause(const std::source_location& where) const;

protected:
    ~receiver() = default;

    communicator& of() const noexcept { return *of_; }
    std::size_t id() const noexcept { return id_; }
    message_box& box() const;
    /// The message, of this type. Throws: why there is none; mismatch_error where it is of another type.
    std::unique_ptr<envelope> take(const std::type_info& type, const std::source_location& where);

private:
    friend class message_box;
    communicator* of_;
    std::size_t id_;
    std::size_t from_;
    int tag_;
    bool waits_ = false; // the rank is suspended until it has the message
    std::unique_ptr<envelope> message_;
};

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
    receiver* first_that_takes(const envelope& message);
    static void suspend(receiver& receive, wait_record& record, std::coroutine_handle<> rank,
                        const std::source_location& where);

    spin_lock lock_;                  // guards the rest: there may be a million boxes
    waiting_line<envelope> messages_; // owned
    waiting_line<receiver> receivers_;
};

} // namespace spmd::detail
