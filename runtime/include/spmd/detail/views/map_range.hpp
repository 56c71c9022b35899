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

/// Throws std::invalid_argument unless all are equal.
std::size_t require_equal_sizes(std::span<const std::size_t> sizes);

/// A share of a handle's pieces, as one of a map's ranges.
template <class Kept>
concept bound_items = requires(const Kept& pieces, const group& ranks, std::span<const placed_range> shares) {
    pieces.items(ranks, std::size_t{}, shares);
};
/// One that knows how many items there are, and where each is to run. Others are one piece for any number of items.
template <class Kept>
concept placed_items =
    bound_items<Kept> && requires(const Kept& pieces, const group& ranks) { pieces.shares_in_map(ranks); };
template <class Kept>
inline constexpr bool has_size = placed_items<Kept> || !bound_items<Kept>;

/// What one of a map's ranges is until the job is made: a view, or a share of a handle's pieces.
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

/// How many items a map runs over. Throws: std::invalid_argument unless all ranges have as many.
template <class... Kept>
std::size_t common_size(const group& ranks, Kept&... ranges) {
    static_assert((... || has_size<Kept>), "a replicated has as many items as the other ranges: give one");
    std::array<std::size_t, (std::size_t{0} + ... + (has_size<Kept> ? 1 : 0))> sizes{};
    std::size_t* at = sizes.data();
    const auto note = [&]<class Each>(Each& range) {
        if constexpr (placed_items<Each>)
            *at++ = range.size_in_map(ranks);
        else if constexpr (has_size<Each>)
            *at++ = static_cast<std::size_t>(std::ranges::size(range));
    };
    (note(ranges), ...);
    return require_equal_sizes(sizes);
}

/// Where a map's items run: in the arenas of the first range whose items have a place of their own, if one has.
template <class... Kept>
std::vector<placed_range> shares_of_map(const group& ranks, std::size_t count, const Kept&... ranges) {
    std::optional<std::vector<placed_range>> shares;
    const auto look_at = [&]<class Each>(const Each& range) {
        if constexpr (placed_items<Each>)
            if (!shares) shares = range.shares_in_map(ranks);
    };
    (look_at(ranges), ...);
    return shares ? *std::move(shares) : deal(count, ranks.pool->topology);
}

template <class Kept>
auto items_of(Kept&& range, const group& ranks, std::size_t count, std::span<const placed_range> shares) {
    if constexpr (bound_items<std::remove_cvref_t<Kept>>)
        return range.items(ranks, count, shares);
    else
        return std::forward<Kept>(range);
}

/// The range that a map sees of what it was given.
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
