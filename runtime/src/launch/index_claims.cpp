#include <spmd/detail/launch/index_claims.hpp>

#include <algorithm>

namespace spmd::detail {
namespace {

/// Lower bound on the ranges that each thread claims: enough that uneven tasks balance.
constexpr std::size_t ranges_per_thread = 8;
/// From this count on, one record per 16 indices saves memory that is slow to reach.
constexpr std::size_t coarse_from = 16384;

} // namespace

index_claims::index_claims(std::span<const placed_range> shares, std::size_t chunk, std::size_t threads,
                           std::size_t worth_claiming)
    : chunk_(chunk), worth_claiming_(worth_claiming), threads_(threads) {
    if (shares.size() <= 1) {
        shares_ = {&only_share_, 1};
    } else {
        many_shares_ = std::make_unique<share[]>(shares.size());
        shares_ = {many_shares_.get(), shares.size()};
    }
    for (std::size_t i = 0; i < shares.size(); ++i) {
        const index_range indices = shares[i].indices;
        shares_[i].next.store(indices.first, std::memory_order_relaxed);
        shares_[i].end = indices.last;
        shares_[i].size = indices.size();
        shares_[i].arena = shares[i].arena;
        count_ += indices.size();
    }
    if (shares.size() <= 1 && chunk == 0 && count_ >= coarse_from) grain_ = coarse_grain;
}

std::size_t index_claims::share_of(std::size_t arena) const noexcept {
    std::size_t size = 0;
    for (const share& each : shares_)
        if (each.arena == arena) size += each.size;
    return size;
}

index_range index_claims::claim_from(share& from, std::size_t most) const noexcept {
    most += std::min(below_grain(), ~most);
    std::size_t begin = from.next.load(std::memory_order_relaxed);
    while (begin < from.end) {
        const std::size_t end = begin + std::min(most & ~below_grain(), from.end - begin);
        if (from.next.compare_exchange_weak(begin, end, std::memory_order_relaxed)) return {begin, end};
    }
    return {};
}

std::size_t index_claims::guided_size(const share& from) const noexcept {
    const std::size_t begin = from.next.load(std::memory_order_relaxed);
    const std::size_t left = begin < from.end ? from.end - begin : 0;
    const std::size_t most = std::max<std::size_t>(from.size / (ranges_per_thread * threads_), 1);
    const std::size_t guided = std::min(left / (2 * threads_), most);
    // Cheap indices go in larger ranges, but never in more than a thread's share of what is left, in case
    // they are not cheap this time; except the last ones, if they are few of all.
    const std::size_t last = std::min(worth_claiming_ / 8, most / 8);
    const std::size_t cheap = std::min(worth_claiming_, std::max(left / threads_, last));
    return std::max({guided, cheap, std::size_t{1}});
}

index_range index_claims::claim_in(std::size_t arena, std::size_t& cursor) noexcept {
    for (; cursor < shares_.size(); ++cursor) {
        share& from = shares_[cursor];
        if (arena != any_arena && from.arena != arena) continue;
        const index_range range = claim_from(from, chunk_ != 0 ? chunk_ : guided_size(from));
        if (!range.empty()) return range;
    }
    return {};
}

index_range index_claims::claim(std::size_t most) noexcept {
    for (share& from : shares_)
        if (const index_range range = claim_from(from, most); !range.empty()) return range;
    return {};
}

index_range index_claims::claim_up_to(std::size_t index) noexcept {
    for (share& from : shares_) {
        if (index >= from.end) continue;
        const std::size_t end = std::min((index + 1 + below_grain()) & ~below_grain(), from.end);
        std::size_t begin = from.next.load(std::memory_order_relaxed);
        while (begin <= index)
            if (from.next.compare_exchange_weak(begin, end, std::memory_order_relaxed)) return {begin, end};
        break;
    }
    return {};
}

} // namespace spmd::detail
