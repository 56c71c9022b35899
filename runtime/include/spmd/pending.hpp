#pragma once

#include <spmd/detail/ranks/arrival.hpp>
#include <spmd/detail/ranks/messages.hpp>

#include <coroutine>
#include <cstddef>
#include <memory>
#include <source_location>
#include <stdexcept>
#include <typeinfo>
#include <utility>

namespace spmd {
namespace detail {

/// Something that a rank has started and waits for later.
template <class Result>
class pending_operation {
public:
    pending_operation() = default;
    pending_operation(const pending_operation&) = delete;
    pending_operation& operator=(const pending_operation&) = delete;
    virtual ~pending_operation() = default;

    /// Throws: cancelled where it will not be, because the broadcast is to stop.
    virtual bool is_ready() = 0;
    /// The rank waits; false when it need not.
    virtual bool wait(std::coroutine_handle<> rank) = 0;
    virtual Result finish() = 0;
};

template <class Collective>
class pending_collective final : public arrival<Collective>,
                                 public pending_operation<typename Collective::result> {
public:
    pending_collective(communicator& of, std::size_t id, typename Collective::contribution given,
                       const std::source_location& where)
        : arrival<Collective>(of, id, std::move(given), where), context_(of), at_(&this->come()),
          agrees_(this->agrees_with(*at_)) {
        if (!agrees_) {
            at_->break_up(id, where, this->asked());
            return;
        }
        this->give(*at_);
        at_->start(id, where, this->asked());
        rank_worker::here().arrive_and_go_on();
        stays_ = true;
    }
    ~pending_collective() override {
        if (stays_) rank_worker::leave_anywhere(*at_);
    }

    bool is_ready() override {
        if (agrees_ && at_->is_complete()) return true;
        rank_worker::of(this->of(), this->id());
        return false;
    }
    bool wait(std::coroutine_handle<> rank) override {
        rank_worker& here = rank_worker::of(this->of(), this->id());
        here.record().throw_if_failed();
        waited_ = true; // before another thread can wake the rank
        if (at_->wait(here.rank(), here.record(), rank, this->where())) return true;
        waited_ = false;
        return false;
    }
    typename Collective::result finish() override {
        if (waited_) rank_worker::here().record().throw_if_failed();
        stays_ = false;
        return this->take(*at_);
    }

private:
    context_reference context_;
    collective* at_;
    bool agrees_;
    bool stays_ = false; // counted as one that will look at the collective
    bool waited_ = false;
};

template <class T, class Result>
class pending_receive final : public receiver, public pending_operation<Result> {
public:
    pending_receive(communicator& of, std::size_t id, std::size_t from, int tag,
                    const std::source_location& where)
        : receiver(of, id, from, tag), context_(of), where_(where) {
        rank_worker::of(of, id);
        box().post(*this);
    }
    ~pending_receive() override {
        if (!done_) box().withdraw(*this);
    }

    bool is_ready() override {
        if (box().has_message(*this)) return true;
        rank_worker::of(of(), id());
        return false;
    }
    bool wait(std::coroutine_handle<> rank) override {
        wait_record& record = rank_worker::of(of(), id()).record();
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

} // namespace detail

/// What a rank has started by one of its `start_…` and will await: `co_await` gives what the plain form gives. Lives
/// no longer than its rank. Dropped, it needs not be awaited: the peers have what this rank gave, and a message
/// that was to be received waits for another receive.
///
///     auto sum = me.start_all_reduce(mine, std::plus<>{});
///     prepare_what_does_not_need_it();
///     scale(co_await sum);
template <class T>
class [[nodiscard]] pending : public detail::rank_awaitable {
public:
    explicit pending(std::unique_ptr<detail::pending_operation<T>> operation) noexcept
        : operation_(std::move(operation)) {}

    /// True when `co_await` would not wait. Lets no other rank run: a loop that asks until it is true may never end.
    /// Throws: std::logic_error when it was awaited before, or moved from; cancelled.
    bool ready() const { return required().is_ready(); }

    bool await_ready() const { return required().is_ready(); }
    bool await_suspend(std::coroutine_handle<> rank) { return operation_->wait(rank); }
    T await_resume() { return std::exchange(operation_, nullptr)->finish(); }

private:
    detail::pending_operation<T>& required() const {
        if (operation_ == nullptr) throw std::logic_error("a pending operation can be awaited once");
        return *operation_;
    }
    std::unique_ptr<detail::pending_operation<T>> operation_;
};

} // namespace spmd
