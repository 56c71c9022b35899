#include <spmd/detail/ranks/receiver.hpp>

#include <spmd/detail/base/describe.hpp>
#include <spmd/detail/ranks/communicator.hpp>
#include <spmd/detail/ranks/message_box.hpp>
#include <spmd/detail/ranks/rank_worker.hpp>
#include <spmd/error.hpp>

namespace spmd::detail {

std::string receiver::operation() const {
    std::string text = "receive(from ";
    text += from_ == any_source ? "any" : std::to_string(peers_->index_of(from_));
    text += ", tag ";
    text += tag_ == any_tag ? "any" : std::to_string(tag_);
    text += ')';
    return text;
}

std::optional<std::size_t> receiver::awaited_rank() const noexcept {
    return from_ == any_source ? std::nullopt : std::optional(peers_->index_of(from_));
}

std::exception_ptr receiver::cause(const std::source_location& where) const {
    const rank_scheduler& ranks = peers_->ranks();
    std::size_t rank = 0;
    if (from_ == any_source) {
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
