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

/// Selects every `stride`-th rank of first, first + 1, … last - 1. (Python's [first:last:stride])
struct slice {
    std::size_t first = 0;
    /// Clamped to the size of the view.
    std::size_t last = std::numeric_limits<std::size_t>::max();
    std::size_t stride = 1;
};

/// A handle on state that stays with its ranks: scattered, local or replicated (handles.hpp).
template <class T>
concept rank_handle = detail::handle<T>;

/// A task of a broadcast: callable as task(rank, args…) by several ranks at the same time, hence const.
/// Arguments arrive as const references to one copy, handles (rank_state.hpp) as the rank's own piece.
template <class Task, class... Args>
concept rank_task =
    std::invocable<const std::decay_t<Task>&, rank, detail::bound_argument<detail::bound<Args>>...>;

/// A type of which each rank can construct an object from the arguments, where handles arrive as the rank's
/// own piece.
template <class T, class... Args>
concept constructible_by_rank = std::constructible_from<T, detail::bound_argument<detail::bound<Args>>...>;

/// A range of a map: one with random access and a size, or a handle.
template <class Range>
concept item_range = std::ranges::random_access_range<detail::mapped<Range>> &&
                     std::ranges::sized_range<detail::mapped<Range>>;

/// A task of a map: callable with an item of each range by several threads at the same time, hence const.
template <class Task, class... Ranges>
concept item_task =
    (item_range<Ranges> && ...) &&
    std::invocable<const std::decay_t<Task>&, std::ranges::range_reference_t<detail::mapped<Ranges>>...>;

/// Some ranks of a pool, and the options of the work they run. A small value; it keeps the pool's threads
/// alive.
///
///     pool.on({0, 2, 4}).broadcast(task).get();
///     pool.on(spmd::slice{.stride = 2}).with({.on_error = spmd::on_error::stop}).broadcast(task).get();
///
/// Thread safety: all members may be called at the same time, from tasks too.
class view {
public:
    /// Number of ranks.
    std::size_t size() const noexcept { return group_->size; }
    /// Number of threads of the pool.
    std::size_t threads() const noexcept { return group_->pool->threads; }

    /// Returns a view of the same ranks with these options in place of its own.
    view with(const run_options& options) const;
    const run_options& options() const noexcept { return options_; }
    /// A view of some of these ranks: in a task, `id` and `size` are those of the new group, in the order
    /// listed.
    /// Throws: std::invalid_argument for no ranks, one that is not below size(), or one listed twice.
    view on(std::span<const std::size_t> ranks) const;
    view on(std::initializer_list<std::size_t> ranks) const {
        return on(std::span(ranks.begin(), ranks.size()));
    }
    view on(const slice& ranks) const;

    /// Describes a run of task(rank, args…) once per rank. One copy of the task and of each argument serves
    /// all ranks; handles (rank_state.hpp) resolve to the rank's own piece. A task that returns spmd::task is
    /// a coroutine and may use collectives (task.hpp). Returns: a submission<T>, where the task returns a T
    /// or a spmd::task<T>.
    /// Throws: std::invalid_argument for a handle of another pool, or without a piece for a rank.
    template <class Task, class... Args>
    auto broadcast(Task&& task, Args&&... args) const {
        static_assert(rank_task<Task, Args...>,
                      "write broadcast(task, args...) with a const task for all ranks that can be called as "
                      "task(rank, args...) with const references to the arguments");
        if constexpr (rank_task<Task, Args...>)
            return detail::submit_broadcast(group_, options_, std::forward<Task>(task),
                                            std::forward<Args>(args)...);
    }

    /// Describes a run of task(item, …) for every index of some ranges of equal lengths, on all threads of
    /// the pool even if the view has few ranks: one task per item, unless `run_options::chunk` says
    /// otherwise. A range passed as an lvalue must outlive the results. Returns: a submission<T>, where the
    /// task returns a T.
    /// Throws: std::invalid_argument when the ranges have different lengths.
    template <class Task, class... Ranges>
    auto map(Task&& task, Ranges&&... ranges) const {
        constexpr bool has_ranges = sizeof...(Ranges) > 0 && (item_range<Ranges> && ...);
        static_assert(has_ranges,
                      "write map(task, ranges...) with ranges that have random access and a size, such as "
                      "std::vector or std::span; copy other ranges into a std::vector first");
        static_assert(!has_ranges || item_task<Task, Ranges...>,
                      "write map(task, ranges...) with a const task for all items that can be called as "
                      "task(item, ...) with an item of each range");
        if constexpr (has_ranges && item_task<Task, Ranges...>)
            return detail::submit_map(group_, options_, std::forward<Task>(task),
                                      detail::bind_range(group_, std::forward<Ranges>(ranges))...);
    }

    // State that stays with its ranks; defined in rank_state.hpp. Each function runs once per rank, in the
    // rank's arena, and blocks until all have run.
    // Throw: composite_error naming the ranks whose constructor or assignment threw; then nothing stays
    // constructed, and some items of a temporary have been moved from. std::invalid_argument as handles.hpp
    // says.

    /// Deals items to the ranks by a partition rule (partition.hpp). Items of a temporary container are
    /// moved, others copied. A rule whose parts are not contiguous costs a pointer per item. (MPI_Scatterv)
    template <std::ranges::input_range Range, partition_rule Rule = decltype(balanced)>
    scattered<std::ranges::range_value_t<Range>> scatter(Range&& items, const Rule& rule = balanced) const;
    /// Deals one item to each rank. Throws: std::invalid_argument for another number of items. (MPI_Scatter)
    template <std::ranges::input_range Range>
    local<std::ranges::range_value_t<Range>> scatter(Range&& items, flatten_t) const;
    /// Constructs T(args…) for each rank; handles among the arguments resolve to the rank's own piece.
    template <class T, class... Args>
        requires constructible_by_rank<T, Args...>
    local<T> make_local(Args&&... args) const;
    /// Copies the value once for each arena.
    template <class T>
    replicated<std::decay_t<T>> replicate(const T& value) const;
    /// Gathers copies of the ranks' objects by id; moves the objects of a temporary handle. (MPI_Gather)
    template <class T>
    results<T> gather(const local<T>& from) const;
    template <class T>
    results<T> gather(local<T>&& from) const;
    /// Gathers the items of these ranks in the order in which they were scattered, by any rule. (MPI_Gatherv)
    template <class T>
    results<T> gather(const scattered<T>& from) const;
    template <class T>
    results<T> gather(scattered<T>&& from) const;
    /// Copies each rank's piece, by id: its object, or its slice as a vector.
    template <class T>
    results<T> pull(const local<T>& from) const;
    template <class T>
    std::vector<std::vector<T>> pull(const scattered<T>& from) const;
    /// Assigns the value to each of these ranks' objects.
    template <class T, class Value>
        requires std::assignable_from<T&, const Value&>
    void push(local<T>& to, const Value& value) const;
    /// Assigns one value to each rank's object. Throws: std::invalid_argument for another number of values.
    template <class T, std::ranges::random_access_range Range>
        requires std::ranges::sized_range<Range>
    void push(local<T>& to, Range&& values, flatten_t) const;

private:
    friend class engine_pool;
    friend class task_graph;
    explicit view(std::shared_ptr<const detail::group> group) noexcept : group_(std::move(group)) {}
    template <class Task, class Handle>
    auto run(const char* verb, const Task& task, Handle& handle) const;

    std::shared_ptr<const detail::group> group_;
    run_options options_;
};

} // namespace spmd
