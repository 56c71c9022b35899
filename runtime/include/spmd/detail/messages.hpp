#pragma once

#include <spmd/detail/collective.hpp>
#include <spmd/detail/message_box.hpp>

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

namespace spmd {

/// What receive_message gives: a value, who sent it, and with which tag.
template <class T>
struct message {
    T value;
    std::size_t from = 0;
    int tag = 0;
};

namespace detail {

/// What all receives of a rank have in common, whatever the type.
class receive_suspension : public suspension, public receiver {
public:
    std::string operation() const override;
    std::exception_ptr cause() const override;

protected:
    receive_suspension(communicator& of, std::size_t id, std::size_t from, int tag,
                       const std::source_location& where) noexcept
        : suspension(where), receiver(from, tag), of_(&of), id_(id) {}
    ~receive_suspension() override = default;

    std::size_t index() const noexcept { return of_->index_of(id_); }
    std::size_t id() const noexcept { return id_; }
    communicator& of() const noexcept { return *of_; }
    message_box& box() const { return of_->box_of(id_); }
    /// The message that came. Throws: why there will be none; collective_mismatch where it is not of this type.
    std::unique_ptr<envelope> take(const std::type_info& type);

private:
    communicator* of_;
    std::size_t id_;
};

/// `Result`: a T, or a message<T>.
template <class T, class Result>
Result result_of(std::unique_ptr<envelope> received) {
    letter<T>& it = static_cast<letter<T>&>(*received);
    if constexpr (std::same_as<Result, T>)
        return it.take();
    else
        return {it.take(), it.from(), it.tag()};
}

/// `co_await me.receive<T>()`.
template <class T, class Result>
class receive_awaitable final : public receive_suspension, public rank_awaitable {
public:
    receive_awaitable(communicator& of, std::size_t id, std::size_t from, int tag,
                      const std::source_location& where) noexcept
        : receive_suspension(of, id, from, tag, where) {}

    bool await_ready() {
        runner::of(of(), id());
        return false;
    }
    bool await_suspend(std::coroutine_handle<> rank) {
        continue_at(rank);
        return box().post_and_wait(*this, runner::here().slot(index()), *this);
    }
    Result await_resume() { return result_of<T, Result>(take(typeid(T))); }
};

/// `co_await me.send(value, to)`: never waits.
template <class T>
class send_awaitable final : public rank_awaitable {
public:
    send_awaitable(communicator& of, std::size_t id, T value, std::size_t to, int tag,
                   const std::source_location& where)
        : of_(&of), id_(id), value_(std::move(value)), to_(to), tag_(tag), where_(where) {}

    bool await_ready() {
        runner& here = runner::of(*of_, id_);
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

} // namespace detail
} // namespace spmd
