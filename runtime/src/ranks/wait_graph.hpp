#pragma once

#include <spmd/detail/ranks/wait_record.hpp>
#include <spmd/partition.hpp>

#include <cstddef>
#include <mutex>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace spmd::detail {

class rank_scheduler;

/// Ranks that wait for messages, by the rank that each waits for, since waits failed. Where each rank that
/// ends dooms just the next, as in a ring, a halt need not look at all ranks: those that ran since the last
/// halt are enough, and those that wait for them. So a ring of failures is not quadratic.
class wait_graph {
public:
    /// Begins with all ranks that wait. Requires: no rank can run.
    void begin_with(const rank_scheduler& ranks, std::span<const wait_record> records);
    /// Notes that ranks ran. Thread safety: may be called by all threads at the same time.
    void ran(index_range range);
    /// Ranks that may be doomed since the last halt; nullopt where it can be any. Requires: no rank can run.
    std::optional<std::vector<std::size_t>> concerned(const rank_scheduler& ranks,
                                                      std::span<const wait_record> records);

private:
    static constexpr std::size_t nobody = ~std::size_t{0};

    void add_concerned_by(const rank_scheduler& ranks, std::span<const wait_record> records, std::size_t rank,
                          std::vector<std::size_t>& all);

    // Lists of those that waited at the beginning, by whom they waited for; some may wait for others now, or
    // have ended.
    std::vector<std::size_t> first_waiter_;
    std::vector<std::size_t> next_waiter_;
    std::unordered_multimap<std::size_t, std::size_t> later_waiters_;
    std::mutex mutex_;             // guards the rest while ranks run
    std::vector<index_range> ran_; // since the last halt
    std::size_t count_ran_ = 0;
    bool is_exact_ = false; // all wait for a message from a certain rank
};

} // namespace spmd::detail
