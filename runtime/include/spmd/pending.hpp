#pragma once

#include <spmd/awaitable.hpp>
#include <spmd/detail/ranks/arrival.hpp>
#include <spmd/detail/ranks/messages.hpp>
#include <spmd/detail/ranks/split.hpp>

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

/// An operation that a rank has started and awaits later.
template <class Result>
class pending_operation {
public:
    pending_operation() = default;
    pending_operation(const pending_operation&) = delete;
    pending_operation& operator=(const pending_operation&) = delete;
    virtual ~pending_operation() = default;

    /// Throws: cancelled_error if the broadcast is to stop.
    virtual bool is_ready() = 0;
    /// Makes the rank wait; returns false if it need not.
    virtual bool wait(std::coroutine_handle<> rank) = 0;
    virtual Result finish() = 0;
};

template <class Collective>
class pending_collective final : public arrival<Collective>,
                                 public pending_operation<typename Collective::result> {
public:
    pending_collective(communicator& peers, std::size_t id, typename Collective::contribution given,
                       const std::source_location& where)
        : arrival<Collective>(peers, id, std::move(given), where), context_(peers),
          collective_(&this->join()), agrees_(this->agrees_with(*collective_)) {
        if (!agrees_) {
            collective_->break_up(id, where, this->requested());
            return;
        }
        this->give(*collective_);
        collective_->start(id, where, this->requested());
        rank_worker::here().arrive_and_continue();
        stays_ = true;
    }
    ~pending_collective() override {
        if (stays_) rank_worker::leave_anywhere(*collective_);
    }

    bool is_ready() override {
        if (agrees_ && collective_->is_complete()) return true;
        rank_worker::running(this->peers(), this->id());
        return false;
    }
    bool wait(std::coroutine_handle<> rank) override {
        rank_worker& here = rank_worker::running(this->peers(), this->id());
        here.record().throw_if_failed();
        waited_ = true; // before another thread can wake the rank
        if (collective_->wait(here.rank(), here.record(), rank, this->where())) return true;
        waited_ = false;
        return false;
    }
    typename Collective::result finish() override {
        if (waited_) rank_worker::here().record().throw_if_failed();
        stays_ = false;
        return this->take(*collective_);
    }

private:
    context_reference context_;
    collective* collective_;
    bool agrees_;
    bool stays_ = false; // counted as a member that will access the collective
    bool waited_ = false;
};

template <class T, class Result>
class pending_receive final : public receiver, public pending_operation<Result> {
public:
    pending_receive(communicator& peers, std::size_t id, message_verb verb, const match_key& accepted,
                    const std::source_location& where)
        : receiver(peers, id, verb, accepted), context_(peers), where_(where) {
        rank_worker::running(peers, id);
        box().post(*this);
    }
    ~pending_receive() override {
        if (!done_) box().withdraw(*this);
    }

    bool is_ready() override {
        if (box().has_message(*this)) return true;
        rank_worker::running(peers(), id());
        return false;
    }
    bool wait(std::coroutine_handle<> rank) override {
        wait_record& record = rank_worker::running(peers(), id()).record();
        record.throw_if_failed();
        return box().wait(*this, record, rank, where_);
    }
    Result finish() override {
        done_ = true;
        return result_of<T, Result>(take(typeid(T), where_));
    }

private:
    context_reference context_;
    std::source_location where_;
    bool done_ = false;
};

/// An operation that had its result when it started.
template <class Result>
class completed_operation final : public pending_operation<Result> {
public:
    explicit completed_operation(Result result) : result_(std::move(result)) {}
    bool is_ready() override { return true; }
    bool wait(std::coroutine_handle<>) override { return false; }
    Result finish() override { return std::move(result_); }

private:
    Result result_;
};

/// A split that has started.
template <class Result>
class pending_split final : public pending_operation<Result> {
public:
    pending_split(communicator& peers, std::size_t id, const split_contribution& given,
                  const std::source_location& where)
        : split_(peers, id, given, where) {}

    bool is_ready() override { return split_.is_ready(); }
    bool wait(std::coroutine_handle<> rank) override { return split_.wait(rank); }
    Result finish() override { return from_membership<Result>(split_.finish()); }

private:
    pending_collective<split_collective> split_;
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
    T await_resume() { return std::exchange(operation_, nullptr)->finish(); }

private:
    template <class Collective, class Result>
    friend class detail::collective_awaitable;
    template <class Value, class Result>
    friend class detail::receive_awaitable;
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
    using operation = std::conditional_t<std::same_as<Result, typename Collective::result>,
                                         pending_collective<Collective>, pending_split<Result>>;
    return pending<Result>(
        std::make_unique<operation>(this->peers(), this->id(), this->take_contribution(), this->where()));
}
template <class T, class Result>
pending<Result> receive_awaitable<T, Result>::start() {
    if constexpr (std::same_as<Result, std::optional<T>>)
        if (verb() == message_verb::send_only)
            return pending<Result>(std::make_unique<completed_operation<Result>>(std::nullopt));
    return pending<Result>(
        std::make_unique<pending_receive<T, Result>>(peers(), id(), verb(), key(), where_));
}

} // namespace detail
} // namespace spmd
