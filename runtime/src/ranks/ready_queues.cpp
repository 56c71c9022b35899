#include <spmd/detail/ranks/ready_queues.hpp>

#include <spmd/detail/base/thread_number.hpp>

#include <algorithm>
#include <iterator>

namespace spmd::detail {
namespace {

/// Fraction of a range that a thread claims from its own queue, and from another's. (residence/spmd_barriers)
constexpr std::size_t divisor_at_home = 2;
constexpr std::size_t divisor_elsewhere = 4;
/// A queue drops its claimed ranges when there are this many, and more than half.
constexpr std::size_t most_claimed_kept = 64;

} // namespace

ready_queues::ready_queues(std::span<const placed_range> shares, std::size_t threads) {
    const std::size_t per_share = std::max<std::size_t>(threads / std::max<std::size_t>(shares.size(), 1), 1);
    queues_ = std::make_unique<queue[]>(per_share * std::max<std::size_t>(shares.size(), 1));
    for (const placed_range& share : shares) {
        for (std::size_t i = 0; i < per_share; ++i) {
            const index_range part = balanced(share.indices.size(), i, per_share);
            queue& next = queues_[count_++];
            next.block = {share.indices.first + part.first, share.indices.first + part.last};
            next.arena = share.arena;
        }
    }
}

std::size_t ready_queues::home_in(std::size_t arena) noexcept {
    const std::size_t me = thread_number() + 1; // 0 is nobody
    for (std::size_t i = 0; i < count_; ++i)
        if (queues_[i].owner.load(std::memory_order_relaxed) == me) return i;
    for (std::size_t i = 0; i < count_; ++i) {
        std::size_t nobody = 0;
        if (arena != any_arena && queues_[i].arena != arena) continue;
        if (queues_[i].owner.compare_exchange_strong(nobody, me, std::memory_order_relaxed)) return i;
    }
    return me % count_;
}

void ready_queues::add(index_range ranks) {
    if (ranks.empty()) return;
    const std::span all(queues_.get(), count_);
    auto to = std::prev(
        std::ranges::upper_bound(all, ranks.first, {}, [](const queue& each) { return each.block.first; }));
    for (; !ranks.empty(); ++to) {
        const std::size_t end = std::min(to->block.last, ranks.last);
        if (ranks.first < end) add_to(*to, {ranks.first, end});
        ranks.first = end;
    }
}

void ready_queues::add_to(queue& to, index_range ranks) {
    const std::lock_guard lock(to.mutex);
    if (to.first < to.ready.size() && to.ready.back().last == ranks.first) {
        to.ready.back().last = ranks.last;
        return;
    }
    if (to.first > most_claimed_kept && to.first > to.ready.size() / 2) {
        to.ready.erase(to.ready.begin(), to.ready.begin() + static_cast<std::ptrdiff_t>(to.first));
        to.first = 0;
    }
    to.ready.push_back(ranks);
    to.ranges.fetch_add(1, std::memory_order_relaxed);
    ranges_.fetch_add(1);
}

index_range ready_queues::claim_from(queue& from, std::size_t least, std::size_t divisor) noexcept {
    if (from.ranges.load(std::memory_order_relaxed) == 0) return {};
    const std::lock_guard lock(from.mutex);
    if (from.first == from.ready.size()) return {};
    index_range& next = from.ready[from.first];
    const std::size_t size = std::min(std::max(least, next.size() / divisor), next.size());
    const index_range claimed{next.first, next.first + size};
    next.first = claimed.last;
    if (next.empty()) {
        ++from.first;
        if (from.first == from.ready.size()) {
            from.ready.clear();
            from.first = 0;
        }
        from.ranges.fetch_sub(1, std::memory_order_relaxed);
        ranges_.fetch_sub(1);
    }
    return claimed;
}

index_range ready_queues::claim(std::size_t most) noexcept {
    constexpr std::size_t all_of_it = ~std::size_t{0};
    for (std::size_t i = 0; i < count_; ++i)
        if (const index_range range = claim_from(queues_[i], most, all_of_it); !range.empty()) return range;
    return {};
}

index_range ready_queues::claim_near(std::size_t first, std::size_t arena, std::size_t least) noexcept {
    for (std::size_t i = 0; i < count_; ++i) {
        queue& from = queues_[(first + i) % count_];
        if (arena != any_arena && from.arena != arena) continue;
        const index_range range = claim_from(from, least, i == 0 ? divisor_at_home : divisor_elsewhere);
        if (!range.empty()) return range;
    }
    return {};
}

bool ready_queues::has_ready_in(std::size_t arena) const noexcept {
    if (!may_have_ready()) return false;
    return std::ranges::any_of(std::span(queues_.get(), count_), [&](const queue& each) {
        return (arena == any_arena || each.arena == arena) &&
               each.ranges.load(std::memory_order_relaxed) != 0;
    });
}

} // namespace spmd::detail
