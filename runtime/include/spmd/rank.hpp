#pragma once

#include <spmd/detail/ranks/messages.hpp>
#include <spmd/detail/ranks/rank_context.hpp>
#include <spmd/detail/ranks/reductions.hpp>
#include <spmd/detail/ranks/split.hpp>
#include <spmd/detail/ranks/value_collectives.hpp>
#include <spmd/message.hpp>
#include <spmd/operations.hpp>
#include <spmd/partition.hpp>
#include <spmd/pending.hpp>
#include <spmd/shared_values.hpp>

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

/// For `split`: a rank that joins no group. (MPI_UNDEFINED)
inline constexpr std::nullopt_t no_color = std::nullopt;

/// In a task: this member's handle on its group, its part of the work, and what it does together with the others. A small
/// value; valid while the task runs, and longer than the operations that it describes.
///
///     pool.broadcast([&](spmd::rank me) -> spmd::task<double> {
///         double mine = dot(me.part(x), me.part(x));
///         double all  = co_await me.all_reduce(mine, spmd::plus);
///         co_return std::sqrt(all);
///     });
///
/// Collectives and receive describe an operation, for a task that is a coroutine (task.hpp): `co_await` begins it and
/// waits; `.start()` begins it and returns a pending, to be awaited later. A collective takes place when all members
/// of the group have called it: the n-th one that each of them begins is the same one for all. Values are given by
/// value and moved; their types must be the same for all.
///
/// Throws, at the `co_await`: peer_error where a rank that is waited for has ended; mismatch_error where the ranks
/// called different collectives; deadlock_error: all these when no rank of the broadcast can run any more, as until
/// then help could come; cancelled_error, then too, or at the next operation; and what `op` threw.
/// std::invalid_argument for a root or receiver that is not below size(); std::logic_error within a plain task.
class rank {
public:
    /// The line of the call: for messages, and for timing.
    using location = std::source_location;

    /// This rank's number in its group: 0 … size() - 1.
    std::size_t id() const noexcept { return id_; }
    /// How many ranks the group has.
    std::size_t size() const noexcept { return context_->size; }
    /// This rank's number in its pool: id(), unless the group was chosen by `on` or `split`.
    std::size_t engine() const noexcept {
        return context_->engines == nullptr ? id_ : context_->engines[id_];
    }
    /// True once the broadcast was cancelled or its result dropped, or a rank failed under
    /// `on_error::stop`: a long task looks at it now and then, and returns.
    bool stop_requested() const noexcept { return context_->flags->stop_requested(); }
    /// Adds to the `items` of async_result::progress(), in a unit of the caller's choice. Costs about 2 ns. Thread
    /// safety: any thread, while the rank runs. Throws: std::bad_alloc when a broadcast's first report finds no memory.
    void advance(std::size_t items = 1) const { context_->reported_items->add(items); }

    /// The indices of 0 … n-1 that are this rank's, by a rule of partition.hpp.
    template <partition_rule Rule = decltype(balanced)>
    auto part(std::size_t n, const Rule& rule = balanced) const {
        return rule(n, id_, context_->size);
    }

    /// This rank's part of a range: a span of an array, else a view. The range must outlive it.
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

    /// Waits until all members have called it. (MPI_Barrier)
    awaitable<void> auto barrier(location where = location::current()) const {
        return meet<detail::barrier_collective>(where);
    }
    /// Gives the root's value to every member; the others' values are not looked at. (MPI_Bcast)
    template <std::copy_constructible T>
    awaitable<T> auto broadcast(T value, std::size_t root = 0, location where = location::current()) const {
        return meet<detail::broadcast_collective<T>>(where, std::move(value), below_size(root));
    }
    /// Combines all values for the root, in an optional that is empty elsewhere. (MPI_Reduce)
    /// Values are combined in a fixed tree over the ids: from the left within leaves of 1,024, then neighbours
    /// pairwise; so the result is bitwise the same for any number of threads. `op` is copied, must be the same for
    /// all, and need not commute. Vectors that it does not combine are combined element by element, and must then have
    /// the same length.
    template <class T, class Op>
    awaitable<std::optional<reduced<T, Op>>> auto reduce(T value, Op op, std::size_t root = 0,
                                                         location where = location::current()) const {
        return meet<detail::reduce_collective<reduced<T, Op>, Op>>(where, contributed<Op>(value),
                                                                   std::move(op), below_size(root));
    }
    /// As reduce(), with the result delivered to every rank. (MPI_Allreduce)
    template <std::copy_constructible T, class Op>
    awaitable<reduced<T, Op>> auto all_reduce(T value, Op op, location where = location::current()) const {
        return meet<detail::all_reduce_collective<reduced<T, Op>, Op>>(where, contributed<Op>(value),
                                                                       std::move(op));
    }
    /// Combines the values of ranks 0 … id(): within leaves of 1,024 ids from the left, and the result with that of all
    /// leaves before, from the left; bitwise the same for any number of threads. (MPI_Scan)
    template <std::copy_constructible T, class Op>
    awaitable<reduced<T, Op>> auto scan(T value, Op op, location where = location::current()) const {
        return meet<detail::scan_collective<reduced<T, Op>, Op>>(where, contributed<Op>(value),
                                                                 std::move(op));
    }
    /// Combines `first` with the values of ranks 0 … id() - 1, as scan() does. (MPI_Exscan)
    template <std::copy_constructible T, class Op>
    awaitable<reduced<T, Op>> auto exclusive_scan(T value, Op op, reduced<T, Op> first = reduced<T, Op>(),
                                                  location where = location::current()) const {
        return meet<detail::exclusive_scan_collective<reduced<T, Op>, Op>>(where, contributed<Op>(value),
                                                                           std::move(op), std::move(first));
    }
    /// Gathers one value per rank at the root, ordered by id; empty elsewhere. Vectors may have different lengths.
    /// (MPI_Gatherv)
    template <class T>
    awaitable<results<T>> auto gather(T value, std::size_t root = 0,
                                      location where = location::current()) const {
        return meet<detail::gather_collective<T>>(where, std::move(value), below_size(root));
    }
    /// As gather(), for every rank: all look at the same values, without a copy. (MPI_Allgatherv)
    template <class T>
    awaitable<shared_values<T>> auto all_gather(T value, location where = location::current()) const {
        return meet<detail::all_gather_collective<T>>(where, std::move(value));
    }
    /// Concatenates the ranks' ranges, of any lengths, at the root, in the order of the ids; empty elsewhere.
    template <concatenable Part>
    awaitable<flat<Part>> auto concat(Part part, std::size_t root = 0,
                                      location where = location::current()) const {
        return meet<detail::concat_collective<Part>>(where, std::move(part), below_size(root));
    }
    /// As concat(), for every rank: all look at the same items, without a copy.
    template <concatenable Part>
    awaitable<shared_values<std::ranges::range_value_t<Part>>> auto
    all_concat(Part part, location where = location::current()) const {
        return meet<detail::all_concat_collective<Part>>(where, std::move(part));
    }
    /// Gives each rank the root's value with its id; the others' vectors are not looked at. Vectors of vectors may have
    /// different lengths. (MPI_Scatterv)
    template <class T>
    awaitable<T> auto scatter(std::vector<T> values, std::size_t root = 0,
                              location where = location::current()) const {
        return meet<detail::scatter_collective<T>>(where, std::move(values), below_size(root));
    }
    /// Gives values[i] to rank i, and returns what each rank gave this one, by id. Complexity: O(size²) values in all.
    /// (MPI_Alltoallv)
    template <class T>
    awaitable<std::vector<T>> auto all_to_all(std::vector<T> values,
                                              location where = location::current()) const {
        return meet<detail::all_to_all_collective<T>>(where, std::move(values));
    }

    /// Makes a group for each colour, and returns this rank in its group, whose ids go by key, then by id here.
    /// (MPI_Comm_split)
    awaitable<rank> auto split(std::size_t color, std::int64_t key = 0,
                               location where = location::current()) const;
    /// As split(color), in an optional that is empty for a rank of `no_color`.
    awaitable<std::optional<rank>> auto split(std::optional<std::size_t> color, std::int64_t key = 0,
                                              location where = location::current()) const;

    /// Sends a value; returns at once. Messages from one rank to another with one tag arrive in the order in which they
    /// were sent. (MPI_Isend, with a buffer)
    template <class T>
    void send(T value, std::size_t to, int tag = 0, location where = location::current()) const {
        detail::send_value<T>(communicator(), id(), std::move(value), below_size(to), tag, where);
    }
    /// Waits for a T from a rank of this group. Of several messages for `any_source`, any may be the first. (MPI_Recv)
    template <class T>
    awaitable<T> auto receive(std::size_t from = any_source, int tag = any_tag,
                              location where = location::current()) const {
        return detail::receive_awaitable<T, T>(communicator(), id(), sender(from), tag, where);
    }
    /// As receive(), with the sender and the tag. (MPI_Recv's status)
    template <class T>
    awaitable<message<T>> auto receive_message(std::size_t from = any_source, int tag = any_tag,
                                               location where = location::current()) const {
        return detail::receive_awaitable<T, message<T>>(communicator(), id(), sender(from), tag, where);
    }

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
    std::size_t sender(std::size_t id) const { return id == any_source ? id : below_size(id); }
    template <class Op, class T>
    reduced<T, Op> contributed(T& value) const {
        return detail::reduction_of<T, Op>::from(std::move(value), id_);
    }
    template <class Collective, class... Contribution>
    detail::collective_awaitable<Collective> meet(const location& where,
                                                  Contribution&&... contribution) const {
        return {communicator(), id_,
                typename Collective::contribution(std::forward<Contribution>(contribution)...), where};
    }

    detail::context_reference context_;
    std::size_t id_;
};

inline awaitable<rank> auto rank::split(std::size_t color, std::int64_t key, location where) const {
    return detail::collective_awaitable<detail::split_collective, rank>(
        communicator(), id_, detail::split_contribution(color, key), where);
}
inline awaitable<std::optional<rank>> auto rank::split(std::optional<std::size_t> color, std::int64_t key,
                                                       location where) const {
    return detail::collective_awaitable<detail::split_collective, std::optional<rank>>(
        communicator(), id_, detail::split_contribution(color, key), where);
}

} // namespace spmd
