#include <spmd/detail/ranks/message_box.hpp>

#include <mutex>
#include <span>
#include <utility>

namespace spmd::detail {

message_box::~message_box() {
    while (envelope* const message = messages_.take_first({}, [](const envelope&) { return true; }))
        delete message;
}

receiver* message_box::first_accepting(const envelope& message) {
    const std::size_t sources[] = {message.from(), any_source};
    return receivers_.take_first(sources, [&](const receiver& each) { return each.accepts(message); });
}

bool message_box::put(std::unique_ptr<envelope> message) {
    const std::lock_guard lock(lock_);
    messages_.arrive(*message);
    if (receiver* const receive = first_accepting(*message)) {
        receive->message_ = std::move(message);
        return receive->waits_;
    }
    messages_.insert(*message.release());
    return false;
}

bool message_box::take(receiver& receive) {
    const std::size_t source = receive.from();
    const std::span<const std::size_t> sources(&source, source == any_source ? 0 : 1);
    receive.message_.reset(
        messages_.take_first(sources, [&](const envelope& each) { return receive.accepts(each); }));
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
        messages_.insert(*receive.message_.release());
    }
}

} // namespace spmd::detail
