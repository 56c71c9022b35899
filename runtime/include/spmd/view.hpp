#pragma once

#include <spmd/async_result.hpp>
#include <spmd/detail/scatter.hpp>
#include <spmd/detail/submission.hpp>
#include <spmd/distributed.hpp>
#include <spmd/engine_pool.hpp>
#include <spmd/into_result.hpp>
#include <spmd/rank.hpp>

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <limits>
#include <memory>
#include <ranges>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace spmd {

/// Every `stride`-th rank of first, first + 1, … last - 1; Python's [first:last:stride].
struct slice {
    std::size_t first = 0;
    std::size_t last = std::numeric_limits<std::size_t>::max(); ///< cut to the size of what is sliced
    std::size_t stride = 1;
};

/// What a broadcast runs: called as task(rank, args…) by every rank, at the same time, hence const. Arguments are
/// seen as const references to one copy, handles (distributed.hpp) as the rank's own piece.
template <class Task, class... Args>
concept rank_task = std::invocable<const std::decay_t<Task>&, rank, detail::seen<detail::kept<Args>>...>;

/// What a map runs on the items of its ranges, or of handles.
template <class Task, class... Ranges>
concept item_task =
    (std::ranges::random_access_range<detail::mapped<Ranges>> && ...) &&
    (std::ranges::sized_range<detail::mapped<Ranges>> && ...) &&
    std::invocable<const std::decay_t<Task>&, std::ranges::range_reference_t<detail::mapped<Ranges>>...>;

/// Some ranks of a pool, and how to run on them. A small value; keeps the pool's threads alive.
///
///     pool.on({0, 2, 4}).broadcast(task);
///     pool.on(spmd::slice{.stride = 2}).with({.on_error = spmd::on_error::stop}).broadcast(task);
class view {
public:
    explicit view(std::shared_ptr<const detail::group> group) noexcept : group_(std::move(group)) {}

    /// How many ranks it has.
    std::size_t size() const noexcept { return group_->size; }
    /// How many threads its pool has.
    std::size_t threads() const noexcept { return group_->pool->threads; }

    /// The same ranks, run with these options.
    view with(const run_options& options) const;
    /// Some of this view's ranks: inside, `id` and `size` are those of the group, in the order given.
    /// Throws: std::invalid_argument for none, one that is not below size(), or one given twice.
    view on(std::span<const std::size_t> ranks) const;
    view on(std::initializer_list<std::size_t> ranks) const {
        return on(std::span(ranks.begin(), ranks.size()));
    }
    view on(const slice& ranks) const;

    /// Runs task(rank) once per rank. The tasks are under way at the end of the statement at the latest; see
    /// async_result. One copy of the task serves all ranks. Returns: async_result of what it returns.
    template <class Task>
        requires rank_task<Task>
    auto broadcast(Task&& task, const detail::statement_end& end = {}) const {
        return detail::submit_broadcast(group_, options_, end, std::forward<Task>(task));
    }
    /// Runs task(rank, args…) once per rank, on one copy of the arguments. Starts at once.
    template <class Task, class First, class... Rest>
        requires rank_task<Task, First, Rest...>
    auto broadcast(Task&& task, First&& first, Rest&&... rest) const {
        return detail::submit_broadcast(group_, options_, {}, std::forward<Task>(task),
                                        std::forward<First>(first), std::forward<Rest>(rest)...);
    }

    /// Runs task(rank, span) once per rank, where span is the rank's balanced part of `output`: what a concat
    /// gives when the sizes of the parts are known before, without a copy. Returns: into_result<Output>, whose
    /// get() gives `output` itself.
    template <class Output, class Task>
        requires std::ranges::contiguous_range<Output> && std::ranges::sized_range<Output> &&
                 std::movable<Output>
    auto broadcast_into(Output output, Task&& task, const detail::statement_end& end = {}) const {
        auto owned = std::make_unique<Output>(std::move(output));
        const std::span items(*owned);
        static_assert(std::invocable<const std::decay_t<Task>&, rank, decltype(items)>,
                      "the task is called as task(rank, span of the output)");
        auto done = broadcast(
            [items, task = std::forward<Task>(task)](rank me) { return task(me, std::span(me.part(items))); },
            end);
        return into_result<Output>(std::move(owned), std::move(done));
    }

    /// Runs task(item) for every item of a range, one task per item unless `run_options::chunk` says else, on
    /// the pool's threads whatever ranks the view has. A range given as an lvalue must outlive the result.
    /// Returns: async_result of what the task returns, by index.
    template <class Task, class Range>
        requires item_task<Task, Range>
    auto map(Task&& task, Range&& range, const detail::statement_end& end = {}) const {
        return detail::submit_map(group_, options_, end, std::forward<Task>(task),
                                  detail::keep_range(group_, std::forward<Range>(range)));
    }
    /// The same with an item of each range as arguments. Starts at once. Throws: std::invalid_argument when the
    /// ranges are not equally long.
    template <class Task, class First, class Second, class... Rest>
        requires item_task<Task, First, Second, Rest...>
    auto map(Task&& task, First&& first, Second&& second, Rest&&... rest) const {
        return detail::submit_map(group_, options_, {}, std::forward<Task>(task),
                                  detail::keep_range(group_, std::forward<First>(first)),
                                  detail::keep_range(group_, std::forward<Second>(second)),
                                  detail::keep_range(group_, std::forward<Rest>(rest))...);
    }

    // State that stays with its rank: see distributed.hpp. Each of these runs once per rank, and blocks until all have
    // run. Throw: composite_error naming the ranks where a constructor or an assignment threw; nothing is left then.

    /// Deals the items out to the ranks by a rule of partition.hpp. Those of a temporary container are moved, others
    /// copied. A rule whose parts are not contiguous costs a pointer per item.
    template <std::ranges::input_range Range, partition_rule Rule = decltype(balanced)>
    scattered<std::ranges::range_value_t<Range>> scatter(Range&& items, const Rule& rule = balanced) const {
        return detail::scatter_items(group_, options_, std::forward<Range>(items), rule);
    }
    /// One item for each rank. Throws: std::invalid_argument unless there are as many.
    template <std::ranges::input_range Range>
    local<std::ranges::range_value_t<Range>> scatter(Range&& items, flatten_t) const {
        return detail::scatter_one_each(group_, options_, std::forward<Range>(items));
    }
    /// T(args…) for each rank; handles among the arguments are seen as the rank's own piece.
    template <class T, class... Args>
        requires std::constructible_from<T, detail::seen<detail::kept<Args>>...>
    local<T> make_local(Args&&... args) const {
        return [&](const auto&... kept) {
            return detail::construct_objects<T>(
                group_, options_, [&](rank me) { return T(detail::seen_by(me.engine(), kept)...); });
        }(detail::keep(group_, std::forward<Args>(args))...);
    }
    /// A copy of the value for each arena.
    template <class T>
    replicated<std::decay_t<T>> replicate(const T& value) const {
        return detail::replicate_value<std::decay_t<T>>(group_, options_, value);
    }

    /// Copies of the ranks' objects, or of a temporary handle the objects themselves, by id.
    template <class T>
    results<T> gather(const local<T>& from) const {
        return broadcast([](rank, const T& mine) { return mine; }, from).get();
    }
    template <class T>
    results<T> gather(local<T>&& from) const {
        return broadcast([](rank, T& mine) { return T(std::move(mine)); }, from).get();
    }
    /// The items of these ranks, in the order in which they came, whatever rule dealt them.
    template <class T>
    results<T> gather(const scattered<T>& from) const {
        return detail::gather_items<const T>(group_, from);
    }
    template <class T>
    results<T> gather(scattered<T>&& from) const {
        return detail::gather_items<T>(group_, from);
    }
    /// Copies of what each rank has, by id: its object, or its slice as a vector.
    template <class T>
    results<T> pull(const local<T>& from) const {
        return gather(from);
    }
    template <class T>
    std::vector<std::vector<T>> pull(const scattered<T>& from) const {
        return broadcast(
                   [](rank, std::span<const T> mine) { return std::vector<T>(mine.begin(), mine.end()); },
                   from)
            .get();
    }
    /// Assigns the value to each of these ranks' objects.
    template <class T, class Value>
        requires std::assignable_from<T&, const Value&>
    void push(local<T>& to, const Value& value) const {
        broadcast([&](rank, T& mine) { mine = value; }, to).get();
    }
    /// One value for each rank. Throws: std::invalid_argument unless there are as many.
    template <class T, std::ranges::random_access_range Range>
        requires std::ranges::sized_range<Range> &&
                 std::assignable_from<T&, std::ranges::range_reference_t<Range>>
    void push(local<T>& to, Range&& values, flatten_t) const {
        detail::require_one_each("push", static_cast<std::size_t>(std::ranges::size(values)), *group_);
        const auto first = detail::taking<Range>(std::ranges::begin(values));
        broadcast(
            [&](rank me, T& mine) {
                mine = first[static_cast<std::ranges::range_difference_t<Range>>(me.id())];
            },
            to)
            .get();
    }

private:
    friend class task_graph;
    std::shared_ptr<const detail::group> group_;
    run_options options_;
};

template <class Task>
auto engine_pool::broadcast(Task&& task, const detail::statement_end& end) const {
    static_assert(rank_task<Task>,
                  "a broadcast's task is called as task(rank), on one const copy for all ranks");
    return detail::submit_broadcast(group_, {}, end, std::forward<Task>(task));
}
template <class Task, class First, class... Rest>
auto engine_pool::broadcast(Task&& task, First&& first, Rest&&... rest) const {
    return all().broadcast(std::forward<Task>(task), std::forward<First>(first), std::forward<Rest>(rest)...);
}
template <class Output, class Task>
auto engine_pool::broadcast_into(Output output, Task&& task, const detail::statement_end& end) const {
    return all().broadcast_into(std::move(output), std::forward<Task>(task), end);
}
template <class Task, class Range>
auto engine_pool::map(Task&& task, Range&& range, const detail::statement_end& end) const {
    return all().map(std::forward<Task>(task), std::forward<Range>(range), end);
}
template <class Task, class First, class Second, class... Rest>
auto engine_pool::map(Task&& task, First&& first, Second&& second, Rest&&... rest) const {
    return all().map(std::forward<Task>(task), std::forward<First>(first), std::forward<Second>(second),
                     std::forward<Rest>(rest)...);
}
template <class Items, class... Rule>
auto engine_pool::scatter(Items&& items, const Rule&... rule) const {
    return all().scatter(std::forward<Items>(items), rule...);
}
template <class T, class... Args>
auto engine_pool::make_local(Args&&... args) const {
    return all().make_local<T>(std::forward<Args>(args)...);
}
template <class T>
auto engine_pool::replicate(const T& value) const {
    return all().replicate(value);
}
template <class Handle>
auto engine_pool::gather(Handle&& from) const {
    return all().gather(std::forward<Handle>(from));
}
template <class Handle>
auto engine_pool::pull(const Handle& from) const {
    return all().pull(from);
}
template <class Handle, class Value, class... Flatten>
void engine_pool::push(Handle& to, Value&& value, Flatten... one_each) const {
    all().push(to, std::forward<Value>(value), one_each...);
}

} // namespace spmd
