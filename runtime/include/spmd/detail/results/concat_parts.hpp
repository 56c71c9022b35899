#pragma once

#include <spmd/detail/launch/parallel_loop.hpp>
#include <spmd/results.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <iterator>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

namespace spmd::detail {

/// From here on the copy is shared: the kernel's work for fresh pages outweighs that of a thread's waking.
inline constexpr std::size_t shared_copy_bytes = std::size_t{1} << 20;
/// What one thread copies at a time.
inline constexpr std::size_t copied_at_once_bytes = std::size_t{256} << 10;

/// Writes to one byte of each page of [begin, begin + size), which nobody uses yet, so that several threads
/// share the kernel's work of finding the pages.
void touch_pages(launcher& launch, std::byte* begin, std::size_t size);

/// An iterator over a part's items that moves them out, unless the part only refers to items of others.
template <class Part, class Iterator>
auto taking(Iterator at) {
    if constexpr (std::ranges::borrowed_range<Part> || std::ranges::view<Part>)
        return at;
    else
        return std::make_move_iterator(at);
}

template <class Part>
void append_taken(flat<Part>& flat, Part& part) {
    flat.insert(flat.end(), taking<Part>(std::ranges::begin(part)), taking<Part>(std::ranges::end(part)));
}

/// Moves the items [begin, end) of the flat sequence out of the parts, where `offsets` says each part lies.
template <class Part>
void move_piece(index_range piece, Part* parts, const std::vector<std::size_t>& offsets, flat<Part>& flat) {
    using distance = std::ranges::range_difference_t<Part>;
    auto at = static_cast<std::size_t>(std::ranges::upper_bound(offsets, piece.first) - offsets.begin()) - 1;
    for (std::size_t i = piece.first; i < piece.last; ++at) {
        const std::size_t end = std::min(piece.last, offsets[at + 1]);
        const auto first = std::ranges::begin(parts[at]);
        std::copy(taking<Part>(first + static_cast<distance>(i - offsets[at])),
                  taking<Part>(first + static_cast<distance>(end - offsets[at])),
                  flat.begin() + static_cast<std::ptrdiff_t>(i));
        i = end;
    }
}

/// True where any thread can put the items of such parts into any place of the flat result, and none throws.
template <class Part>
concept shareable_piecewise =
    std::ranges::random_access_range<Part> &&
    std::is_default_constructible_v<std::ranges::range_value_t<Part>> &&
    std::same_as<flat<Part>, std::vector<std::ranges::range_value_t<Part>>> &&
    std::is_nothrow_assignable_v<std::ranges::range_value_t<Part>&,
                                 decltype(*taking<Part>(std::ranges::begin(std::declval<Part&>())))>;

/// The parts one after the other, their items moved, or copied from parts that only refer to
/// them. Sizes are summed once; large results are moved by all
/// threads. `reused` gives its memory: what it held is overwritten.
template <concatenable Part>
flat<Part> concat_parts(launcher& launch, Part* parts, std::size_t count, flat<Part> reused) {
    std::vector<std::size_t> offsets(count + 1);
    for (std::size_t i = 0; i < count; ++i)
        offsets[i + 1] = offsets[i] + static_cast<std::size_t>(std::ranges::size(parts[i]));
    const std::size_t total = offsets[count];
    using item = std::ranges::range_value_t<Part>;

    if constexpr (shareable_piecewise<Part>) {
        if (total * sizeof(item) >= shared_copy_bytes) {
            if (reused.capacity() < total) {
                reused = flat<Part>(); // {} would keep the memory, and copies
                reused.reserve(total);
                touch_pages(launch, reinterpret_cast<std::byte*>(reused.data()), total * sizeof(item));
            }
            reused.resize(total);
            const std::size_t at_once = std::max<std::size_t>(copied_at_once_bytes / sizeof(item), 1);
            run_loop(launch, (total + at_once - 1) / at_once, [&](std::size_t i) {
                move_piece({i * at_once, std::min((i + 1) * at_once, total)}, parts, offsets, reused);
            });
            return reused;
        }
    }
    reused.clear();
    if constexpr (requires { reused.reserve(total); }) reused.reserve(total);
    for (std::size_t i = 0; i < count; ++i) append_taken(reused, parts[i]);
    return reused;
}

} // namespace spmd::detail
