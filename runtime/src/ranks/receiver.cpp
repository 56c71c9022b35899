#include <spmd/detail/ranks/receiver.hpp>

#include <spmd/detail/base/describe.hpp>
#include <spmd/detail/ranks/communicator.hpp>
#include <spmd/detail/ranks/message_box.hpp>
#include <spmd/detail/ranks/rank_worker.hpp>
#include <spmd/error.hpp>

#include <array>

namespace spmd::detail {

const char* receiver::name() const noexcept {
    static constexpr std::array names{"receive", "probe", "send_receive", "send_receive"};
    return names[static_cast<std::size_t>(verb_)];
}

std::string receiver::operation() const {
    std::string text = name();
    text += "(from ";
    text += from_ == match_key::any_rank ? "any" : std::to_string(peers_->index_of(from_));
    text += ", tag ";
    text += tag_ == any_tag ? "any" : std::to_string(tag_);
    text += ')';
    return text;
}

std::optional<std::size_t> receiver::awaited_rank() const noexcept {
    return from_ == match_key::any_rank ? std::nullopt : std::optional(peers_->index_of(from_));
}

std::exception_ptr receiver::cause(const std::source_location& where) const {
    const rank_scheduler& ranks = peers_->ranks();
    std::size_t rank = 0;
    if (from_ == match_key::any_rank) {
        // Any other member that has not ended may still send; a group of one is a deadlock.
        const communicator::survey& members = peers_->survey_members();
        if (members.left > 1 || !members.gone) return nullptr;
        rank = *members.gone;
    } else {
        rank = peers_->index_of(from_);
        if (!ranks.has_ended(rank)) return nullptr;
    }
    return std::make_exception_ptr(peer_error(rank, "a send for the " + operation() + " at " + text_of(where),
                                              ranks.error_of_ended(rank)));
}

void receiver::give_up() { box().withdraw(*this); }

message_box& receiver::box() const { return peers_->box_of(id_); }

message_origin receiver::found() const {
    if (!found_) [[unlikely]]
        rank_worker::here().record().throw_if_failed();
    return {from_, tag_};
}

std::unique_ptr<envelope> receiver::take(const std::type_info& type, const std::source_location& where) {
    if (!message_) [[unlikely]]
        rank_worker::here().record().throw_if_failed();
    std::unique_ptr<envelope> received = std::move(message_);
    if (received->type() == type) [[likely]]
        return received;
    std::string text = "message mismatch: rank ";
    text += std::to_string(peers_->index_of(id_));
    text += " receives ";
    text += name_of(type);
    text += " at ";
    text += text_of(where);
    text += ", but rank ";
    text += std::to_string(peers_->index_of(received->from()));
    text += " sent ";
    text += name_of(received->type());
    text += " at ";
    text += text_of(received->where());
    throw mismatch_error(text);
}

} // namespace spmd::detail
