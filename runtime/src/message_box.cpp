#include <spmd/detail/message_box.hpp>

#include <mutex>
#include <utility>

namespace spmd::detail {

message_box::~message_box() {
    while (first_message_) first_message_ = std::move(first_message_->next_); // not one inside the other
}

bool message_box::put(std::unique_ptr<envelope> message) {
    const std::lock_guard lock(lock_);
    for (receiver** link = &first_receiver_; *link != nullptr; link = &(*link)->next_) {
        receiver& receive = **link;
        if (!receive.takes(*message)) continue;
        *link = receive.next_;
        receive.message_ = std::move(message);
        return receive.waits_;
    }
    envelope* const last = message.get();
    (last_message_ == nullptr ? first_message_ : last_message_->next_) = std::move(message);
    last_message_ = last;
    return false;
}

bool message_box::take(receiver& receive) {
    envelope* before = nullptr;
    for (std::unique_ptr<envelope>* link = &first_message_; *link; link = &(*link)->next_) {
        if (receive.takes(**link)) {
            receive.message_ = std::move(*link);
            *link = std::move(receive.message_->next_);
            if (last_message_ == receive.message_.get()) last_message_ = before;
            return true;
        }
        before = link->get();
    }
    return false;
}

void message_box::enqueue(receiver& receive) {
    receiver** link = &first_receiver_;
    while (*link != nullptr) link = &(*link)->next_;
    *link = &receive;
}

void message_box::post(receiver& receive) {
    const std::lock_guard lock(lock_);
    if (!take(receive)) enqueue(receive);
}

void message_box::suspend(receiver& receive, wait_record& record, std::coroutine_handle<> rank,
                          const std::source_location& where) {
    receive.waits_ = true;
    record.continue_at(rank);
    record.wait_for(receive, where);
}

bool message_box::post_and_wait(receiver& receive, wait_record& record, std::coroutine_handle<> rank,
                                const std::source_location& where) {
    const std::lock_guard lock(lock_);
    if (take(receive)) return false;
    suspend(receive, record, rank, where);
    enqueue(receive);
    return true;
}

bool message_box::wait(receiver& receive, wait_record& record, std::coroutine_handle<> rank,
                       const std::source_location& where) {
    const std::lock_guard lock(lock_);
    if (receive.message_) return false;
    suspend(receive, record, rank, where);
    return true;
}

bool message_box::has_message(const receiver& receive) {
    const std::lock_guard lock(lock_);
    return receive.message_ != nullptr;
}

void message_box::withdraw(receiver& receive) {
    const std::lock_guard lock(lock_);
    for (receiver** link = &first_receiver_; *link != nullptr; link = &(*link)->next_) {
        if (*link == &receive) {
            *link = receive.next_;
            return;
        }
    }
    if (!receive.message_) return;
    // It comes before all that came later.
    receive.message_->next_ = std::move(first_message_);
    first_message_ = std::move(receive.message_);
    if (last_message_ == nullptr) last_message_ = first_message_.get();
}

} // namespace spmd::detail
