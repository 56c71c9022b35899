#pragma once

#include <spmd/detail/views/argument.hpp>
#include <spmd/detail/views/bound_pieces.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>

/// Handles to state that stays with its rank: pieces that belong to the engines of a pool, each constructed
/// by its rank on a thread of its arena, so that its memory lies there. `scatter`, `make_local` and
/// `replicate` of a pool or a view return them; passed to a broadcast, a map or a stage of a graph, they
/// resolve to the rank's own piece:
///
///     auto cells = pool.scatter(std::move(grid));          // scattered<cell>: one slice per rank
///     auto count = pool.make_local<histogram>(256);        // local<histogram>: one object per rank
///     auto scale = pool.replicate(table);                  // replicated<table>: one copy per arena
///     pool.broadcast([](spmd::rank, std::span<cell> mine, histogram& h, const table& s) { … },
///                    cells, count, scale).get();
///     std::vector<histogram> all = pool.gather(count);
///
/// A rank's pieces are those of its engine, on any view. A const handle yields const pieces. A handle may be
/// destroyed before the broadcast that it was passed to has ended: the pieces live as long as anything uses
/// them.
///
/// Throws: on any use, std::invalid_argument for a handle of another pool, one that has outlived its pool,
/// one that is empty (moved from), and an engine without a piece, by name.
/// Thread safety: a handle may be passed to several submissions at once. Their accesses to one piece, and
/// those by operator[], must be ordered by the caller.
namespace spmd {

/// Tag for `scatter` and `push`: one item for each rank, which it receives as T&.
struct flatten_t {
    explicit flatten_t() = default;
};
inline constexpr flatten_t flatten{};

/// Items dealt out to ranks: a contiguous slice for each, which it receives as std::span<T>. Slices of
/// different ranks lie on different cache lines, unless that could cost 3 % more memory, and more than 256
/// KiB. In a map, the range of all items, each run in its owner's arena if the parts are contiguous.
template <class T>
class scattered {
public:
    static_assert(std::is_object_v<T> && !std::is_const_v<T>, "a rank may change the items of its slice");
    using value_type = T;

    /// Constructs an empty handle.
    scattered() noexcept = default;
    scattered(scattered&&) noexcept = default;
    scattered& operator=(scattered&&) noexcept = default;
    ~scattered() = default;

    /// Total number of items.
    std::size_t size() const { return held().size(); }
    /// Returns the slice of an engine. Requires: no task uses it.
    std::span<T> operator[](std::size_t engine) { return slice_of(engine); }
    std::span<const T> operator[](std::size_t engine) const { return slice_of(engine); }

private:
    friend struct detail::handle_access;
    static constexpr const char* kind = "scattered";
    const detail::slices<T>& held() const {
        if (!held_) detail::throw_empty(kind);
        return *held_;
    }
    std::span<T> slice_of(std::size_t engine) const {
        held().require(engine);
        return held_->table()[engine];
    }
    std::shared_ptr<detail::slices<T>> held_;
};

/// One object for each rank, which it receives as T&, on cache lines of its own. T may be immovable. In a
/// map, the range of the objects of the ranks that the map is called on.
template <class T>
class local {
public:
    static_assert(std::is_object_v<T> && !std::is_const_v<T>, "a rank may change its object");
    using value_type = T;

    /// Constructs an empty handle.
    local() noexcept = default;
    local(local&&) noexcept = default;
    local& operator=(local&&) noexcept = default;
    ~local() = default;

    /// Number of objects: one for each rank that the handle was constructed for.
    std::size_t size() const { return held().ranks(); }
    /// Returns the object of an engine. Requires: no task uses it.
    T& operator[](std::size_t engine) { return object_of(engine); }
    const T& operator[](std::size_t engine) const { return object_of(engine); }

private:
    friend struct detail::handle_access;
    static constexpr const char* kind = "local";
    const detail::pieces<T>& held() const {
        if (!held_) detail::throw_empty(kind);
        return *held_;
    }
    T& object_of(std::size_t engine) const {
        held().require(engine);
        return *held_->table()[engine].data();
    }
    std::shared_ptr<detail::pieces<T>> held_;
};

/// One copy of a value for each arena, which its ranks receive as const T&. In a map, the arena's copy for
/// each item.
template <class T>
class replicated {
public:
    static_assert(std::is_object_v<T> && !std::is_const_v<T>);
    using value_type = T;

    /// Constructs an empty handle.
    replicated() noexcept = default;
    replicated(replicated&&) noexcept = default;
    replicated& operator=(replicated&&) noexcept = default;
    ~replicated() = default;

    /// Number of copies: one for each arena with a rank that the handle was constructed for.
    std::size_t size() const { return held().size(); }
    /// Returns the copy that the rank of an engine receives.
    const T& operator[](std::size_t engine) const {
        held().require(engine);
        return held_->for_engine(engine);
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
