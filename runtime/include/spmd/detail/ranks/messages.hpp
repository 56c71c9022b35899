#pragma once

#include <spmd/detail/ranks/arrival.hpp>
#include <spmd/detail/ranks/message_box.hpp>
#include <spmd/rank.hpp>

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <ranges>
#include <source_location>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace spmd::detail {

/// Converts a received envelope to `Result`: a T, a message<T> or an optional<T>.
template <class T, class Result>
Result result_of(std::unique_ptr<envelope> received) {
    auto& content = static_cast<letter<T>&>(*received);
    if constexpr (std::same_as<Result, message<T>>)
        return {content.take(), content.from(), content.tag()};
    else
        return content.take();
}

/// Awaitable of `me.receive<T>()`, `me.receive_message<T>()` and `me.send_receive(value)`.
template <class T, class Result>
class [[nodiscard("co_await it")]] receive_awaitable final : public receiver {
public:
    receive_awaitable(communicator& peers, std::size_t id, message_verb verb, const match_key& accepted,
                      const std::source_location& where) noexcept
        : receiver(peers, id, verb, accepted), where_(where) {}

    /// Posts the receive now; the message is awaited later.
    pending<Result> start();

    bool await_ready() const {
        rank_worker::running(peers(), id()).record().throw_if_failed();
        return std::same_as<Result, std::optional<T>> && verb() == message_verb::send_only;
    }
    bool await_suspend(std::coroutine_handle<> rank) {
        return box().post_and_wait(*this, rank_worker::here().record(), rank, where_);
    }
    Result await_resume() {
        if constexpr (std::same_as<Result, std::optional<T>>)
            if (verb() == message_verb::send_only) return std::nullopt;
        return result_of<T, Result>(take(typeid(T), where_));
    }
    /// As co_await, in a rank on a fiber. Throws: std::logic_error elsewhere.
    Result get() { return get_on_fiber(*this); }
    /// Returns a message that has arrived, without waiting.
    std::optional<T> take_arrived()
        requires std::same_as<Result, T>
    {
        rank_worker::running(peers(), id());
        if (!box().take(*this)) return std::nullopt;
        return await_resume();
    }

private:
    std::source_location where_;
};
template <class T, class Result>
inline constexpr bool is_rank_awaitable<receive_awaitable<T, Result>> = true;

class started_operations;

/// Awaitable of `me.probe()`.
class [[nodiscard("co_await it")]] probe_awaitable final : public receiver {
public:
    probe_awaitable(communicator& peers, std::size_t id, const match_key& accepted,
                    const std::source_location& where) noexcept
        : receiver(peers, id, message_verb::probe, accepted), where_(where) {}

    bool await_ready() const {
        rank_worker::running(peers(), id()).record().throw_if_failed();
        return false;
    }
    bool await_suspend(std::coroutine_handle<> rank) {
        return box().post_and_wait(*this, rank_worker::here().record(), rank, where_);
    }
    message_origin await_resume() const { return found(); }
    /// As co_await, in a rank on a fiber. Throws: std::logic_error elsewhere.
    message_origin get() { return get_on_fiber(*this); }

private:
    friend class started_operations;
    /// For a wait with a deadline only: a probe is the last of the rank's receives.
    pending<message_origin> start();

    std::source_location where_;
};
template <>
inline constexpr bool is_rank_awaitable<probe_awaitable> = true;

[[noreturn]] void throw_any_tag_sent(std::size_t to);

/// Refuses values that do not own what they refer to. A class, whose errors name the call that sends.
template <class T>
struct owned_content {
    static_assert(!std::is_pointer_v<T> && !std::ranges::enable_view<T>,
                  "a message owns its value: instead of a pointer or a view, send std::string(text), or "
                  "std::vector(view.begin(), view.end()), or a struct that says who keeps the memory alive");
};

/// Sends a value from member `id` to member `to`.
template <class T>
void send_value(communicator& peers, std::size_t id, T value, std::size_t to, int tag,
                const std::source_location& where) {
    if (tag == any_tag) [[unlikely]]
        throw_any_tag_sent(to);
    rank_worker& here = rank_worker::running(peers, id);
    auto sent = std::make_unique<letter<T>>(id, tag, std::move(value), where);
    if (peers.box_of(to).put(std::move(sent))) here.wake(peers.index_of(to));
}

} // namespace spmd::detail

namespace spmd {

template <class T>
void rank::send(T value, std::optional<std::size_t> to, int tag, location where) const {
    static_cast<void>(detail::owned_content<T>());
    detail::communicator& peers = communicator();
    if (to) detail::send_value<T>(peers, id_, std::move(value), below_size(*to), tag, where);
}
template <class T>
awaitable<T> auto rank::receive(source from, int tag, location where) const {
    return detail::receive_awaitable<T, T>(communicator(), id_, detail::message_verb::receive,
                                           accepted(from, tag), where);
}
template <class T>
awaitable<message<T>> auto rank::receive_message(source from, int tag, location where) const {
    return detail::receive_awaitable<T, message<T>>(communicator(), id_, detail::message_verb::receive,
                                                    accepted(from, tag), where);
}
template <class T>
std::optional<T> rank::try_receive(source from, int tag, location where) const {
    return detail::receive_awaitable<T, T>(communicator(), id_, detail::message_verb::receive,
                                           accepted(from, tag), where)
        .take_arrived();
}
inline awaitable<message_origin> auto rank::probe(source from, int tag, location where) const {
    return detail::probe_awaitable(communicator(), id_, accepted(from, tag), where);
}
template <class T>
awaitable<std::optional<T>> auto rank::send_receive(T value, std::optional<std::size_t> to,
                                                    std::optional<std::size_t> from, int tag,
                                                    location where) const {
    static_cast<void>(detail::owned_content<T>());
    const detail::match_key key = from ? accepted(*from, tag) : detail::match_key();
    send(std::move(value), to, tag, where);
    return detail::receive_awaitable<T, std::optional<T>>(
        communicator(), id_, from ? detail::message_verb::send_receive : detail::message_verb::send_only, key,
        where);
}
inline detail::match_key rank::accepted(source from, int tag) const {
    return {from.rank() ? below_size(*from.rank()) : detail::match_key::any_rank, tag};
}

} // namespace spmd
