#pragma once

#include <spmd/detail/launch/index_claims.hpp>
#include <spmd/partition.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace spmd::detail {

/// Ready ranks, in ranges: one queue for each thread, with a block of ranks that become ready there, so that
/// a rank's data stay near the thread that touched them first. A thread claims from its own queue, then from
/// others.
///
/// Thread safety: all members may be called at the same time.
class ready_queues {
public:
    /// `shares`: all ranks, ascending; each arena's ranks in as many blocks as it is likely to have threads.
    ready_queues(std::span<const placed_range> shares, std::size_t threads);

    std::size_t count() const noexcept { return count_; }
    /// Index of the calling thread's queue: taken over by its first call where one is free.
    std::size_t home_in(std::size_t arena) noexcept;
    /// Makes ranks ready. Complexity: O(queues that their blocks belong to).
    void add(index_range ranks);

    /// Claims at most `most` ready ranks of any queue; empty when there are none.
    index_range claim(std::size_t most) noexcept;
    /// Claims a part of a ready range in a queue of the arena, looking at queue `first` first: at least
    /// `least` ranks, if the range has as many. Empty when there are none.
    index_range claim_near(std::size_t first, std::size_t arena, std::size_t least) noexcept;

    bool has_ready() const noexcept { return ranges_.load() != 0; }
    /// As has_ready(), without ordering: it may miss ranks that are being added.
    bool may_have_ready() const noexcept { return ranges_.load(std::memory_order_relaxed) != 0; }
    bool has_ready_in(std::size_t arena) const noexcept;

private:
    struct queue {
        std::mutex mutex;
        std::vector<index_range> ready; // guarded by mutex; the first at `first`
        std::size_t first = 0;          // guarded by mutex
        std::atomic<std::size_t> ranges{0};
        std::atomic<std::size_t> owner{0}; // the number of the thread that works here; 0: none yet
        index_range block;
        std::size_t arena = 0;
    };

    index_range claim_from(queue& from, std::size_t least, std::size_t divisor) noexcept;
    void add_to(queue& to, index_range ranks);

    std::atomic<std::size_t> ranges_{0}; // of all queues
    std::unique_ptr<queue[]> queues_;
    std::size_t count_ = 0;
};

} // namespace spmd::detail
