#pragma once

#include <cstddef>
#include <ranges>

namespace spmd {

/// The indices first, first + 1, …, last - 1, as a view. Invariant: first <= last.
///
///     for (std::size_t i : me.part(n)) …
struct index_range {
    std::size_t first = 0;
    std::size_t last = 0;

    constexpr std::size_t size() const noexcept { return last - first; }
    constexpr bool empty() const noexcept { return first == last; }
    /// The k-th index. Requires: k < size().
    constexpr std::size_t operator[](std::size_t k) const noexcept { return first + k; }
    constexpr auto begin() const noexcept { return std::views::iota(first, last).begin(); }
    constexpr auto end() const noexcept { return std::views::iota(first, last).end(); }
    /// Returns itself, so that every rule's part has indices().
    constexpr index_range indices() const noexcept { return *this; }

    friend constexpr bool operator==(const index_range&, const index_range&) = default;
};

} // namespace spmd

template <>
inline constexpr bool std::ranges::enable_view<spmd::index_range> = true;
template <>
inline constexpr bool std::ranges::enable_borrowed_range<spmd::index_range> = true;

namespace spmd {

/// The `count` indices first, first + stride, ….
struct strided_range {
    std::size_t first = 0;
    std::size_t stride = 1;
    std::size_t count = 0;

    constexpr std::size_t size() const noexcept { return count; }
    constexpr bool empty() const noexcept { return count == 0; }
    /// The k-th index. Requires: k < size().
    constexpr std::size_t operator[](std::size_t k) const noexcept { return first + k * stride; }
    /// The indices as a view that does not refer to this object.
    constexpr auto indices() const noexcept {
        return std::views::iota(std::size_t{0}, count) |
               std::views::transform([part = *this](std::size_t k) { return part[k]; });
    }

    friend constexpr bool operator==(const strided_range&, const strided_range&) = default;
};

} // namespace spmd
