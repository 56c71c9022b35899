#pragma once

#include <spmd/detail/ranks/joint_wait.hpp>
#include <spmd/pending.hpp>

#include <array>
#include <chrono>
#include <concepts>
#include <coroutine>
#include <cstddef>
#include <ranges>
#include <source_location>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace spmd::detail {

template <class T>
inline constexpr bool is_pending = false;
template <class T>
inline constexpr bool is_pending<pending<T>> = true;

template <class Result>
Result result_type_of(const pending<Result>&);

/// Operations of a rank as a joint wait holds them: those that were started elsewhere by reference, others by
/// value, from the call on.
class started_operations {
public:
    template <class T>
    static pending<T>& begin(pending<T>& started) noexcept {
        return started;
    }
    template <class T>
    static pending<T> begin(pending<T>&& started) noexcept {
        return std::move(started);
    }
    template <class Operation>
        requires(!is_pending<std::remove_cvref_t<Operation>>)
    static auto begin(Operation&& described) -> decltype(described.start()) {
        return described.start();
    }
    template <class T>
    static started_operation* of(const pending<T>& held) {
        return &held.required();
    }
};

/// Result of begin() for an argument of type `Operation&&`.
template <class Operation>
using begun = decltype(started_operations::begin(std::declval<Operation>()));
template <class Operation>
using result_of_begun = decltype(result_type_of(std::declval<begun<Operation>&>()));

/// Arguments of within: operations of a rank, and pendings.
template <class Operation>
concept startable = requires { typename result_of_begun<Operation>; };
/// Arguments of when_all: not probes, which would keep messages from receives that begin after them.
template <class Operation>
concept combinable = startable<Operation> && !std::same_as<std::remove_cvref_t<Operation>, probe_awaitable>;
/// A range of pendings, which outlives the wait.
template <class Range>
concept range_of_pendings = std::ranges::forward_range<Range> && std::is_lvalue_reference_v<Range> &&
                            is_pending<std::remove_cvref_t<std::ranges::range_reference_t<Range>>>;

/// Results as a tuple holds them.
template <class T>
using value_or_monostate = std::conditional_t<std::is_void_v<T>, std::monostate, T>;
template <class T>
value_or_monostate<T> take_result(pending<T>& complete) {
    if constexpr (std::is_void_v<T>) {
        complete.await_resume();
        return {};
    } else {
        return complete.await_resume();
    }
}

/// The part that awaitables of joint waits have in common.
template <class Derived>
class joint_awaitable {
public:
    bool await_ready() { return wait_.begin(static_cast<Derived&>(*this).operations()); }
    bool await_suspend(std::coroutine_handle<> rank) { return wait_.suspend(rank); }
    decltype(auto) await_resume() {
        wait_.end();
        return static_cast<Derived&>(*this).result();
    }
    /// As co_await, in a rank on a fiber. Throws: std::logic_error elsewhere.
    decltype(auto) get(const std::source_location& where = std::source_location::current()) {
        at(where);
        return get_on_fiber(*this);
    }

    void at(const std::source_location& where) noexcept { wait_.at(where); }
    void limit(std::chrono::nanoseconds time) noexcept { wait_.limit(time); }

    joint_awaitable& operator=(joint_awaitable&&) = delete;

private:
    friend Derived;
    explicit joint_awaitable(joint_wait wait) noexcept : wait_(std::move(wait)) {}
    joint_awaitable(joint_awaitable&&) noexcept = default;
    ~joint_awaitable() = default;

    const joint_wait& wait() const noexcept { return wait_; }
    /// Called by destructors: an expression may be left by an exception before await_resume().
    void leave() noexcept { wait_.leave(); }

    joint_wait wait_;
};

/// Awaitable of when_any.
class [[nodiscard("co_await it")]] any_awaitable final : public joint_awaitable<any_awaitable> {
public:
    explicit any_awaitable(std::vector<started_operation*> operations)
        : joint_awaitable(joint_wait("when_any", joint_wait::extent::any)),
          operations_(std::move(operations)) {}
    any_awaitable(any_awaitable&&) noexcept = default;
    any_awaitable& operator=(any_awaitable&&) = delete;
    ~any_awaitable() { leave(); }

private:
    friend class joint_awaitable<any_awaitable>;
    std::span<started_operation* const> operations() const noexcept { return operations_; }
    std::size_t result() const { return wait().first_ready(); }

    std::vector<started_operation*> operations_;
};

/// Awaitable of when_all; each Held is a pending or a reference to one.
template <class... Held>
class [[nodiscard("co_await it")]] all_awaitable final : public joint_awaitable<all_awaitable<Held...>> {
public:
    explicit all_awaitable(Held... held)
        : joint_awaitable<all_awaitable>(joint_wait("when_all", joint_wait::extent::all)),
          held_(std::forward<Held>(held)...) {}
    all_awaitable(all_awaitable&&) noexcept = default;
    all_awaitable& operator=(all_awaitable&&) = delete;
    ~all_awaitable() { this->leave(); }

private:
    friend class joint_awaitable<all_awaitable>;
    std::span<started_operation* const> operations() {
        operations_ = std::apply(
            [](auto&... each) {
                return std::array<started_operation*, sizeof...(Held)>{started_operations::of(each)...};
            },
            held_);
        return operations_;
    }
    auto result() {
        return std::apply(
            [](auto&... each) { // braces: from the left
                return std::tuple<value_or_monostate<decltype(result_type_of(each))>...>{
                    take_result(each)...};
            },
            held_);
    }

    std::tuple<Held...> held_;
    std::array<started_operation*, sizeof...(Held)> operations_{};
};

/// Awaitable of when_all of a range.
template <class Range, class T>
class [[nodiscard("co_await it")]] all_of_range_awaitable final
    : public joint_awaitable<all_of_range_awaitable<Range, T>> {
public:
    explicit all_of_range_awaitable(Range& held)
        : joint_awaitable<all_of_range_awaitable>(joint_wait("when_all", joint_wait::extent::all)),
          held_(&held) {}
    all_of_range_awaitable(all_of_range_awaitable&&) noexcept = default;
    all_of_range_awaitable& operator=(all_of_range_awaitable&&) = delete;
    ~all_of_range_awaitable() { this->leave(); }

private:
    friend class joint_awaitable<all_of_range_awaitable>;
    std::span<started_operation* const> operations() {
        operations_.clear();
        for (const pending<T>& each : *held_) operations_.push_back(started_operations::of(each));
        return operations_;
    }
    auto result() {
        if constexpr (std::is_void_v<T>) {
            for (pending<T>& each : *held_) each.await_resume();
        } else {
            std::vector<T> all;
            all.reserve(operations_.size());
            for (pending<T>& each : *held_) all.push_back(each.await_resume());
            return all;
        }
    }

    Range* held_;
    std::vector<started_operation*> operations_;
};

/// Awaitable of rank::within, of one operation.
template <class Held>
class [[nodiscard("co_await it")]] within_awaitable final : public joint_awaitable<within_awaitable<Held>> {
public:
    within_awaitable(Held held, std::chrono::nanoseconds time)
        : joint_awaitable<within_awaitable>(joint_wait("within", joint_wait::extent::all)),
          held_(std::forward<Held>(held)) {
        this->limit(time);
    }
    within_awaitable(within_awaitable&&) noexcept = default;
    within_awaitable& operator=(within_awaitable&&) = delete;
    ~within_awaitable() { this->leave(); }

private:
    friend class joint_awaitable<within_awaitable>;
    std::span<started_operation* const> operations() {
        operation_ = started_operations::of(held_);
        return {&operation_, 1};
    }
    decltype(result_type_of(std::declval<Held&>())) result() { return held_.await_resume(); }

    Held held_;
    started_operation* operation_ = nullptr;
};

template <class T>
inline constexpr bool is_joint_awaitable = false;
template <>
inline constexpr bool is_joint_awaitable<any_awaitable> = true;
template <class... Held>
inline constexpr bool is_joint_awaitable<all_awaitable<Held...>> = true;
template <class Range, class T>
inline constexpr bool is_joint_awaitable<all_of_range_awaitable<Range, T>> = true;
template <class Held>
inline constexpr bool is_joint_awaitable<within_awaitable<Held>> = true;
template <class T>
    requires is_joint_awaitable<T>
inline constexpr bool is_rank_awaitable<T> = true;

} // namespace spmd::detail
