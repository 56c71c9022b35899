#pragma once

#include <spmd/detail/ranks/value_collectives.hpp>
#include <spmd/detail/results/concat_parts.hpp>
#include <spmd/detail/views/submit.hpp>
#include <spmd/handles.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <ranges>
#include <source_location>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace spmd::detail {

/// Runs task(rank) for each rank on a thread of its arena; in a pool of several arenas on the calling thread
/// where all threads of one stay busy. Throws: composite_error naming the ranks that threw.
template <class Task>
void run_in_arenas(const std::shared_ptr<const group>& ranks, run_options options, std::string_view name,
                   const Task& task) {
    options.name = name;
    if (ranks->pool->topology.arenas.size() == 1 || job::inside())
        return submit_broadcast(ranks, options, std::cref(task)).get(std::source_location());
    constexpr std::chrono::milliseconds patience{100};
    auto running = submit_broadcast(ranks, options, std::cref(task)).start(std::source_location());
    std::size_t ended = 0;
    while (!running.wait_for(patience)) {
        const std::size_t before = std::exchange(ended, running.progress().done);
        if (ended == before) break; // the threads may be waiting for the caller of this
    }
    running.get();
}

template <class Range>
concept dealable = std::ranges::random_access_range<Range> && std::ranges::sized_range<Range>;

/// Collects the items of a range without random access in a vector.
template <class Range>
auto collected(Range&& items) {
    const auto first = taking<Range>(std::ranges::begin(items));
    std::vector<std::ranges::range_value_t<Range>> all;
    for (auto next = first; next != taking<Range>(std::ranges::end(items)); ++next) all.push_back(*next);
    return all;
}

template <class Range, class Rule>
auto scatter_items(const std::shared_ptr<const group>& ranks, const run_options& options, Range&& items,
                   const Rule& rule) {
    using value = std::ranges::range_value_t<Range>;
    if constexpr (!dealable<Range>) {
        return scatter_items(ranks, options, collected(std::forward<Range>(items)), rule);
    } else {
        const auto count = static_cast<std::size_t>(std::ranges::size(items));
        item_dealing dealt = deal_items(count, rule, ranks->size);
        std::vector<std::size_t> sizes(ranks->size);
        for (std::size_t id = 0; id < sizes.size(); ++id)
            sizes[id] = bytes_of(dealt.first[id + 1] - dealt.first[id], sizeof(value));
        const piece_layout layout = lay_out(*ranks, sizes, alignof(value), spacing::apart_where_cheap);
        auto store = std::make_shared<slices<value>>(ranks, layout, std::move(dealt));
        if (!store->in_order()) store->note_places(rule, layout);

        const auto first = taking<Range>(std::ranges::begin(items));
        run_in_arenas(ranks, options, "scatter", [&](rank me) {
            const auto part = me.part(count, rule);
            store->construct(me.engine(), layout.offsets[me.id()], part.size(),
                             [&](std::size_t k) -> decltype(auto) {
                                 return first[static_cast<std::ranges::range_difference_t<Range>>(part[k])];
                             });
        });
        return handle_access::make<scattered<value>>(std::move(store));
    }
}

/// Constructs one object per rank by make(rank).
template <class T, class Make>
local<T> construct_objects(const std::shared_ptr<const group>& ranks, const run_options& options,
                           const Make& make) {
    const std::vector<std::size_t> sizes(ranks->size, sizeof(T));
    const piece_layout layout = lay_out(*ranks, sizes, alignof(T), spacing::apart);
    auto store = std::make_shared<pieces<T>>("local", ranks, layout, ranks->pool->everyone.size);
    run_in_arenas(ranks, options, "make_local", [&](rank me) {
        store->construct(me.engine(), layout.offsets[me.id()], 1,
                         [&](std::size_t) -> decltype(auto) { return make(me); });
    });
    return handle_access::make<local<T>>(std::move(store));
}

template <class Range>
auto scatter_one_each(const std::shared_ptr<const group>& ranks, const run_options& options, Range&& items) {
    using value = std::ranges::range_value_t<Range>;
    if constexpr (!dealable<Range>) {
        return scatter_one_each(ranks, options, collected(std::forward<Range>(items)));
    } else {
        require_one_each("scatter", static_cast<std::size_t>(std::ranges::size(items)), ranks->size);
        const auto first = taking<Range>(std::ranges::begin(items));
        return construct_objects<value>(ranks, options, [&](rank me) -> decltype(auto) {
            return first[static_cast<std::ranges::range_difference_t<Range>>(me.id())];
        });
    }
}

template <class T>
auto replicate_value(const std::shared_ptr<const group>& ranks, const run_options& options, const T& value) {
    const std::vector<std::size_t> first = first_in_arenas(*ranks);
    std::vector<std::size_t> sizes(ranks->size);
    for (const std::size_t id : first)
        if (id != no_rank) sizes[id] = sizeof(T);
    const piece_layout layout = lay_out(*ranks, sizes, alignof(T), spacing::apart);
    auto store = std::make_shared<copies<T>>(ranks, layout);
    const T* const original = &value;
    run_in_arenas(ranks, options, "replicate", [&](rank me) {
        if (sizes[me.id()] == 0) return;
        const auto arena = static_cast<std::size_t>(std::ranges::find(first, me.id()) - first.begin());
        store->construct(arena, layout.offsets[me.id()], 1,
                         [&](std::size_t) -> const T& { return *original; });
    });
    return handle_access::make<replicated<T>>(std::move(store));
}

} // namespace spmd::detail
