#include <spmd/detail/ranks/message_box.hpp>

#include <mutex>
#include <utility>

namespace spmd::detail {

message_box::~message_box() {
    while (envelope* const message = messages_.take_first(match_key())) delete message;
}

receiver* message_box::first_accepting(const envelope& message) {
    return receivers_.take_first(message.key());
}

void message_box::store(std::unique_ptr<envelope> message) {
    messages_.insert(*message);
    static_cast<void>(message.release());
}

bool message_box::put(std::unique_ptr<envelope> message) {
    const std::lock_guard lock(lock_);
    messages_.arrive(*message);
    if (receiver* const receive = first_accepting(*message)) {
        receive->message_ = std::move(message);
        return receive->waits_;
    }
    store(std::move(message));
    return false;
}

bool message_box::take(receiver& receive) {
    receive.message_.reset(messages_.take_first(receive.key()));
    return receive.message_ != nullptr;
}

void message_box::post(receiver& receive) {
    const std::lock_guard lock(lock_);
    if (!take(receive)) receivers_.add(receive);
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
    receivers_.add(receive);
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
    if (!receive.message_) {
        receivers_.remove(receive);
    } else if (receiver* const other = first_accepting(*receive.message_)) {
        other->message_ = std::move(receive.message_);
    } else {
        store(std::move(receive.message_));
    }
}

} // namespace spmd::detail
