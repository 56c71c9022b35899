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

/// `Result`: a T, or a message<T>.
template <class T, class Result>
Result result_of(std::unique_ptr<envelope> received) {
    auto& it = static_cast<letter<T>&>(*received);
    if constexpr (std::same_as<Result, T>)
        return it.take();
    else
        return {it.take(), it.from(), it.tag()};
}

/// `co_await me.receive<T>()`.
template <class T, class Result>
class [[nodiscard("co_await it")]] receive_awaitable final : public receiver, public rank_awaitable {
public:
    receive_awaitable(communicator& of, std::size_t id, std::size_t from, int tag,
                      const std::source_location& where) noexcept
        : receiver(of, id, from, tag), where_(where) {}

    bool await_ready() const {
        rank_worker::of(of(), id()).record().throw_if_failed();
        return false;
    }
    bool await_suspend(std::coroutine_handle<> rank) {
        return box().post_and_wait(*this, rank_worker::here().record(), rank, where_);
    }
    Result await_resume() { return result_of<T, Result>(take(typeid(T), where_)); }

private:
    std::source_location where_;
};

/// `co_await me.send(value, to)`: never waits.
template <class T>
class [[nodiscard("co_await it")]] send_awaitable final : public rank_awaitable {
public:
    send_awaitable(communicator& of, std::size_t id, T value, std::size_t to, int tag,
                   const std::source_location& where)
        : of_(&of), id_(id), value_(std::move(value)), to_(to), tag_(tag), where_(where) {}

    bool await_ready() {
        rank_worker& here = rank_worker::of(*of_, id_);
        auto sent = std::make_unique<letter<T>>(id_, tag_, std::move(value_), where_);
        if (of_->box_of(to_).put(std::move(sent))) here.wake(of_->index_of(to_));
        return true;
    }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    void await_resume() const noexcept {}

private:
    communicator* of_;
    std::size_t id_;
    T value_;
    std::size_t to_;
    int tag_;
    std::source_location where_;
};

} // namespace spmd::detail
