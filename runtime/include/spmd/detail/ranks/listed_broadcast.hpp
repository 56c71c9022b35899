#pragma once

#include <spmd/detail/base/spin_lock.hpp>
#include <spmd/detail/base/thread_number.hpp>
#include <spmd/detail/ranks/rank_scheduler.hpp>
#include <spmd/detail/ranks/wait_record.hpp>
#include <spmd/detail/results/tracked_job.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace spmd::detail {

class listed_broadcast;

struct alignas(64) broadcast_list {
    spin_lock lock;
    listed_broadcast* first = nullptr; // guarded by lock
};

/// Lists a broadcast of coroutines for debuggers, whose script runtime/gdb/spmd.py reads it in a program that
/// is stopped. It is built by the user's compiler, so that debug information of libspmd is not needed.
/// Threads have different lists, so that broadcasts share no cache line.
class listed_broadcast {
public:
    /// Requires: the job outlives it and is not disposed before.
    listed_broadcast(const rank_scheduler& ranks, const tracked_job& job) noexcept
        : ranks_(&ranks), count_(ranks.count()), records_(&ranks.record_of(0)), ended_(job.records_),
          trouble_(&job.trouble_), label_(&job.label_), list_(&lists_[thread_number() % lists_.size()]) {
        const std::lock_guard guard(list_->lock);
        // NOLINTNEXTLINE(cppcoreguidelines-prefer-member-initializer): read under the lock
        next_ = list_->first;
        if (next_ != nullptr) next_->link_ = &next_;
        link_ = &list_->first;
        list_->first = this;
    }
    listed_broadcast(const listed_broadcast&) = delete;
    listed_broadcast& operator=(const listed_broadcast&) = delete;
    ~listed_broadcast() {
        const std::lock_guard guard(list_->lock);
        *link_ = next_;
        if (next_ != nullptr) next_->link_ = link_;
    }

private:
    static inline constinit std::array<broadcast_list, 64> lists_{};

    [[maybe_unused]] const rank_scheduler* ranks_;
    [[maybe_unused]] std::size_t count_;
    [[maybe_unused]] const wait_record* records_;
    [[maybe_unused]] const std::uint8_t* ended_; // 1 for each rank that has
    [[maybe_unused]] const std::atomic<tracked_job::trouble*>* trouble_;
    [[maybe_unused]] const submission_label* label_;
    broadcast_list* list_;
    listed_broadcast* next_ = nullptr;  // guarded by the list's lock
    listed_broadcast** link_ = nullptr; // guarded by the list's lock: what refers to this
};

} // namespace spmd::detail
