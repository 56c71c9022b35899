#pragma once

#include <concepts>
#include <cstddef>
#include <utility>
#include <vector>

/// Named operations for reductions: `me.all_reduce(mine, spmd::plus)`, `pool.map(f,
/// items).reduce(spmd::max)`. Vectors are combined element by element. They have no captures, so that they
/// are safe as temporaries with GCC 12 (task.hpp).
namespace spmd {

/// A value and the lowest rank id (of a map: item index) that has it: the result of min_at and max_at.
template <class T>
struct located {
    T value{};
    std::size_t index = 0;

    bool operator==(const located&) const = default;
};

/// a + b. (MPI_SUM)
struct plus_t {
    static constexpr bool by_elements = true;
    template <class T, class U>
    constexpr auto operator()(T&& a, U&& b) const -> decltype(std::forward<T>(a) + std::forward<U>(b)) {
        return std::forward<T>(a) + std::forward<U>(b);
    }
};
inline constexpr plus_t plus{};

/// The smaller of two values by `<`; the left one if they are equal. (MPI_MIN)
struct min_t {
    static constexpr bool by_elements = true;
    template <std::movable T>
    constexpr T operator()(T a, T b) const
        requires requires {
            { b < a } -> std::convertible_to<bool>;
        }
    {
        return b < a ? std::move(b) : std::move(a);
    }
};
inline constexpr min_t min{};

/// The larger of two values by `<`; the left one if they are equal. (MPI_MAX)
struct max_t {
    static constexpr bool by_elements = true;
    template <std::movable T>
    constexpr T operator()(T a, T b) const
        requires requires {
            { a < b } -> std::convertible_to<bool>;
        }
    {
        return a < b ? std::move(b) : std::move(a);
    }
};
inline constexpr max_t max{};

/// The smallest value and the lowest rank that has it: reduces T to located<T>. (MPI_MINLOC)
struct min_at_t {
    static constexpr bool by_elements = true;
    template <class T>
    constexpr located<T> operator()(located<T> a, located<T> b) const {
        const bool takes_right = b.value < a.value || (!(a.value < b.value) && b.index < a.index);
        return takes_right ? std::move(b) : std::move(a);
    }
};
inline constexpr min_at_t min_at{};

/// The largest value and the lowest rank that has it: reduces T to located<T>. (MPI_MAXLOC)
struct max_at_t {
    static constexpr bool by_elements = true;
    template <class T>
    constexpr located<T> operator()(located<T> a, located<T> b) const {
        const bool takes_right = a.value < b.value || (!(b.value < a.value) && b.index < a.index);
        return takes_right ? std::move(b) : std::move(a);
    }
};
inline constexpr max_at_t max_at{};

/// a & b. (MPI_BAND)
struct bit_and_t {
    static constexpr bool by_elements = true;
    template <class T>
    constexpr auto operator()(const T& a, const T& b) const -> decltype(T(a & b)) {
        return T(a & b);
    }
};
inline constexpr bit_and_t bit_and{};

/// a | b. (MPI_BOR)
struct bit_or_t {
    static constexpr bool by_elements = true;
    template <class T>
    constexpr auto operator()(const T& a, const T& b) const -> decltype(T(a | b)) {
        return T(a | b);
    }
};
inline constexpr bit_or_t bit_or{};

/// a && b. (MPI_LAND)
struct logical_and_t {
    static constexpr bool by_elements = true;
    template <class T>
    constexpr auto operator()(const T& a, const T& b) const -> decltype(T(a && b)) {
        return T(a && b);
    }
};
inline constexpr logical_and_t logical_and{};

/// a || b. (MPI_LOR)
struct logical_or_t {
    static constexpr bool by_elements = true;
    template <class T>
    constexpr auto operator()(const T& a, const T& b) const -> decltype(T(a || b)) {
        return T(a || b);
    }
};
inline constexpr logical_or_t logical_or{};

namespace detail {

template <class Op>
concept locating = std::same_as<Op, min_at_t> || std::same_as<Op, max_at_t>;

/// The result type of combining values of type T by Op, and the conversion to it.
template <class T, class Op>
struct reduction_of {
    using type = T;
    static T&& from(T&& value, std::size_t) noexcept { return std::move(value); }
};
template <class T, locating Op>
struct reduction_of<T, Op> {
    using type = located<T>;
    static type from(T&& value, std::size_t index) { return {std::move(value), index}; }
};
template <class E, class A, locating Op>
struct reduction_of<std::vector<E, A>, Op> {
    using type = std::vector<located<E>>;
    // NOLINTNEXTLINE(cppcoreguidelines-rvalue-reference-param-not-moved): its values are
    static type from(std::vector<E, A>&& values, std::size_t index) {
        type all;
        all.reserve(values.size());
        for (E& value : values) all.push_back({std::move(value), index});
        return all;
    }
};

} // namespace detail

/// The result type of reducing T by Op: T itself; for min_at and max_at located<T>, or a vector of those.
template <class T, class Op>
using reduced = typename detail::reduction_of<T, Op>::type;

} // namespace spmd
