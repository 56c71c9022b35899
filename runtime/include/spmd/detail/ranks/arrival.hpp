#pragma once

#include <spmd/detail/ranks/collective.hpp>
#include <spmd/detail/ranks/communicator.hpp>
#include <spmd/detail/ranks/fiber.hpp>
#include <spmd/detail/ranks/rank_operations.hpp>
#include <spmd/detail/ranks/rank_worker.hpp>
#include <spmd/detail/results/slots.hpp>

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
template <class T>
class pending;
} // namespace spmd

namespace spmd::detail {

/// True for the operations of a rank that its coroutine can `co_await`.
template <class T>
inline constexpr bool is_rank_awaitable = false;
template <class T>
inline constexpr bool is_rank_awaitable<pending<T>> = true;
template <>
inline constexpr bool is_rank_awaitable<fiber> = true;

/// Requirements on a collective: a contribution that members give, and a result that they take.
template <class Collective>
concept collective_type =
    std::derived_from<Collective, collective> && std::constructible_from<Collective, communicator&> &&
    requires(Collective collective, typename Collective::contribution contribution, std::size_t id) {
        { Collective::name } -> std::convertible_to<const char*>;
        { Collective::has_root } -> std::convertible_to<bool>;
        { contribution.root() } -> std::same_as<std::size_t>;
        { contribution.count() } -> std::same_as<std::size_t>;
        collective.give(id, contribution);
        { collective.take(id, contribution) } -> std::same_as<typename Collective::result>;
    };

/// An empty contribution, and a base of others.
struct no_contribution {
    static constexpr bool has_parameters = false; // a root or a count, which must be equal for all
    std::size_t root() const noexcept { return 0; }
    std::size_t count() const noexcept { return 0; }
};

template <class Collective>
constexpr const std::type_info* operation_of() {
    if constexpr (requires { typename Collective::operation; })
        return &typeid(typename Collective::operation);
    else
        return nullptr;
}

template <class Collective>
inline const collective_kind kind_of{
    Collective::name, Collective::type, operation_of<Collective>(), Collective::has_root,
    [](communicator& peers) -> std::unique_ptr<collective> { return std::make_unique<Collective>(peers); }};

/// A member's passage through a collective.
template <class Collective>
class arrival {
public:
    using contribution = typename Collective::contribution;
    using result = typename Collective::result;

    arrival(const arrival&) = delete;
    arrival& operator=(const arrival&) = delete;

    communicator& peers() const noexcept { return *peers_; }
    std::size_t id() const noexcept { return id_; }
    const std::source_location& where() const noexcept { return where_; }
    request requested() const noexcept {
        return {&kind_of<Collective>, contribution_.root(), contribution_.count()};
    }

protected:
    arrival(communicator& peers, std::size_t id, contribution given, const std::source_location& where)
        : peers_(&peers), id_(id), where_(where), contribution_(std::move(given)) {
        static_assert(collective_type<Collective>);
    }
    ~arrival() = default;

    /// Joins the collective. It never completes if the member requested another.
    collective& join() const { return rank_worker::join_next(*this); }
    bool agrees_with(const collective& joined) const noexcept {
        return contribution::has_parameters ? joined.requested() == requested()
                                            : joined.requested().kind == &kind_of<Collective>;
    }
    void give(collective& joined) {
        try {
            static_cast<Collective&>(joined).give(id_, contribution_);
        } catch (...) { // the member has not arrived
            --peers_->next_number(id_);
            rank_worker::here().forget_collective();
            throw;
        }
    }
    contribution take_contribution() { return std::move(contribution_); }
    /// As take(), converted to `Result`.
    template <class Result>
    Result take_as(collective& joined) {
        if constexpr (std::same_as<Result, result>)
            return take(joined);
        else
            return from_membership<Result>(take(joined));
    }

private:
    /// Takes the result, and leaves. Requires: the collective is complete.
    result take(collective& joined) {
        const leaving after(joined);
        joined.throw_if_failed();
        return static_cast<Collective&>(joined).take(id_, contribution_);
    }

    class leaving {
    public:
        explicit leaving(collective& joined) noexcept : collective_(&joined) {}
        leaving(const leaving&) = delete;
        leaving& operator=(const leaving&) = delete;
        ~leaving() { rank_worker::here().leave(*collective_); }

    private:
        collective* collective_;
    };

    communicator* peers_;
    std::size_t id_;
    std::source_location where_;
    [[no_unique_address]] contribution contribution_;
};

/// Awaitable that arrives and waits at once, as in `co_await me.barrier()`. Part of each rank's frame, hence
/// small and trivial to destroy.
template <class Collective, class Result>
class [[nodiscard("co_await it")]] collective_awaitable final : public arrival<Collective> {
public:
    collective_awaitable(communicator& peers, std::size_t id, typename Collective::contribution given,
                         const std::source_location& where)
        : arrival<Collective>(peers, id, std::move(given), where) {}

    /// Arrives now; the result is awaited later.
    pending<Result> start();

    bool await_ready() {
        collective_ = &this->join();
        rank_worker& here = rank_worker::here();
        here.record().wait_for(*collective_, this->where());
        if (this->agrees_with(*collective_)) [[likely]] {
            this->give(*collective_);
            here.arrive();
        } else {
            collective_->break_up(this->id(), this->where(), this->requested());
        }
        return false;
    }
    void await_suspend(std::coroutine_handle<> rank) const noexcept {
        rank_worker::here().record().continue_at(rank);
    }
    /// As co_await, in a rank on a fiber (fibers.hpp). Throws: std::logic_error elsewhere.
    Result get() { return get_on_fiber(*this); }

    Result await_resume() {
        rank_worker::here().record().throw_if_failed();
        return this->template take_as<Result>(*collective_);
    }

private:
    collective* collective_ = nullptr; // the rank's record may hold another wait's by then
};
template <class Collective, class Result>
inline constexpr bool is_rank_awaitable<collective_awaitable<Collective, Result>> = true;

/// A collective whose members contribute a T each.
template <class T>
class values_collective : public collective {
public:
    static constexpr const std::type_info* type = &typeid(T);

protected:
    explicit values_collective(communicator& peers) : collective(peers) {
        if (slots<T>::destroys) given_ = std::make_unique<bool[]>(peers.size);
    }
    ~values_collective() override { destroy_values(); }

    void store(std::size_t id, T&& value) {
        slots<T>::fill(values_->begin(), id, [&]() -> T&& { return std::move(value); });
        if constexpr (slots<T>::destroys) given_[id] = true;
    }
    decltype(auto) value(std::size_t id) noexcept { return (*values_)[id]; }
    /// Moves all values out. Requires: all members have contributed.
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
    std::unique_ptr<bool[]> given_; // by id: the value is to be destroyed
    bool is_taken_ = false;
};

} // namespace spmd::detail
