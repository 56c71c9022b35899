#pragma once

#include <spmd/detail/ranks/messages.hpp>
#include <spmd/detail/ranks/reductions.hpp>
#include <spmd/detail/ranks/split.hpp>
#include <spmd/detail/ranks/value_collectives.hpp>
#include <spmd/member.hpp>
#include <spmd/message.hpp>
#include <spmd/pending.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>
#include <vector>

namespace spmd {

/// For `split`: a rank that joins no group.
inline constexpr std::nullopt_t no_color = std::nullopt;

/// In a task: this member's handle on its group, and what it does together with the others. A small value; valid while
/// the task runs, and longer than what it is asked for.
///
///     pool.broadcast([&](spmd::rank me) -> spmd::task<double> {
///         double mine = dot(me.part(x), me.part(x));
///         double all  = co_await me.all_reduce(mine, std::plus<>{});
///         co_return std::sqrt(all);
///     });
///
/// What is to be awaited works in a coroutine, a task that returns spmd::task (see task.hpp). A collective takes
/// place when all members of the group have called it: the n-th one that each of them calls is the same one for
/// all. Values are given by value and moved; their types must be the same for all.
///
/// Throws, at the `co_await`: peer_error where a rank that is waited for has ended; mismatch_error where the
/// ranks called different ones; deadlock_error: all these when no rank of the broadcast can run any more, as until then
/// help could come; cancelled, then too, or at the next operation; and what `op` threw.
/// std::invalid_argument for a root or receiver that is not below size(); std::logic_error within a plain task.
class rank : public group_member {
public:
    /// Where in the program it is called: for messages, and for timing.
    using location = std::source_location;

    using group_member::group_member;

    /// Waits until all have come.
    auto barrier(location where = location::current()) const {
        return meet<detail::barrier_collective>(where);
    }
    /// The root's value, for all. The others' values are not looked at.
    template <std::copy_constructible T>
    auto broadcast(T value, std::size_t root = 0, location where = location::current()) const {
        return meet<detail::broadcast_collective<T>>(where, std::move(value), below_size(root));
    }
    /// All values combined, for the root; nothing for the others. Values are combined in a fixed tree over the ids:
    /// from the left within leaves of 1,024, then neighbours pairwise; so the outcome is bitwise the same for any
    /// number of threads. `op` is copied, and must be the same for all; it need not commute. Vectors that it does not
    /// combine are combined element by element, and must then have the same length.
    template <class T, class Op>
    auto reduce(T value, Op op, std::size_t root = 0, location where = location::current()) const {
        return meet<detail::reduce_collective<T, Op>>(where, std::move(value), std::move(op),
                                                      below_size(root));
    }
    /// The same for all.
    template <std::copy_constructible T, class Op>
    auto all_reduce(T value, Op op, location where = location::current()) const {
        return meet<detail::all_reduce_collective<T, Op>>(where, std::move(value), std::move(op));
    }
    /// The values of ranks 0 … id() combined: within leaves of 1,024 ids from the left, and that with what all leaves
    /// before gave, from the left; bitwise the same for any number of threads.
    template <std::copy_constructible T, class Op>
    auto scan(T value, Op op, location where = location::current()) const {
        return meet<detail::scan_collective<T, Op>>(where, std::move(value), std::move(op));
    }
    /// `first` combined with the values of ranks 0 … id() - 1.
    template <std::copy_constructible T, class Op>
    auto exclusive_scan(T value, Op op, std::type_identity_t<T> first = T(),
                        location where = location::current()) const {
        return meet<detail::exclusive_scan_collective<T, Op>>(where, std::move(value), std::move(op),
                                                              std::move(first));
    }
    /// All values by id, for the root; none for the others. Vectors may have different lengths.
    template <class T>
    auto gather(T value, std::size_t root = 0, location where = location::current()) const {
        return meet<detail::gather_collective<T>>(where, std::move(value), below_size(root));
    }
    /// The same for all, who look at the same values without a copy. Returns: shared_values<T>.
    template <class T>
    auto all_gather(T value, location where = location::current()) const {
        return meet<detail::all_gather_collective<T>>(where, std::move(value));
    }
    /// The ranks' ranges, of whatever lengths, one after the other as one flat sequence, for the root.
    template <concatenable Part>
    auto concat(Part part, std::size_t root = 0, location where = location::current()) const {
        return meet<detail::concat_collective<Part>>(where, std::move(part), below_size(root));
    }
    /// The same for all. Returns: shared_values of the items.
    template <concatenable Part>
    auto all_concat(Part part, location where = location::current()) const {
        return meet<detail::all_concat_collective<Part>>(where, std::move(part));
    }
    /// One of the root's values for each rank, by id; the others give none. Vectors may have different lengths.
    template <class T>
    auto scatter(std::vector<T> values, std::size_t root = 0, location where = location::current()) const {
        return meet<detail::scatter_collective<T>>(where, std::move(values), below_size(root));
    }
    /// Gives values[i] to rank i, and takes what each rank gave this one, by id. Vectors may have different lengths.
    template <class T>
    auto all_to_all(std::vector<T> values, location where = location::current()) const {
        return meet<detail::all_to_all_collective<T>>(where, std::move(values));
    }

    /// A group for each colour: this rank in its group, whose ids go by key, then by id here (as in MPI_Comm_split).
    auto split(std::size_t color, std::int64_t key = 0, location where = location::current()) const;
    /// The same, in an optional: nothing for a rank of `no_color`.
    auto split(std::optional<std::size_t> color, std::int64_t key = 0,
               location where = location::current()) const;
    auto start_split(std::size_t color, std::int64_t key = 0, location where = location::current()) const;
    auto start_split(std::optional<std::size_t> color, std::int64_t key = 0,
                     location where = location::current()) const;

    /// Sends a value; never waits. Messages from one rank to another with one tag are received as they were sent.
    template <class T>
    auto send(T value, std::size_t to, int tag = 0, location where = location::current()) const {
        return detail::send_awaitable<T>(meets(), id(), std::move(value), below_size(to), tag, where);
    }
    /// Waits for a T from a rank of this group. Which of several comes first from `any_source` is not defined.
    template <class T>
    auto receive(std::size_t from = any_source, int tag = any_tag,
                 location where = location::current()) const {
        return detail::receive_awaitable<T, T>(meets(), id(), sender(from), tag, where);
    }
    /// The same. Returns: message<T>, which also says from whom, and with which tag.
    template <class T>
    auto receive_message(std::size_t from = any_source, int tag = any_tag,
                         location where = location::current()) const {
        return detail::receive_awaitable<T, message<T>>(meets(), id(), sender(from), tag, where);
    }

    // Forms that begin now and are awaited later. Return: pending of what the other form gives.
    auto start_barrier(location where = location::current()) const {
        return start<detail::barrier_collective>(where);
    }
    template <std::copy_constructible T>
    auto start_broadcast(T value, std::size_t root = 0, location where = location::current()) const {
        return start<detail::broadcast_collective<T>>(where, std::move(value), below_size(root));
    }
    template <class T, class Op>
    auto start_reduce(T value, Op op, std::size_t root = 0, location where = location::current()) const {
        return start<detail::reduce_collective<T, Op>>(where, std::move(value), std::move(op),
                                                       below_size(root));
    }
    template <std::copy_constructible T, class Op>
    auto start_all_reduce(T value, Op op, location where = location::current()) const {
        return start<detail::all_reduce_collective<T, Op>>(where, std::move(value), std::move(op));
    }
    template <std::copy_constructible T, class Op>
    auto start_scan(T value, Op op, location where = location::current()) const {
        return start<detail::scan_collective<T, Op>>(where, std::move(value), std::move(op));
    }
    template <std::copy_constructible T, class Op>
    auto start_exclusive_scan(T value, Op op, std::type_identity_t<T> first = T(),
                              location where = location::current()) const {
        return start<detail::exclusive_scan_collective<T, Op>>(where, std::move(value), std::move(op),
                                                               std::move(first));
    }
    template <class T>
    auto start_gather(T value, std::size_t root = 0, location where = location::current()) const {
        return start<detail::gather_collective<T>>(where, std::move(value), below_size(root));
    }
    template <class T>
    auto start_all_gather(T value, location where = location::current()) const {
        return start<detail::all_gather_collective<T>>(where, std::move(value));
    }
    template <concatenable Part>
    auto start_concat(Part part, std::size_t root = 0, location where = location::current()) const {
        return start<detail::concat_collective<Part>>(where, std::move(part), below_size(root));
    }
    template <concatenable Part>
    auto start_all_concat(Part part, location where = location::current()) const {
        return start<detail::all_concat_collective<Part>>(where, std::move(part));
    }
    template <class T>
    auto start_scatter(std::vector<T> values, std::size_t root = 0,
                       location where = location::current()) const {
        return start<detail::scatter_collective<T>>(where, std::move(values), below_size(root));
    }
    template <class T>
    auto start_all_to_all(std::vector<T> values, location where = location::current()) const {
        return start<detail::all_to_all_collective<T>>(where, std::move(values));
    }
    template <class T>
    auto start_receive(std::size_t from = any_source, int tag = any_tag,
                       location where = location::current()) const {
        return pending<T>(
            std::make_unique<detail::pending_receive<T, T>>(meets(), id(), sender(from), tag, where));
    }
    template <class T>
    auto start_receive_message(std::size_t from = any_source, int tag = any_tag,
                               location where = location::current()) const {
        return pending<message<T>>(std::make_unique<detail::pending_receive<T, message<T>>>(
            meets(), id(), sender(from), tag, where));
    }

private:
    detail::communicator& meets() const { return detail::require_communicator(rank_context(), id()); }
    std::size_t below_size(std::size_t id) const { return detail::require_member(rank_context(), id); }
    std::size_t sender(std::size_t id) const { return id == any_source ? id : below_size(id); }

    template <class Collective, class... Contribution>
    detail::collective_awaitable<Collective> meet(const location& where,
                                                  Contribution&&... contribution) const {
        return {meets(), id(), typename Collective::contribution(std::forward<Contribution>(contribution)...),
                where};
    }
    template <class Collective, class... Contribution>
    pending<typename Collective::result> start(const location& where, Contribution&&... contribution) const {
        return pending<typename Collective::result>(std::make_unique<detail::pending_collective<Collective>>(
            meets(), id(), typename Collective::contribution(std::forward<Contribution>(contribution)...),
            where));
    }
};

inline auto rank::split(std::size_t color, std::int64_t key, location where) const {
    return detail::collective_awaitable<detail::split_collective, rank>(
        meets(), id(), detail::split_contribution(color, key), where);
}
inline auto rank::split(std::optional<std::size_t> color, std::int64_t key, location where) const {
    return detail::collective_awaitable<detail::split_collective, std::optional<rank>>(
        meets(), id(), detail::split_contribution(color, key), where);
}
inline auto rank::start_split(std::size_t color, std::int64_t key, location where) const {
    return pending<rank>(std::make_unique<detail::pending_split<rank>>(
        meets(), id(), detail::split_contribution(color, key), where));
}
inline auto rank::start_split(std::optional<std::size_t> color, std::int64_t key, location where) const {
    return pending<std::optional<rank>>(std::make_unique<detail::pending_split<std::optional<rank>>>(
        meets(), id(), detail::split_contribution(color, key), where));
}

} // namespace spmd
