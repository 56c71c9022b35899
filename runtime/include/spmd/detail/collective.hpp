#pragma once

#include <spmd/detail/communicator.hpp>
#include <spmd/detail/meeting.hpp>
#include <spmd/detail/runner.hpp>
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
    static constexpr bool asks_more = false; // than for the collective: for a root or a count
    std::size_t root() const noexcept { return 0; }
    std::size_t count() const noexcept { return 0; }
};

template <class Meeting>
constexpr const std::type_info* operation_of() {
    if constexpr (requires { typename Meeting::operation; })
        return &typeid(typename Meeting::operation);
    else
        return nullptr;
}

template <class Meeting>
inline const collective_kind kind_of{
    Meeting::name, Meeting::type, operation_of<Meeting>(), Meeting::has_root,
    [](communicator& of) -> std::unique_ptr<meeting> { return std::make_unique<Meeting>(of); }};

/// A member on its way through a meeting.
template <class Meeting>
class collective {
public:
    using gift = typename Meeting::gift;
    using result = typename Meeting::result;

    collective(const collective&) = delete;
    collective& operator=(const collective&) = delete;

    communicator& of() const noexcept { return *of_; }
    std::size_t id() const noexcept { return id_; }
    const std::source_location& where() const noexcept { return where_; }
    request asked() const noexcept { return {&kind_of<Meeting>, gift_.root(), gift_.count()}; }

protected:
    collective(communicator& of, std::size_t id, gift given, const std::source_location& where)
        : of_(&of), id_(id), where_(where), gift_(std::move(given)) {
        static_assert(collective_meeting<Meeting>);
    }
    ~collective() = default;

    /// Comes to the meeting. It will not take place if the member asked for something else.
    meeting& come() const { return runner::next_meeting(*this); }
    bool agrees_with(const meeting& at) const noexcept {
        return gift::asks_more ? at.asked() == asked() : at.asked().kind == &kind_of<Meeting>;
    }
    void give(meeting& at) {
        try {
            static_cast<Meeting&>(at).give(id_, gift_);
        } catch (...) { // the member has not come
            --of_->next_of(id_);
            runner::here().forget_meeting();
            throw;
        }
    }
    /// Takes, and leaves. Requires: the meeting is complete.
    result take(meeting& at) {
        const leaving after(at);
        at.throw_if_failed();
        return static_cast<Meeting&>(at).take(id_, gift_);
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

    communicator* of_;
    std::size_t id_;
    std::source_location where_;
    [[no_unique_address]] gift gift_;
};

class membership;
/// What split gives a rank for its place in a group: rank.hpp has the rest.
template <class Result>
Result from_membership(const membership& place);

/// Arrives and waits at once: what `co_await me.barrier()` awaits. It takes part of each rank's frame, so it is
/// small, and does not end with more than a return.
template <class Meeting, class Result = typename Meeting::result>
class [[nodiscard("co_await it")]] collective_awaitable final : public collective<Meeting>,
                                                                public rank_awaitable {
public:
    collective_awaitable(communicator& of, std::size_t id, typename Meeting::gift given,
                         const std::source_location& where)
        : collective<Meeting>(of, id, std::move(given), where) {}

    bool await_ready() {
        at_ = &this->come();
        runner& here = runner::here();
        here.record().wait_for(*at_, this->where());
        if (this->agrees_with(*at_)) [[likely]] {
            this->give(*at_);
            here.arrive();
        } else {
            at_->break_up(this->id(), this->where(), this->asked());
        }
        return false;
    }
    void await_suspend(std::coroutine_handle<> rank) const noexcept {
        runner::here().record().continue_at(rank);
    }
    Result await_resume() {
        runner::here().record().throw_if_failed();
        if constexpr (std::same_as<Result, typename Meeting::result>)
            return this->take(*at_);
        else
            return from_membership<Result>(this->take(*at_));
    }

private:
    meeting* at_ = nullptr; // not taken from the rank's record: by now that may be another wait's
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
