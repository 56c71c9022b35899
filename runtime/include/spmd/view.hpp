#pragma once

#include <spmd/detail/launch/group.hpp>
#include <spmd/detail/views/argument.hpp>
#include <spmd/detail/views/map_range.hpp>
#include <spmd/detail/views/submit.hpp>
#include <spmd/partition.hpp>
#include <spmd/rank.hpp>
#include <spmd/run_options.hpp>
#include <spmd/submission.hpp>

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

template <class T>
class scattered;
template <class T>
class local;
template <class T>
class replicated;
struct flatten_t;

/// Every `stride`-th rank of first, first + 1, … last - 1; Python's [first:last:stride].
struct slice {
    std::size_t first = 0;
    /// Cut to the size of the view that is sliced.
    std::size_t last = std::numeric_limits<std::size_t>::max();
    std::size_t stride = 1;
};

/// A handle on state that stays with its ranks: scattered, local or replicated (handles.hpp).
template <class T>
concept rank_handle = detail::handle<T>;

/// The task of a broadcast: called as task(rank, args…) by every rank, by several at the same time, hence const.
/// Arguments arrive as const references to one copy, handles (rank_state.hpp) as the rank's own piece.
template <class Task, class... Args>
concept rank_task =
    std::invocable<const std::decay_t<Task>&, rank, detail::bound_argument<detail::bound<Args>>...>;

/// The task of a map: called with an item of each range, or of each handle.
template <class Task, class... Ranges>
concept item_task =
    (std::ranges::random_access_range<detail::mapped<Ranges>> && ...) &&
    (std::ranges::sized_range<detail::mapped<Ranges>> && ...) &&
    std::invocable<const std::decay_t<Task>&, std::ranges::range_reference_t<detail::mapped<Ranges>>...>;

/// Some ranks of a pool, and the options of what they run. A small value; it keeps the pool's threads alive.
///
///     pool.on({0, 2, 4}).broadcast(task).get();
///     pool.on(spmd::slice{.stride = 2}).with({.on_error = spmd::on_error::stop}).broadcast(task).get();
///
/// Thread safety: all members may be called at the same time, also from within a task.
class view {
public:
    /// Number of ranks.
    std::size_t size() const noexcept { return group_->size; }
    /// Number of threads of the pool.
    std::size_t threads() const noexcept { return group_->pool->threads; }

    /// The same ranks, with other options.
    view with(const run_options& options) const;
    const run_options& options() const noexcept { return options_; }
    /// Some of this view's ranks: in a task, `id` and `size` are those of the new group, in the order given.
    /// Throws: std::invalid_argument for none, one that is not below size(), or one given twice.
    view on(std::span<const std::size_t> ranks) const;
    view on(std::initializer_list<std::size_t> ranks) const {
        return on(std::span(ranks.begin(), ranks.size()));
    }
    view on(const slice& ranks) const;

    /// Describes a run of task(rank, args…) once per rank. One copy of the task and of each argument serves all ranks;
    /// handles (rank_state.hpp) resolve to the rank's own piece. A task that returns spmd::task is a coroutine, and may
    /// use collectives (task.hpp). Returns: submission of what the task returns.
    /// Throws: std::invalid_argument for a handle of another pool, or without a piece for a rank.
    template <class Task, class... Args>
    auto broadcast(Task&& task, Args&&... args) const {
        static_assert(
            rank_task<Task, Args...>,
            "the task of a broadcast is called as task(rank, args…), on one const copy for all ranks, with "
            "const references to the arguments");
        if constexpr (rank_task<Task, Args...>)
            return detail::submit_broadcast(group_, options_, std::forward<Task>(task),
                                            std::forward<Args>(args)...);
    }

    /// Describes a run of task(item, …) for every index of some ranges of equal lengths, on the pool's threads whatever
    /// ranks the view has: one task per item, unless `run_options::chunk` says otherwise. A range given as an lvalue
    /// must outlive the results. Returns: submission of what the task returns, by index.
    /// Throws: std::invalid_argument when the ranges have different lengths.
    template <class Task, class... Ranges>
        requires(sizeof...(Ranges) > 0) && item_task<Task, Ranges...>
    auto map(Task&& task, Ranges&&... ranges) const {
        return detail::submit_map(group_, options_, std::forward<Task>(task),
                                  detail::bind_range(group_, std::forward<Ranges>(ranges))...);
    }

    // State that stays with its ranks; the definitions are in rank_state.hpp. Each runs once per rank, in the rank's
    // arena, and blocks until all have run.
    // Throw: composite_error naming the ranks whose constructor or assignment threw; of what was to be constructed
    // nothing is left then, and some items of a temporary have been moved from. std::invalid_argument as rank_state.hpp
    // says.

    /// Deals items out to the ranks by a rule of partition.hpp. Those of a temporary container are moved, others
    /// copied. A rule whose parts are not contiguous costs a pointer per item. (MPI_Scatterv)
    template <std::ranges::input_range Range, partition_rule Rule = decltype(balanced)>
    scattered<std::ranges::range_value_t<Range>> scatter(Range&& items, const Rule& rule = balanced) const;
    /// One item for each rank. Throws: std::invalid_argument unless there are as many.
    template <std::ranges::input_range Range>
    local<std::ranges::range_value_t<Range>> scatter(Range&& items, flatten_t) const;
    /// T(args…) for each rank; handles among the arguments resolve to the rank's own piece.
    template <class T, class... Args>
        requires std::constructible_from<T, detail::bound_argument<detail::bound<Args>>...>
    local<T> make_local(Args&&... args) const;
    /// A copy of the value for each arena.
    template <class T>
    replicated<std::decay_t<T>> replicate(const T& value) const;
    /// Copies of the ranks' objects, or of a temporary handle the objects themselves, by id. (MPI_Gather)
    template <class T>
    results<T> gather(const local<T>& from) const;
    template <class T>
    results<T> gather(local<T>&& from) const;
    /// The items of these ranks in the order in which they were scattered, whatever rule dealt them.
    template <class T>
    results<T> gather(const scattered<T>& from) const;
    template <class T>
    results<T> gather(scattered<T>&& from) const;
    /// Copies of each rank's piece, by id: its object, or its slice as a vector.
    template <class T>
    results<T> pull(const local<T>& from) const;
    template <class T>
    std::vector<std::vector<T>> pull(const scattered<T>& from) const;
    /// Assigns the value to each of these ranks' objects.
    template <class T, class Value>
        requires std::assignable_from<T&, const Value&>
    void push(local<T>& to, const Value& value) const;
    /// Assigns one value to each rank's object. Throws: std::invalid_argument unless there are as many.
    template <class T, std::ranges::random_access_range Range>
        requires std::ranges::sized_range<Range>
    void push(local<T>& to, Range&& values, flatten_t) const;

protected:
    explicit view(std::shared_ptr<const detail::group> group) noexcept : group_(std::move(group)) {}
    const detail::group& group() const noexcept { return *group_; }

private:
    friend class task_graph;
    template <class Task, class Handle>
    auto run(const char* verb, const Task& task, Handle& handle) const;

    std::shared_ptr<const detail::group> group_;
    run_options options_;
};

} // namespace spmd
