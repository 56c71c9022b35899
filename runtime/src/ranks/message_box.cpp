#include <spmd/detail/ranks/message_box.hpp>

#include <spmd/detail/ranks/wait_gate.hpp>

#include <mutex>
#include <stdexcept>
#include <utility>

namespace spmd::detail {

message_box::~message_box() {
    while (envelope* const message = messages_.take_first(match_key())) delete message;
}

inline void message_box::store(std::unique_ptr<envelope>&& message) {
    std::unique_ptr<envelope> stored = std::move(message);
    messages_.insert(*stored);
    [[maybe_unused]] const envelope* const in_line = stored.release();
}

/// Offers a message to the first receive that accepts it, which it returns, or stores it.
inline receiver* message_box::offer(std::unique_ptr<envelope>&& message) {
    receiver* const receive = receivers_.take_first(message->key());
    if (receive != nullptr && !receive->is_probe()) {
        receive->message_ = std::move(message);
        return receive;
    }
    if (receive != nullptr) receive->find(*message);
    store(std::move(message));
    return receive;
}

bool message_box::put(std::unique_ptr<envelope> message) {
    const std::lock_guard lock(lock_);
    messages_.arrive(*message);
    receiver* const receive = offer(std::move(message));
    return receive != nullptr && receive->waits_ && (receive->gate_ == nullptr || receive->gate_->count());
}

/// Looks for the first message that a receive accepts.
inline bool message_box::serve(receiver& receive) {
    std::unique_ptr<envelope> message(messages_.take_first(receive.key()));
    if (message == nullptr) return false;
    if (receive.is_probe()) {
        receive.find(*message);
        store(std::move(message));
    } else {
        receive.message_ = std::move(message);
    }
    return true;
}

bool message_box::take(receiver& receive) {
    const std::lock_guard lock(lock_);
    return serve(receive);
}

void message_box::post(receiver& receive) {
    const std::lock_guard lock(lock_);
    if (!serve(receive)) receivers_.add(receive);
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
    if (serve(receive)) return false;
    receivers_.add(receive);
    suspend(receive, record, rank, where);
    return true;
}

bool message_box::wait(receiver& receive, wait_record& record, std::coroutine_handle<> rank,
                       const std::source_location& where) {
    const std::lock_guard lock(lock_);
    if (receive.is_served()) return false;
    suspend(receive, record, rank, where);
    return true;
}

bool message_box::is_served(const receiver& receive) {
    const std::lock_guard lock(lock_);
    return receive.is_served();
}

bool message_box::watch(receiver& receive, wait_gate& gate) {
    const std::lock_guard lock(lock_);
    if (receive.is_served()) return false;
    if (receive.gate_ != nullptr) throw std::logic_error("an operation is awaited twice at once");
    receive.waits_ = true;
    receive.gate_ = &gate;
    return true;
}

std::string message_box::operation(const receiver& receive) {
    const std::lock_guard lock(lock_);
    return receive.operation();
}

void message_box::unwatch(receiver& receive) {
    const std::lock_guard lock(lock_);
    receive.waits_ = false;
    receive.gate_ = nullptr;
}

void message_box::withdraw(receiver& receive) {
    const std::lock_guard lock(lock_);
    if (receive.message_ != nullptr)
        offer(std::move(receive.message_));
    else if (!receive.found_)
        receivers_.remove(receive);
}

} // namespace spmd::detail
