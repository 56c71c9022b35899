#pragma once

#include <spmd/detail/ranks/envelope.hpp>
#include <spmd/detail/ranks/waiting_line.hpp>
#include <spmd/message.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <typeinfo>

namespace spmd::detail {

class communicator;
class message_box;
class wait_gate;

/// Operations that look for a message. `send_only` is a send_receive() from no rank.
enum class message_verb : unsigned char { receive, probe, send_receive, send_only };

/// A receive or a probe of member `id`. Guarded by the lock of the member's box as long as it has no message.
class receiver : public waiting_line_place<receiver> {
public:
    receiver(communicator& peers, std::size_t id, message_verb verb, const match_key& accepted) noexcept
        : peers_(&peers), id_(id), from_(accepted.from), tag_(accepted.tag), verb_(verb) {}
    receiver(const receiver&) = delete;
    receiver& operator=(const receiver&) = delete;

    static constexpr bool has_wildcards = true;
    /// Sender and tag that it accepts.
    match_key key() const noexcept { return {from_, tag_}; }
    /// The rank of the scheduler that it waits for; nullopt for any.
    std::optional<std::size_t> awaited_rank() const noexcept;
    /// Withdraws the receive, whose wait fails. Requires: no rank of the scheduler can run.
    void give_up();
    message_verb verb() const noexcept { return verb_; }
    /// Name of the operation.
    const char* name() const noexcept;
    /// Describes it for error messages: "receive(from 3, tag 0)".
    std::string operation() const;
    /// Returns why there will be no message; null where that depends on ranks that wait themselves. Requires:
    /// no rank of the scheduler can run.
    std::exception_ptr cause(const std::source_location& where) const;

protected:
    ~receiver() = default;

    communicator& peers() const noexcept { return *peers_; }
    std::size_t id() const noexcept { return id_; }
    message_box& box() const;
    /// Returns the message. Throws: the failure of the wait; mismatch_error if the message is of another
    /// type.
    std::unique_ptr<envelope> take(const std::type_info& type, const std::source_location& where);
    /// Returns the sender and the tag that the probe found. Throws: the failure of the wait.
    message_origin found() const;

private:
    friend class message_box;
    bool is_probe() const noexcept { return verb_ == message_verb::probe; }
    bool is_served() const noexcept { return message_ != nullptr || found_; }
    void find(const envelope& message) noexcept {
        from_ = message.from();
        tag_ = message.tag();
        found_ = true;
    }

    communicator* peers_;
    std::size_t id_;
    std::size_t from_;
    int tag_;
    message_verb verb_;
    bool waits_ = false;        // the rank is suspended until it has the message
    bool found_ = false;        // by a probe: from_ and tag_ are the message's
    wait_gate* gate_ = nullptr; // where the rank waits for more than this
    std::unique_ptr<envelope> message_;
};

} // namespace spmd::detail
