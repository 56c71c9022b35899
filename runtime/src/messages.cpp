#include <spmd/detail/messages.hpp>

#include <spmd/detail/describe.hpp>
#include <spmd/error.hpp>

namespace spmd::detail {

std::string receiver::operation() const {
    std::string text = "receive(from ";
    text += from_ == any_source ? "any" : std::to_string(of_->index_of(from_));
    text += ", tag ";
    text += tag_ == any_tag ? "any" : std::to_string(tag_);
    text += ')';
    return text;
}

std::exception_ptr receiver::cause(const std::source_location& where) const {
    const gang& ranks = of_->ranks();
    std::size_t gone = from_;
    if (from_ == any_source) {
        // As long as one other is there, it may still send. Of those that are gone, one that threw tells more.
        gone = id_;
        for (std::size_t other = 0; other < of_->size; ++other) {
            if (other == id_) continue;
            const std::size_t rank = of_->index_of(other);
            if (!ranks.has_ended(rank)) return nullptr;
            if (gone == id_ || (ranks.error_of_ended(of_->index_of(gone)) == nullptr &&
                                ranks.error_of_ended(rank) != nullptr))
                gone = other;
        }
        if (gone == id_) return nullptr; // alone: a deadlock
    }
    const std::size_t rank = of_->index_of(gone);
    if (!ranks.has_ended(rank)) return nullptr;
    return std::make_exception_ptr(peer_failed(
        rank, "a send for the " + operation() + " at " + text_of(where), ranks.error_of_ended(rank)));
}

void receiver::give_up() { box().withdraw(*this); }

message_box& receiver::box() const { return of_->box_of(id_); }

std::unique_ptr<envelope> receiver::take(const std::type_info& type, const std::source_location& where) {
    if (!message_) [[unlikely]]
        runner::here().record().throw_error();
    std::unique_ptr<envelope> received = std::move(message_);
    if (received->type() == type) [[likely]]
        return received;
    std::string text = "collective mismatch: rank ";
    text += std::to_string(of_->index_of(id_));
    text += " receives ";
    text += name_of(type);
    text += " at ";
    text += text_of(where);
    text += ", but rank ";
    text += std::to_string(of_->index_of(received->from()));
    text += " sent ";
    text += name_of(received->type());
    text += " at ";
    text += text_of(received->where());
    throw collective_mismatch(text);
}

} // namespace spmd::detail
