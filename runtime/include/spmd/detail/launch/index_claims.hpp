#pragma once

#include <spmd/partition.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>

namespace spmd::detail {

/// Contiguous indices that are to run in one arena.
struct placed_range {
    std::size_t arena = 0;
    index_range indices;
};

inline constexpr std::size_t any_arena = ~std::size_t{0};

/// Indices [0, count) in shares, one per arena, each claimed exactly once, in ranges: large ones first, then
/// ever smaller ones, so that all threads end together. Guided self-scheduling (Polychronopoulos and Kuck,
/// 1987), bounded from above so that uneven tasks balance, and from below by the cost of a claim.
///
/// Thread safety: all members may be called at the same time.
class index_claims {
public:
    /// `shares`: all indices, ascending. `chunk`: indices per claim, 0 for guided sizes. `worth_claiming`:
    /// indices that are worth a claim, where sizes are guided.
    index_claims(std::span<const placed_range> shares, std::size_t chunk, std::size_t threads,
                 std::size_t worth_claiming);

    std::size_t count() const noexcept { return count_; }
    std::size_t chunk() const noexcept { return chunk_; }
    /// Claimed ranges begin at multiples of 2 to this power, so that as many indices can share a record.
    unsigned grain() const noexcept { return grain_; }
    /// Grain of jobs of very many indices; others have 0.
    static constexpr unsigned coarse_grain = 4;
    /// Number of indices that are to run in the arena.
    std::size_t share_of(std::size_t arena) const noexcept;

    /// Claims the next range of an arena, or of any_arena; empty when none is left. `cursor`: the share to
    /// begin with, 0 at first, which skips those that earlier calls found empty.
    index_range claim_in(std::size_t arena, std::size_t& cursor) noexcept;
    /// Claims the next indices of any arena, at most `most` rounded up to the grain; empty when none are
    /// left.
    index_range claim(std::size_t most) noexcept;
    /// Claims `index` if nobody has, together with the unclaimed indices before it in its share.
    index_range claim_up_to(std::size_t index) noexcept;

private:
    /// The part of one placed range that nobody has claimed.
    struct share {
        std::atomic<std::size_t> next{0};
        std::size_t end = 0;
        std::size_t size = 0;
        std::size_t arena = 0;
    };

    index_range claim_from(share& from, std::size_t most) const noexcept;
    std::size_t guided_size(const share& from) const noexcept;
    std::size_t below_grain() const noexcept { return (std::size_t{1} << grain_) - 1; }

    // First, so that the owner can place it beside what is written as often: at each claim.
    share only_share_;
    [[maybe_unused]] char apart_[64] = {};

    std::unique_ptr<share[]> many_shares_;
    std::span<share> shares_;
    std::size_t count_ = 0;
    std::size_t chunk_;
    std::size_t worth_claiming_;
    std::size_t threads_;
    unsigned grain_ = 0;
};

} // namespace spmd::detail
