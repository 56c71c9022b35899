#pragma once

#include <spmd/detail/views/argument.hpp>
#include <spmd/detail/views/bound_pieces.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>

/// State that stays with its rank. Handles on pieces that belong to the engines of a pool, each made by its rank on a
/// thread of its arena, so that its memory lies there. `scatter`, `make_local` and `replicate` of a pool or a view
/// make them; given to a broadcast, a map or a stage of a graph they resolve to the rank's own piece:
///
///     auto cells = pool.scatter(std::move(grid));          // scattered<cell>: one slice per rank
///     auto count = pool.make_local<histogram>(256);        // local<histogram>: one object per rank
///     auto scale = pool.replicate(table);                  // replicated<table>: one copy per arena
///     pool.broadcast([](spmd::rank, std::span<cell> mine, histogram& h, const table& s) { … },
///                    cells, count, scale).get();
///     std::vector<histogram> all = pool.gather(count);
///
/// A rank's pieces are those of its engine, on whatever view it runs. A const handle gives const pieces. A handle
/// given to a broadcast may be destroyed before that has ended: the pieces live as long as anybody uses them.
///
/// Throws, wherever one is used: std::invalid_argument for a handle of another pool, one that has outlived its pool,
/// one that is empty (moved from), and an engine that has no piece, by name.
/// Thread safety: a handle may be given to several submissions at once. What ranks of several do with one piece at
/// the same time is theirs to order, and so is what the owner of the handle does by operator[].
namespace spmd {

/// For `scatter` and `push`: one item for each rank, which arrives as T&.
struct flatten_t {
    explicit flatten_t() = default;
};
inline constexpr flatten_t flatten{};

/// Items dealt out to ranks: a contiguous slice for each, which it sees as std::span<T>. Slices of different ranks are
/// on different cache lines, unless that could take 3 % more memory, and more than 256 KiB. In a map it is the
/// range of all items, each run in its owner's arena where the parts are contiguous.
template <class T>
class scattered {
public:
    static_assert(std::is_object_v<T> && !std::is_const_v<T>, "a rank may change the items of its slice");
    using value_type = T;

    /// Empty.
    scattered() noexcept = default;
    scattered(scattered&&) noexcept = default;
    scattered& operator=(scattered&&) noexcept = default;
    ~scattered() = default;

    /// How many items all slices have together.
    std::size_t size() const { return held().size(); }
    /// The slice of an engine, for who owns the handle while no task uses it.
    std::span<T> operator[](std::size_t engine) { return of(engine); }
    std::span<const T> operator[](std::size_t engine) const { return of(engine); }

private:
    friend struct detail::handle_access;
    static constexpr const char* kind = "scattered";
    const detail::slices<T>& held() const {
        if (!held_) detail::throw_empty(kind);
        return *held_;
    }
    std::span<T> of(std::size_t engine) const {
        held().require(engine);
        return held_->table()[engine];
    }
    std::shared_ptr<detail::slices<T>> held_;
};

/// One object for each rank, which it sees as T&; on cache lines of its own. T may be immovable. In a map it is a
/// range of the objects of the ranks that the map is called on.
template <class T>
class local {
public:
    static_assert(std::is_object_v<T> && !std::is_const_v<T>, "a rank may change its object");
    using value_type = T;

    /// Empty.
    local() noexcept = default;
    local(local&&) noexcept = default;
    local& operator=(local&&) noexcept = default;
    ~local() = default;

    /// How many objects there are: one for each rank that it was made for.
    std::size_t size() const { return held().ranks(); }
    /// The object of an engine, for who owns the handle while no task uses it.
    T& operator[](std::size_t engine) { return of(engine); }
    const T& operator[](std::size_t engine) const { return of(engine); }

private:
    friend struct detail::handle_access;
    static constexpr const char* kind = "local";
    const detail::pieces<T>& held() const {
        if (!held_) detail::throw_empty(kind);
        return *held_;
    }
    T& of(std::size_t engine) const {
        held().require(engine);
        return *held_->table()[engine].data();
    }
    std::shared_ptr<detail::pieces<T>> held_;
};

/// One copy of a value for each arena, which its ranks see as const T&. In a map it is the arena's copy for each item.
template <class T>
class replicated {
public:
    static_assert(std::is_object_v<T> && !std::is_const_v<T>);
    using value_type = T;

    /// Empty.
    replicated() noexcept = default;
    replicated(replicated&&) noexcept = default;
    replicated& operator=(replicated&&) noexcept = default;
    ~replicated() = default;

    /// How many copies there are: one for each arena with a rank that it was made for.
    std::size_t size() const { return held().size(); }
    /// The copy that an engine sees.
    const T& operator[](std::size_t engine) const {
        held().require(engine);
        return held_->of(engine);
    }

private:
    friend struct detail::handle_access;
    static constexpr const char* kind = "replicated";
    const detail::copies<T>& held() const {
        if (!held_) detail::throw_empty(kind);
        return *held_;
    }
    std::shared_ptr<detail::copies<T>> held_;
};

namespace detail {

template <class T, bool IsConst>
struct bound_handle<scattered<T>, IsConst> {
    using type = bound_slices<std::conditional_t<IsConst, const T, T>>;
};
template <class T, bool IsConst>
struct bound_handle<local<T>, IsConst> {
    using type = bound_objects<std::conditional_t<IsConst, const T, T>>;
};
template <class T, bool IsConst>
struct bound_handle<replicated<T>, IsConst> {
    using type = bound_copies<T>;
};

} // namespace detail
} // namespace spmd
