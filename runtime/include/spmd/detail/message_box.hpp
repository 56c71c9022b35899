#pragma once

#include <spmd/detail/spin_lock.hpp>
#include <spmd/detail/suspension.hpp>

#include <cstddef>
#include <exception>
#include <limits>
#include <memory>
#include <source_location>
#include <string>
#include <typeinfo>
#include <utility>

namespace spmd {

/// For `receive`: from whomever a message comes first.
inline constexpr std::size_t any_source = std::numeric_limits<std::size_t>::max();
/// For `receive`: with whatever tag.
inline constexpr int any_tag = std::numeric_limits<int>::min();

namespace detail {

class communicator;

/// Something on its way from one rank to another.
class envelope {
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
    friend class message_box;
    std::size_t from_;
    int tag_;
    const std::type_info* type_;
    std::source_location where_;
    std::unique_ptr<envelope> next_;
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

/// A receive that found no message, until there is one. Guarded by the lock of its box until then.
class receiver {
public:
    receiver(std::size_t from, int tag) noexcept : from_(from), tag_(tag) {}
    receiver(const receiver&) = delete;
    receiver& operator=(const receiver&) = delete;

    std::size_t from() const noexcept { return from_; }
    int tag() const noexcept { return tag_; }
    bool takes(std::size_t from, int tag) const noexcept {
        return (from_ == any_source || from_ == from) && (tag_ == any_tag || tag_ == tag);
    }
    const std::unique_ptr<envelope>& message() const noexcept { return message_; }
    std::unique_ptr<envelope>& message() noexcept { return message_; }

protected:
    ~receiver() = default;

private:
    friend class message_box;
    std::size_t from_;
    int tag_;
    bool waits_ = false; // its rank is suspended until it has a message
    std::unique_ptr<envelope> message_;
    receiver* next_ = nullptr;
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
    /// The same for a rank that waits for it from now on; false when it has its message. `slot`: where the gang
    /// keeps what a rank waits for.
    bool post_and_wait(receiver& receive, suspension*& slot, suspension& waiting);
    /// From now on the rank waits for a receive that was posted; false when it has its message.
    bool wait(receiver& receive, suspension*& slot, suspension& waiting);
    bool has_message(const receiver& receive);
    /// Takes a receive back that nobody will wait for; its message waits for another.
    void withdraw(receiver& receive);

private:
    bool take(receiver& receive);
    void enqueue(receiver& receive);

    spin_lock lock_; // guards the rest: there may be a million boxes
    std::unique_ptr<envelope> first_message_;
    envelope* last_message_ = nullptr;
    receiver* first_receiver_ = nullptr;
};

} // namespace detail
} // namespace spmd
