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

/// Copies at least this large are shared: the kernel's cost of fresh pages outweighs that of waking a thread.
inline constexpr std::size_t shared_copy_bytes = std::size_t{1} << 20;
/// Bytes that a thread copies at a time.
inline constexpr std::size_t copied_at_once_bytes = std::size_t{256} << 10;

/// Writes to one byte of each page of unused memory, so that several threads share the kernel's cost of
/// mapping it.
void touch_pages(launcher& launch, std::byte* begin, std::size_t size);

/// Returns an iterator that moves a part's items out, unless the part only refers to the items of others.
template <class Part, class Iterator>
auto taking(Iterator item) {
    if constexpr (std::ranges::borrowed_range<Part> || std::ranges::view<Part>)
        return item;
    else
        return std::make_move_iterator(item);
}

template <class Part>
void append_taken(flat<Part>& flat, Part& part) {
    flat.insert(flat.end(), taking<Part>(std::ranges::begin(part)), taking<Part>(std::ranges::end(part)));
}

/// Moves a piece of the flat sequence out of the parts, which begin at `offsets` in that sequence.
template <class Part>
void move_piece(index_range piece, Part* parts, const std::vector<std::size_t>& offsets, flat<Part>& flat) {
    using distance = std::ranges::range_difference_t<Part>;
    auto part =
        static_cast<std::size_t>(std::ranges::upper_bound(offsets, piece.first) - offsets.begin()) - 1;
    for (std::size_t i = piece.first; i < piece.last; ++part) {
        const std::size_t end = std::min(piece.last, offsets[part + 1]);
        const auto first = std::ranges::begin(parts[part]);
        std::copy(taking<Part>(first + static_cast<distance>(i - offsets[part])),
                  taking<Part>(first + static_cast<distance>(end - offsets[part])),
                  flat.begin() + static_cast<std::ptrdiff_t>(i));
        i = end;
    }
}

/// Parts whose items any thread can assign to any place of the flat result, without an exception.
template <class Part>
concept shareable_piecewise =
    std::ranges::random_access_range<Part> &&
    std::is_default_constructible_v<std::ranges::range_value_t<Part>> &&
    std::same_as<flat<Part>, std::vector<std::ranges::range_value_t<Part>>> &&
    std::is_nothrow_assignable_v<std::ranges::range_value_t<Part>&,
                                 decltype(*taking<Part>(std::ranges::begin(std::declval<Part&>())))>;

/// Concatenates the parts: moves their items, or copies them from parts that only refer to them. All threads
/// share the work of a large result. The memory of `reused` is used again, and its items are overwritten.
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
                reused = flat<Part>(); // {} would keep the memory, and copy
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
