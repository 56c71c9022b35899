#pragma once

#include <spmd/detail/communicator.hpp>
#include <spmd/detail/gang.hpp>
#include <spmd/detail/meeting.hpp>
#include <spmd/detail/slots.hpp>

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

namespace spmd::detail {

/// Marks what a rank's coroutine may `co_await`.
class rank_awaitable {};

/// How a collective is written: a meeting that says what a member gives and what it takes.
template <class Meeting>
concept collective_meeting =
    std::derived_from<Meeting, meeting> && std::constructible_from<Meeting, communicator&> &&
    requires(Meeting meeting, typename Meeting::gift gift, std::size_t id) {
        { Meeting::name } -> std::convertible_to<const char*>;
        { Meeting::has_root } -> std::convertible_to<bool>;
        { gift.root() } -> std::same_as<std::size_t>;
        { gift.count() } -> std::same_as<std::size_t>;
        meeting.give(id, gift);
        { meeting.take(id, gift) } -> std::same_as<typename Meeting::result>;
    };

/// A gift of nothing, to be built upon.
struct no_gift {
    std::size_t root() const noexcept { return 0; }
    std::size_t count() const noexcept { return 0; }
};

template <class Meeting>
inline const collective_kind kind_of{
    Meeting::name, Meeting::type, Meeting::has_root,
    [](communicator& of) -> std::unique_ptr<meeting> { return std::make_unique<Meeting>(of); }};

/// A member on its way through a meeting: what `co_await me.barrier()` awaits.
template <class Meeting>
class collective : public meeting_suspension {
public:
    using gift = typename Meeting::gift;
    using result = typename Meeting::result;

    request asked() const final { return {&kind_of<Meeting>, gift_.root(), gift_.count()}; }

protected:
    collective(communicator& of, std::size_t id, gift given, const std::source_location& where)
        : meeting_suspension(of, id, where), gift_(std::move(given)) {
        static_assert(collective_meeting<Meeting>);
    }
    ~collective() override = default;

    /// Comes to the meeting and gives.
    void come() {
        const request wanted = asked();
        meeting& at = runner::of(of(), id()).next_meeting(of(), id(), wanted, where());
        meet(at);
        if (at.asked() == wanted) [[likely]] {
            static_cast<Meeting&>(at).give(id(), gift_);
        } else {
            at.break_up();
            is_stranger_ = true;
        }
    }
    bool is_stranger() const noexcept { return is_stranger_; }
    /// Takes, and leaves. Requires: the meeting is complete, or this suspension failed.
    result take() {
        throw_if_failed();
        Meeting& at = static_cast<Meeting&>(*met());
        const leaving after(at);
        at.throw_if_failed();
        return at.take(id(), gift_);
    }

private:
    class leaving {
    public:
        explicit leaving(meeting& at) noexcept : at_(&at) {}
        leaving(const leaving&) = delete;
        leaving& operator=(const leaving&) = delete;
        ~leaving() { runner::here().leave(*at_); }

    private:
        meeting* at_;
    };

    [[no_unique_address]] gift gift_;
    bool is_stranger_ = false;
};

/// Arrives and waits at once.
template <class Meeting>
class collective_awaitable : public collective<Meeting>, public rank_awaitable {
public:
    collective_awaitable(communicator& of, std::size_t id, typename Meeting::gift given,
                         const std::source_location& where)
        : collective<Meeting>(of, id, std::move(given), where) {}
    ~collective_awaitable() override = default;

    bool await_ready() {
        this->come();
        return false;
    }
    void await_suspend(std::coroutine_handle<> rank) noexcept {
        this->continue_at(rank);
        const std::size_t index = this->of().index_of(this->id());
        if (this->is_stranger()) [[unlikely]]
            runner::here().wait(index, *this);
        else
            runner::here().arrive(index, *this);
    }
    typename Meeting::result await_resume() { return this->take(); }
};

/// A meeting whose members give a T each.
template <class T>
class values_meeting : public meeting {
public:
    static constexpr const std::type_info* type = &typeid(T);

protected:
    explicit values_meeting(communicator& of) : meeting(of) {
        if (slots<T>::destroys) given_ = std::make_unique<bool[]>(of.size);
    }
    ~values_meeting() override { destroy_values(); }

    void keep(std::size_t id, T&& value) {
        slots<T>::fill(values_->begin(), id, [&]() -> T&& { return std::move(value); });
        if constexpr (slots<T>::destroys) given_[id] = true;
    }
    decltype(auto) value(std::size_t id) noexcept { return (*values_)[id]; }
    /// All values at once. Requires: they are all there.
    results<T> take_values() {
        results<T> all = values_->take();
        is_taken_ = true;
        return all;
    }
    void prepare() override {
        if (!values_) values_.emplace(size());
    }
    void clear() noexcept override {
        destroy_values();
        if (std::exchange(is_taken_, false)) values_.reset();
    }

private:
    void destroy_values() noexcept {
        if constexpr (slots<T>::destroys)
            for (std::size_t id = 0; id < size(); ++id)
                if (std::exchange(given_[id], false)) values_->destroy(id);
    }

    std::optional<slots<T>> values_;
    std::unique_ptr<bool[]> given_; // those that are to be destroyed
    bool is_taken_ = false;
};

} // namespace spmd::detail
