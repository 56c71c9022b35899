#pragma once

#include <spmd/detail/results/concat_parts.hpp>
#include <spmd/detail/views/slices.hpp>
#include <spmd/detail/views/submit.hpp>
#include <spmd/handles.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <functional>
#include <iterator>
#include <memory>
#include <source_location>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace spmd::detail {

/// The items that one rank contributes to a gather.
template <class T>
struct contribution {
    std::size_t id = 0; ///< of the rank in its group
    std::span<T> slice; ///< its slice
    T* items = nullptr; ///< the items to gather: those of the slice, or copies of them
};

/// The contributions of all ranks of the group, in the order in which items were dealt to them.
template <class T>
std::vector<contribution<T>> contributions_of(const group& ranks, const slices<T>& from) {
    std::vector<std::size_t> ids(ranks.pool->everyone.size, ranks.size);
    for (std::size_t id = 0; id < ranks.size; ++id) ids[ranks.engines.empty() ? id : ranks.engines[id]] = id;
    std::vector<contribution<T>> contributions;
    contributions.reserve(ranks.size);
    for (std::size_t dealt = 0; dealt < from.ranks(); ++dealt) {
        const std::size_t engine = from.engine_of(dealt);
        if (ids[engine] == ranks.size) continue;
        const std::span<T> slice = from.table()[engine];
        contributions.push_back({ids[engine], slice, slice.data()});
    }
    return contributions;
}

/// The places of the contributed items in item order, for items that were not dealt in order.
template <class T>
std::vector<T*> places_in_order(std::span<T* const> places, std::vector<contribution<T>> contributions) {
    const auto address = [](const contribution<T>& each) { return each.slice.data(); };
    std::erase_if(contributions, [](const contribution<T>& each) { return each.slice.empty(); });
    std::ranges::sort(contributions, std::less<>(), address);
    std::vector<T*> chosen;
    for (T* const place : places) {
        const auto after = std::ranges::upper_bound(contributions, place, std::less<>(), address);
        if (after == contributions.begin()) continue;
        const contribution<T>& owner = *std::prev(after);
        const auto k = static_cast<std::size_t>(place - owner.slice.data());
        if (k < owner.slice.size()) chosen.push_back(owner.items + k);
    }
    return chosen;
}

template <class T>
inline constexpr bool is_copied_bytewise = std::is_trivially_copyable_v<T> && std::copyable<T>;

template <class Taken, class T>
results<T> take_each(launcher& launch, std::span<T* const> places) {
    if constexpr (is_copied_bytewise<T> && std::default_initializable<T>) {
        results<T> all(places.size());
        const std::size_t at_once = std::max<std::size_t>(copied_at_once_bytes / sizeof(T), 1);
        run_loop(launch, (places.size() + at_once - 1) / at_once, [&](std::size_t i) {
            const std::size_t end = std::min((i + 1) * at_once, places.size());
            for (std::size_t k = i * at_once; k < end; ++k) all[k] = *places[k];
        });
        return all;
    } else {
        results<T> all;
        all.reserve(places.size());
        for (T* const place : places) all.push_back(static_cast<Taken>(*place));
        return all;
    }
}

/// The items of all contributions, in the order in which they were scattered.
template <class Taken, class T>
results<T> put_in_order(launcher& launch, const slices<T>& from,
                        const std::vector<contribution<T>>& contributions) {
    if (!from.in_order()) {
        const auto is_whole = [](const contribution<T>& each) { return each.items == each.slice.data(); };
        if (contributions.size() == from.ranks() && std::ranges::all_of(contributions, is_whole))
            return take_each<Taken, T>(launch, from.places());
        return take_each<Taken, T>(launch, places_in_order<T>(from.places(), contributions));
    }
    std::vector<std::span<T>> parts;
    parts.reserve(contributions.size());
    for (const contribution<T>& each : contributions) parts.emplace_back(each.items, each.slice.size());
    if constexpr (is_copied_bytewise<T>) {
        return concat_parts(launch, parts.data(), parts.size(), results<T>());
    } else {
        results<T> all;
        for (const std::span<T> part : parts)
            for (T& item : part) all.push_back(static_cast<Taken>(item));
        return all;
    }
}

/// The items of the group's ranks in order, copied from a const handle and moved from another.
template <class Handle>
auto gather_items(const std::shared_ptr<const group>& ranks, const run_options& options, Handle& handle) {
    using value = typename Handle::value_type;
    using taken = std::conditional_t<std::is_const_v<Handle>, const value&, value&&>;
    const auto from = handle_access::share(handle);
    from->require(ranks);
    launcher& launch = *ranks->pool->launch;
    std::vector<contribution<value>> contributions = contributions_of(*ranks, *from);
    if constexpr (std::is_nothrow_constructible_v<value, taken>) {
        return put_in_order<taken>(launch, *from, contributions);
    } else { // copied by the ranks, so that an error names the rank; then moved
        run_options named = options;
        named.name = "gather";
        const auto take = [](rank, auto mine) {
            std::vector<value> all;
            all.reserve(mine.size());
            for (auto& item : mine) all.push_back(static_cast<taken>(item));
            return all;
        };
        std::vector<std::vector<value>> copied =
            submit_broadcast(ranks, named, take, handle).get(std::source_location());
        for (contribution<value>& each : contributions) each.items = copied[each.id].data();
        return put_in_order<value&&>(launch, *from, contributions);
    }
}

} // namespace spmd::detail
