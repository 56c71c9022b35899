#pragma once

#include <spmd/detail/launch/group.hpp>
#include <spmd/detail/views/argument.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace spmd::detail {

/// The size of all ranges. Throws: std::invalid_argument unless the sizes are equal.
std::size_t require_equal_sizes(std::span<const std::size_t> sizes);

/// A share of a handle's pieces as one of the ranges of a map.
template <class Bound>
concept bound_items =
    requires(const Bound& pieces, const group& ranks, std::span<const placed_range> shares) {
        pieces.items(ranks, std::size_t{}, shares);
    };
/// A share that knows its number of items and where each runs; the others are one piece for any number of
/// items.
template <class Bound>
concept placed_items =
    bound_items<Bound> && requires(const Bound& pieces, const group& ranks) { pieces.shares_in_map(ranks); };
template <class Bound>
inline constexpr bool has_size = placed_items<Bound> || !bound_items<Bound>;

/// Converts a range of a map to the form it has until the job is constructed: a view, or a share of a
/// handle's pieces.
/// Throws: std::invalid_argument for a handle of another pool, or without a piece for one of the ranks.
template <class Range>
auto bind_range(const std::shared_ptr<const group>& ranks, Range&& range) {
    if constexpr (handle<Range>) {
        bound<Range> pieces(range);
        pieces.require_for_map(ranks);
        return pieces;
    } else {
        return std::views::all(std::forward<Range>(range));
    }
}

/// Number of items of a map. Throws: std::invalid_argument unless all ranges have the same size.
template <class... Bound>
std::size_t common_size(const group& ranks, Bound&... ranges) {
    static_assert(
        (... || has_size<Bound>),
        "write map(task, replicated, range...) with a range that has a size: a replicated has none");
    std::array<std::size_t, (std::size_t{0} + ... + (has_size<Bound> ? 1 : 0))> sizes{};
    std::size_t* next = sizes.data();
    const auto note = [&]<class Each>(Each& range) {
        if constexpr (placed_items<Each>)
            *next++ = range.size_in_map(ranks);
        else if constexpr (has_size<Each>)
            *next++ = static_cast<std::size_t>(std::ranges::size(range));
    };
    (note(ranges), ...);
    return require_equal_sizes(sizes);
}

/// Deals the items of a map to the arenas: by the first range whose items have a place of their own, if there
/// is one.
template <class... Bound>
std::vector<placed_range> shares_of_map(const group& ranks, std::size_t count, const Bound&... ranges) {
    std::optional<std::vector<placed_range>> shares;
    const auto consider = [&]<class Each>(const Each& range) {
        if constexpr (placed_items<Each>)
            if (!shares) shares = range.shares_in_map(ranks);
    };
    (consider(ranges), ...);
    return shares ? *std::move(shares) : deal(count, ranks.pool->topology);
}

/// The items of a bound range, as the job sees them.
template <class Bound>
auto items_of(Bound&& range, const group& ranks, std::size_t count, std::span<const placed_range> shares) {
    if constexpr (bound_items<std::remove_cvref_t<Bound>>)
        return range.items(ranks, count, shares);
    else
        return std::forward<Bound>(range);
}

/// The range that a map iterates for an argument.
template <class Range>
struct mapped_range {
    using type = Range;
};
template <handle Range>
struct mapped_range<Range> {
    using type =
        decltype(items_of(std::declval<bound<Range>>(), std::declval<const group&>(), std::size_t{}, {}));
};
template <class Range>
using mapped = typename mapped_range<Range>::type;

} // namespace spmd::detail
