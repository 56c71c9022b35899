#include "ranks/wait_graph.hpp"

#include <spmd/detail/ranks/message_box.hpp>
#include <spmd/detail/ranks/rank_scheduler.hpp>

#include <utility>

namespace spmd::detail {
namespace {

/// The rank that a record's message is awaited from; nullopt where it waits for something else, or for any
/// rank.
std::optional<std::size_t> awaited_by(const wait_record& record) {
    const receiver* const receive = record.awaited_message();
    return receive == nullptr ? std::nullopt : receive->awaited_rank();
}

} // namespace

void wait_graph::begin_with(const rank_scheduler& ranks, std::span<const wait_record> records) {
    first_waiter_.assign(ranks.count(), nobody);
    next_waiter_.assign(ranks.count(), nobody);
    later_waiters_.clear();
    ran_.clear();
    count_ran_ = 0;
    is_exact_ = true;
    for (std::size_t rank = 0; rank < ranks.count() && is_exact_; ++rank) {
        if (ranks.has_ended(rank) || records[rank].has_failed()) continue;
        const auto source = awaited_by(records[rank]);
        is_exact_ = source.has_value();
        if (source) next_waiter_[rank] = std::exchange(first_waiter_[*source], rank);
    }
}

void wait_graph::ran(index_range range) {
    const std::lock_guard lock(mutex_);
    count_ran_ += range.size();
    is_exact_ = is_exact_ && count_ran_ <= first_waiter_.size();
    if (is_exact_) ran_.push_back(range);
}

std::optional<std::vector<std::size_t>> wait_graph::concerned(const rank_scheduler& ranks,
                                                              std::span<const wait_record> records) {
    std::vector<std::size_t> all;
    for (const index_range range : std::exchange(ran_, {}))
        for (std::size_t rank = range.first; rank < range.last && is_exact_; ++rank)
            add_concerned_by(ranks, records, rank, all);
    count_ran_ = 0;
    return is_exact_ ? std::optional(std::move(all)) : std::nullopt;
}

void wait_graph::add_concerned_by(const rank_scheduler& ranks, std::span<const wait_record> records,
                                  std::size_t rank, std::vector<std::size_t>& all) {
    if (!ranks.has_ended(rank)) {
        const auto source = awaited_by(records[rank]);
        is_exact_ = source.has_value();
        if (source) later_waiters_.emplace(*source, rank);
        all.push_back(rank);
        return;
    }
    for (std::size_t waiter = first_waiter_[rank]; waiter != nobody; waiter = next_waiter_[waiter])
        all.push_back(waiter);
    const auto [first, last] = later_waiters_.equal_range(rank);
    for (auto waiter = first; waiter != last; ++waiter) all.push_back(waiter->second);
}

} // namespace spmd::detail
