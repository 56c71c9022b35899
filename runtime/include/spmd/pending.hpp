#pragma once

#include <spmd/awaitable.hpp>
#include <spmd/detail/ranks/arrival.hpp>
#include <spmd/detail/ranks/messages.hpp>
#include <spmd/detail/ranks/split.hpp>
#include <spmd/detail/ranks/started_operation.hpp>

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <memory>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace spmd {
namespace detail {

class started_operations;

/// A started operation with its result.
template <class Result>
class pending_operation : public started_operation {
public:
    virtual ~pending_operation() = default;
    /// Takes the result. Requires: complete, or the rank's wait has failed.
    virtual Result finish() = 0;

protected:
    using started_operation::started_operation;
};

template <class Collective, class Result>
class pending_collective final : public arrival<Collective>, public pending_operation<Result> {
public:
    pending_collective(communicator& peers, std::size_t id, typename Collective::contribution given,
                       const std::source_location& where)
        : arrival<Collective>(peers, id, std::move(given), where),
          pending_operation<Result>(peers, id, where, this->join()), context_(peers) {
        if (!this->agrees_with(this->joined())) {
            this->joined().break_up(id, where, this->requested());
            return;
        }
        this->give(this->joined());
        this->joined().start(id, where, this->requested());
        rank_worker::here().arrive_and_continue();
        stays_ = true;
    }
    ~pending_collective() override {
        if (stays_) rank_worker::leave_anywhere(this->joined());
    }

    Result finish() override {
        if (this->has_waited()) rank_worker::here().record().throw_if_failed();
        stays_ = false;
        return this->template take_as<Result>(this->joined());
    }

private:
    context_reference context_;
    bool stays_ = false; // counted as a member that will access the collective
};

template <class T, class Result>
class pending_receive final : public receiver, public pending_operation<Result> {
public:
    pending_receive(communicator& peers, std::size_t id, message_verb verb, const match_key& accepted,
                    const std::source_location& where)
        : receiver(peers, id, verb, accepted),
          pending_operation<Result>(peers, id, where, static_cast<receiver&>(*this)), context_(peers) {
        rank_worker::running(peers, id);
        box().post(*this);
    }
    ~pending_receive() override {
        if (!done_) box().withdraw(*this);
    }

    Result finish() override {
        done_ = true;
        if constexpr (std::same_as<Result, message_origin>)
            return this->found();
        else
            return result_of<T, Result>(take(typeid(T), this->called_at()));
    }

private:
    context_reference context_;
    bool done_ = false;
};

/// An operation that had its result when it started.
template <class Result>
class completed_operation final : public pending_operation<Result> {
public:
    explicit completed_operation(Result result) : result_(std::move(result)) {}
    Result finish() override { return std::move(result_); }

private:
    Result result_;
};

} // namespace detail

/// A started operation of a rank, returned by `.start()`; `co_await` returns its result. Must not outlive its
/// rank. If it is destroyed before it was awaited, the peers keep this rank's contribution, and a message
/// that it has received is delivered to another receive. (MPI_Request)
///
///     auto sum = me.all_reduce(mine, spmd::plus).start();
///     prepare_what_does_not_need_it();
///     scale(co_await sum);
template <class T>
class [[nodiscard]] pending {
public:
    /// True if `co_await` would not wait. Lets no other rank run: a loop that polls it awaits yield().
    /// (MPI_Test)
    /// Throws: std::logic_error if it was awaited before, or moved from; cancelled_error.
    bool ready() const { return required().is_ready(); }

    /// As co_await, in a rank on a fiber. Throws: std::logic_error elsewhere.
    T get() { return detail::get_on_fiber(*this); }

    bool await_ready() const { return required().is_ready(); }
    bool await_suspend(std::coroutine_handle<> rank) { return operation_->wait(rank); }
    T await_resume() {
        required();
        return std::exchange(operation_, nullptr)->finish();
    }

private:
    template <class Collective, class Result>
    friend class detail::collective_awaitable;
    template <class Value, class Result>
    friend class detail::receive_awaitable;
    friend class detail::probe_awaitable;
    friend class detail::started_operations;
    explicit pending(std::unique_ptr<detail::pending_operation<T>> operation) noexcept
        : operation_(std::move(operation)) {}
    detail::pending_operation<T>& required() const {
        if (operation_ == nullptr) throw std::logic_error("a pending operation can be awaited once");
        return *operation_;
    }
    std::unique_ptr<detail::pending_operation<T>> operation_;
};

namespace detail {

template <class Collective, class Result>
pending<Result> collective_awaitable<Collective, Result>::start() {
    return pending<Result>(std::make_unique<pending_collective<Collective, Result>>(
        this->peers(), this->id(), this->take_contribution(), this->where()));
}
template <class T, class Result>
pending<Result> receive_awaitable<T, Result>::start() {
    if constexpr (std::same_as<Result, std::optional<T>>)
        if (verb() == message_verb::send_only)
            return pending<Result>(std::make_unique<completed_operation<Result>>(std::nullopt));
    return pending<Result>(
        std::make_unique<pending_receive<T, Result>>(peers(), id(), verb(), key(), where_));
}
inline pending<message_origin> probe_awaitable::start() {
    return pending<message_origin>(
        std::make_unique<pending_receive<void, message_origin>>(peers(), id(), verb(), key(), where_));
}

} // namespace detail
} // namespace spmd
