#pragma once

#include <spmd/awaitable.hpp>
#include <spmd/detail/ranks/rank_context.hpp>
#include <spmd/detail/ranks/rank_operations.hpp>
#include <spmd/message.hpp>
#include <spmd/operations.hpp>
#include <spmd/partition.hpp>
#include <spmd/results.hpp>
#include <spmd/shared_values.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <ranges>
#include <source_location>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace spmd {
namespace detail {
template <class Task, class... Args>
class broadcast_job;
template <class T, class Task, class... Args>
class coroutine_job;
} // namespace detail

/// Colour of a rank that joins no group in a split. (MPI_UNDEFINED)
inline constexpr std::nullopt_t no_color = std::nullopt;

/// A task's handle on its group: its own id, its part of the work, and the operations with other ranks. A
/// small value, valid while the task runs; must outlive the operations that it describes.
///
///     pool.broadcast([&](spmd::rank me) -> spmd::task<double> {
///         double mine = dot(me.part(x), me.part(x));
///         double all  = co_await me.all_reduce(mine, spmd::plus);
///         co_return std::sqrt(all);
///     });
///
/// Collectives and receive describe an operation: `co_await` begins it and waits, in a task that is a
/// coroutine (task.hpp), as does `.get()` on a fiber (fibers.hpp); `.start()` begins it and returns a
/// pending, to be awaited later. A collective completes when all members of the group have called it: the
/// n-th collective that a member begins is the n-th of all. Values are passed by value and moved; all members
/// must use the same types.
///
/// Throws, at the wait: peer_error if an awaited rank has ended; mismatch_error if members called
/// different collectives; deadlock_error if all wait. These are thrown when no rank of the broadcast can run
/// any more, since until then another rank could help. Also cancelled_error after a stop, and whatever `op`
/// throws.
/// Throws, at the call: std::invalid_argument for a root or receiver that is not below size();
/// std::logic_error in a plain task.
class rank {
public:
    /// Line of the call, for error messages, timing and traces.
    using location = std::source_location;

    /// Number of this rank in its group, 0 … size() - 1. (MPI_Comm_rank)
    std::size_t id() const noexcept { return id_; }
    /// Number of ranks in the group. (MPI_Comm_size)
    std::size_t size() const noexcept { return context_->size; }
    /// Number of this rank in its pool: id(), unless the group was made by `on` or `split`.
    std::size_t engine() const noexcept {
        return context_->engines == nullptr ? id_ : context_->engines[id_];
    }
    /// True once the broadcast was cancelled, its result dropped, or a rank failed under `on_error::stop`. A
    /// long task polls it and returns early. Complexity: one relaxed load.
    bool stop_requested() const noexcept { return context_->flags->stop_requested(); }
    /// Adds to the `items` of async_result::progress(), in units of the caller's choice. Costs about 2 ns.
    /// Thread safety: any thread, while the rank runs. Throws: std::bad_alloc if there is no memory for the
    /// broadcast's first report.
    void advance(std::size_t items = 1) const { context_->reported_items->add(items); }

    /// Returns the indices of 0 … n-1 that belong to this rank, by a rule of partition.hpp.
    template <partition_rule Rule = decltype(balanced)>
    auto part(std::size_t n, const Rule& rule = balanced) const {
        return rule(n, id_, context_->size);
    }

    /// Returns this rank's part of a range: a span of contiguous elements, else a view. The range must
    /// outlive it.
    template <std::ranges::random_access_range Range, partition_rule Rule = decltype(balanced)>
        requires std::ranges::sized_range<Range> && std::ranges::borrowed_range<Range>
    auto part(Range&& range, const Rule& rule = balanced) const {
        const auto mine = part(static_cast<std::size_t>(std::ranges::size(range)), rule);
        const auto first = std::ranges::begin(range);
        using distance = std::ranges::range_difference_t<Range>;
        if constexpr (!contiguous_partition_rule<Rule>) {
            return mine.indices() | std::views::transform([first](std::size_t i) -> decltype(auto) {
                       return first[static_cast<distance>(i)];
                   });
        } else if constexpr (std::ranges::contiguous_range<Range>) {
            return std::span(first + static_cast<distance>(mine.first), mine.size());
        } else {
            return std::ranges::subrange(first + static_cast<distance>(mine.first),
                                         first + static_cast<distance>(mine.last));
        }
    }

    /// Waits until all members have arrived. (MPI_Barrier)
    awaitable<void> auto barrier(location where = location::current()) const;
    /// As barrier(), and returns the time at which the last member arrived, equal for all. The difference of
    /// two is the time that all members together spent between them. (MPI_Wtime)
    awaitable<std::chrono::steady_clock::time_point> auto clock(location where = location::current()) const;
    /// Returns the root's value to every member; the values of others are ignored. (MPI_Bcast)
    template <std::copy_constructible T>
    awaitable<T> auto broadcast(T value, std::size_t root = 0, location where = location::current()) const;
    /// As broadcast(), for a rank that is not the root, and has no value to pass.
    template <std::copy_constructible T>
        requires std::default_initializable<T>
    awaitable<T> auto broadcast_from(std::size_t root, location where = location::current()) const;
    /// Combines one value per rank; returns the result at the root, in an optional that is empty elsewhere.
    /// (MPI_Reduce) Values are combined in a fixed tree over the ids: from the left within leaves of 1,024,
    /// then neighbours pairwise. So the result is bitwise equal for any number of threads. `op` is copied,
    /// must be the same for all members, need not commute, and is called by several threads. Vectors, unless
    /// `op` combines them, are combined element by element, and must have equal lengths.
    template <class T, class Op>
    awaitable<std::optional<reduced<T, Op>>> auto reduce(T value, Op op, std::size_t root = 0,
                                                         location where = location::current()) const;
    /// As reduce(), with the result delivered to every rank. (MPI_Allreduce)
    template <std::copy_constructible T, class Op>
    awaitable<reduced<T, Op>> auto all_reduce(T value, Op op, location where = location::current()) const;
    /// Combines one value for each rank from every rank, as reduce() does; returns the result of all
    /// values[id()]. Complexity: O(size²) values in all. (MPI_Reduce_scatter_block)
    template <class T, class Op>
    awaitable<reduced<T, Op>> auto reduce_scatter(std::vector<T> values, Op op,
                                                  location where = location::current()) const;
    /// Combines the values of ranks 0 … id(): from the left within leaves of 1,024 ids, then with the results
    /// of all earlier leaves, from the left; bitwise equal for any number of threads. (MPI_Scan)
    template <std::copy_constructible T, class Op>
    awaitable<reduced<T, Op>> auto scan(T value, Op op, location where = location::current()) const;
    /// Combines `first` with the values of ranks 0 … id() - 1, as scan() does. (MPI_Exscan)
    template <std::copy_constructible T, class Op>
    awaitable<reduced<T, Op>> auto exclusive_scan(T value, Op op, reduced<T, Op> first = reduced<T, Op>(),
                                                  location where = location::current()) const;
    /// Gathers one value per rank at the root, ordered by id; empty elsewhere. Vectors may have different
    /// lengths. (MPI_Gatherv)
    template <class T>
    awaitable<results<T>> auto gather(T value, std::size_t root = 0,
                                      location where = location::current()) const;
    /// As gather(), delivered to every rank; all share the same values, without a copy. (MPI_Allgatherv)
    template <class T>
    awaitable<shared_values<T>> auto all_gather(T value, location where = location::current()) const;
    /// Concatenates the ranks' ranges, of any lengths, at the root, in the order of the ids; empty elsewhere.
    template <concatenable Part>
    awaitable<flat<Part>> auto concat(Part part, std::size_t root = 0,
                                      location where = location::current()) const;
    /// As concat(), delivered to every rank; all share the same items, without a copy.
    template <concatenable Part>
    awaitable<shared_values<std::ranges::range_value_t<Part>>> auto
    all_concat(Part part, location where = location::current()) const;
    /// Returns the root's values[id()] to each rank; the vectors of others are ignored. The root's vector has
    /// one value per rank, which can be a vector of any length. (MPI_Scatterv)
    template <class T>
    awaitable<T> auto scatter(std::vector<T> values, std::size_t root = 0,
                              location where = location::current()) const;
    /// As scatter(), for a rank that is not the root, and has no values to pass.
    template <class T>
    awaitable<T> auto scatter_from(std::size_t root, location where = location::current()) const;
    /// Sends values[i] to rank i; returns the values sent to this rank, by sender. Complexity: O(size²)
    /// values in all. (MPI_Alltoallv)
    template <class T>
    awaitable<std::vector<T>> auto all_to_all(std::vector<T> values,
                                              location where = location::current()) const;
    /// Sends values to some ranks, as pairs of receiver and value; returns those sent to this rank, as pairs
    /// of sender and value, ordered by sender, then as listed there. Complexity: O(pairs + size) in all.
    /// (MPI_Neighbor_alltoallv)
    template <class T>
    awaitable<std::vector<std::pair<std::size_t, T>>> auto
    exchange(std::vector<std::pair<std::size_t, T>> outgoing, location where = location::current()) const;

    /// Makes a group for each colour; returns this rank in its group, where ids are ordered by key, then by
    /// id here. (MPI_Comm_split)
    awaitable<rank> auto split(std::size_t color, std::int64_t key = 0,
                               location where = location::current()) const;
    /// As split(color); returns an optional that is empty for a rank of `no_color`.
    awaitable<std::optional<rank>> auto split(std::optional<std::size_t> color, std::int64_t key = 0,
                                              location where = location::current()) const;

    /// Sends a value, without waiting; nothing to `no_rank`. Messages from one rank to another with equal
    /// tags arrive in the order in which they were sent. (MPI_Isend, with a buffer)
    template <class T>
    void send(T value, std::optional<std::size_t> to, int tag = 0,
              location where = location::current()) const;
    /// Waits for a T from a rank of this group, or from any. (MPI_Recv)
    template <class T>
    awaitable<T> auto receive(source from = any_source, int tag = any_tag,
                              location where = location::current()) const;
    /// As receive(), and returns the sender and the tag too. (MPI_Recv with MPI_Status)
    template <class T>
    awaitable<message<T>> auto receive_message(source from = any_source, int tag = any_tag,
                                               location where = location::current()) const;
    /// Returns a T that has arrived, without waiting; empty if none has. Lets no other rank run: a loop that
    /// polls it may never end. (MPI_Iprobe, MPI_Recv)
    template <class T>
    std::optional<T> try_receive(source from = any_source, int tag = any_tag,
                                 location where = location::current()) const;
    /// Waits for a message, and leaves it to the next receive. (MPI_Probe)
    awaitable<message_origin> auto probe(source from = any_source, int tag = any_tag,
                                         location where = location::current()) const;
    /// Sends a value at the call; the operation waits for a T from another rank, empty for `no_rank`.
    /// (MPI_Sendrecv)
    template <class T>
    awaitable<std::optional<T>> auto send_receive(T value, std::optional<std::size_t> to,
                                                  std::optional<std::size_t> from, int tag = 0,
                                                  location where = location::current()) const;

    /// Limits the time that an operation is awaited, or a pending, when_any() or when_all(); the operation
    /// begins at the call. A pending that is passed as an lvalue can be awaited again after a timeout, else a
    /// receive is withdrawn, and a collective goes on without its result here. Other ranks may run on for
    /// long before the timeout is noticed if all threads are busy. Throws, at the wait: timeout_error.
    template <class Operation>
    auto within(std::chrono::nanoseconds time, Operation&& operation) const;

    /// Lets other ranks run first: for loops that poll, which would otherwise never end on one thread.
    awaitable<void> auto yield(location where = location::current()) const;

private:
    template <class, class...>
    friend class detail::broadcast_job;
    template <class, class, class...>
    friend class detail::coroutine_job;
    template <class Result>
    friend Result detail::from_membership(const detail::membership& place);

    rank(const detail::rank_context& context, std::size_t id) noexcept : context_(context), id_(id) {}
    rank(detail::context_reference context, std::size_t id) noexcept
        : context_(std::move(context)), id_(id) {}

    detail::communicator& communicator() const { return detail::require_communicator(*context_, id_); }
    std::size_t below_size(std::size_t id) const { return detail::require_member(*context_, id); }
    detail::match_key accepted(source from, int tag) const;
    template <class Op, class T>
    reduced<T, Op> contributed(T& value) const {
        return detail::reduction_of<T, Op>::from(std::move(value), id_);
    }
    template <class Collective, class... Contribution>
    auto meet(const location& where, Contribution&&... contribution) const;

    detail::context_reference context_;
    std::size_t id_;
};

} // namespace spmd
