#pragma once

#include <spmd/async_result.hpp>
#include <spmd/detail/views/submit.hpp>
#include <spmd/engine_pool.hpp>
#include <spmd/into_result.hpp>
#include <spmd/rank.hpp>
#include <spmd/state_verbs.hpp>

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
/// seen as const references to one copy, handles (rank_state.hpp) as the rank's own piece.
template <class Task, class... Args>
concept rank_task =
    (!std::same_as<std::remove_cvref_t<Args>, detail::statement_end> && ...) &&
    std::invocable<const std::decay_t<Task>&, rank, detail::bound_argument<detail::bound<Args>>...>;

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
class view : public state_verbs {
public:
    explicit view(std::shared_ptr<const detail::group> group) noexcept : state_verbs(std::move(group)) {}

    /// How many ranks it has.
    std::size_t size() const noexcept { return group_->size; }
    /// How many threads its pool has.
    std::size_t threads() const noexcept { return group_->pool->threads; }

    /// The same ranks, run with these options.
    view with(const run_options& options) const;
    const run_options& options() const noexcept { return options_; }
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
    /// Runs task(rank, args…) once per rank. Arguments are copied once, for all ranks; handles (rank_state.hpp)
    /// resolve to the rank's own piece. With more than four it starts at once, also where the caller would join.
    template <class Task, class A>
        requires rank_task<Task, A>
    auto broadcast(Task&& task, A&& a, const detail::statement_end& end = {}) const {
        return detail::submit_broadcast(group_, options_, end, std::forward<Task>(task), std::forward<A>(a));
    }
    template <class Task, class A, class B>
        requires rank_task<Task, A, B>
    auto broadcast(Task&& task, A&& a, B&& b, const detail::statement_end& end = {}) const {
        return detail::submit_broadcast(group_, options_, end, std::forward<Task>(task), std::forward<A>(a),
                                        std::forward<B>(b));
    }
    template <class Task, class A, class B, class C>
        requires rank_task<Task, A, B, C>
    auto broadcast(Task&& task, A&& a, B&& b, C&& c, const detail::statement_end& end = {}) const {
        return detail::submit_broadcast(group_, options_, end, std::forward<Task>(task), std::forward<A>(a),
                                        std::forward<B>(b), std::forward<C>(c));
    }
    template <class Task, class A, class B, class C, class D>
        requires rank_task<Task, A, B, C, D>
    auto broadcast(Task&& task, A&& a, B&& b, C&& c, D&& d, const detail::statement_end& end = {}) const {
        return detail::submit_broadcast(group_, options_, end, std::forward<Task>(task), std::forward<A>(a),
                                        std::forward<B>(b), std::forward<C>(c), std::forward<D>(d));
    }
    template <class Task, class A, class B, class C, class D, class E, class... Rest>
        requires rank_task<Task, A, B, C, D, E, Rest...>
    auto broadcast(Task&& task, A&& a, B&& b, C&& c, D&& d, E&& e, Rest&&... rest) const {
        return detail::submit_broadcast(group_, options_, {}, std::forward<Task>(task), std::forward<A>(a),
                                        std::forward<B>(b), std::forward<C>(c), std::forward<D>(d),
                                        std::forward<E>(e), std::forward<Rest>(rest)...);
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
                                  detail::bind_range(group_, std::forward<Range>(range)));
    }
    /// The same with an item of each range as arguments. Starts at once. Throws: std::invalid_argument when the
    /// ranges are not equally long.
    template <class Task, class First, class Second, class... Rest>
        requires item_task<Task, First, Second, Rest...>
    auto map(Task&& task, First&& first, Second&& second, Rest&&... rest) const {
        return detail::submit_map(group_, options_, {}, std::forward<Task>(task),
                                  detail::bind_range(group_, std::forward<First>(first)),
                                  detail::bind_range(group_, std::forward<Second>(second)),
                                  detail::bind_range(group_, std::forward<Rest>(rest))...);
    }

private:
    friend class task_graph;
};

template <class Task>
auto engine_pool::broadcast(Task&& task, const detail::statement_end& end) const {
    static_assert(rank_task<Task>,
                  "a broadcast's task is called as task(rank), on one const copy for all ranks");
    return detail::submit_broadcast(group_, {}, end, std::forward<Task>(task));
}
template <class Task, class A>
auto engine_pool::broadcast(Task&& task, A&& a, const detail::statement_end& end) const {
    return all().broadcast(std::forward<Task>(task), std::forward<A>(a), end);
}
template <class Task, class A, class B>
auto engine_pool::broadcast(Task&& task, A&& a, B&& b, const detail::statement_end& end) const {
    return all().broadcast(std::forward<Task>(task), std::forward<A>(a), std::forward<B>(b), end);
}
template <class Task, class A, class B, class C>
auto engine_pool::broadcast(Task&& task, A&& a, B&& b, C&& c, const detail::statement_end& end) const {
    return all().broadcast(std::forward<Task>(task), std::forward<A>(a), std::forward<B>(b),
                           std::forward<C>(c), end);
}
template <class Task, class A, class B, class C, class D>
auto engine_pool::broadcast(Task&& task, A&& a, B&& b, C&& c, D&& d, const detail::statement_end& end) const {
    return all().broadcast(std::forward<Task>(task), std::forward<A>(a), std::forward<B>(b),
                           std::forward<C>(c), std::forward<D>(d), end);
}
template <class Task, class A, class B, class C, class D, class E, class... Rest>
auto engine_pool::broadcast(Task&& task, A&& a, B&& b, C&& c, D&& d, E&& e, Rest&&... rest) const {
    return all().broadcast(std::forward<Task>(task), std::forward<A>(a), std::forward<B>(b),
                           std::forward<C>(c), std::forward<D>(d), std::forward<E>(e),
                           std::forward<Rest>(rest)...);
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
