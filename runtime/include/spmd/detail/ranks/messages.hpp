#pragma once

#include <spmd/detail/ranks/arrival.hpp>
#include <spmd/detail/ranks/message_box.hpp>

#include <concepts>
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

/// Converts a received envelope to `Result`: a T, or a message<T>.
template <class T, class Result>
Result result_of(std::unique_ptr<envelope> received) {
    auto& content = static_cast<letter<T>&>(*received);
    if constexpr (std::same_as<Result, T>)
        return content.take();
    else
        return {content.take(), content.from(), content.tag()};
}

/// Awaitable of `me.receive<T>()` and `me.receive_message<T>()`.
template <class T, class Result>
class [[nodiscard("co_await it")]] receive_awaitable final : public receiver {
public:
    receive_awaitable(communicator& peers, std::size_t id, const match_key& accepted,
                      const std::source_location& where) noexcept
        : receiver(peers, id, accepted), where_(where) {}

    /// Posts the receive now; the message is awaited later.
    pending<Result> start();

    bool await_ready() const {
        rank_worker::running(peers(), id()).record().throw_if_failed();
        return false;
    }
    bool await_suspend(std::coroutine_handle<> rank) {
        return box().post_and_wait(*this, rank_worker::here().record(), rank, where_);
    }
    Result await_resume() { return result_of<T, Result>(take(typeid(T), where_)); }

private:
    std::source_location where_;
};
template <class T, class Result>
inline constexpr bool is_rank_awaitable<receive_awaitable<T, Result>> = true;

/// Sends a value from member `id` to member `to`.
template <class T>
void send_value(communicator& peers, std::size_t id, T value, std::size_t to, int tag,
                const std::source_location& where) {
    rank_worker& here = rank_worker::running(peers, id);
    auto sent = std::make_unique<letter<T>>(id, tag, std::move(value), where);
    if (peers.box_of(to).put(std::move(sent))) here.wake(peers.index_of(to));
}

} // namespace spmd::detail
