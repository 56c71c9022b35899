#pragma once

#include <spmd/detail/base/zeroed_array.hpp>
#include <spmd/detail/ranks/collective.hpp>
#include <spmd/detail/ranks/message_box.hpp>
#include <spmd/detail/ranks/rank_context.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace spmd::detail {

class rank_scheduler;

/// Ranks of a scheduler that meet: all of them, or a group made by split. Holds their collectives and their
/// messages.
class communicator final : public rank_context {
public:
    /// Contains all ranks of the scheduler.
    communicator(rank_scheduler& ranks, const rank_context& everyone);
    /// `members`: ranks of the scheduler, in the order of their ids here. Shared, with a reference for each
    /// member.
    communicator(rank_scheduler& ranks, const communicator& parent, std::vector<std::size_t> members);
    communicator(const communicator&) = delete;
    communicator& operator=(const communicator&) = delete;
    ~communicator();

    rank_scheduler& ranks() const noexcept { return *ranks_; }
    /// Member `id` as a rank of the scheduler.
    std::size_t index_of(std::size_t id) const noexcept { return indices_ == nullptr ? id : indices_[id]; }
    /// Number of the collective that member `id` calls next. For the thread that runs the member.
    std::uint32_t& next_number(std::size_t id) noexcept { return next_[id]; }
    bool has_reached(std::size_t id, std::uint32_t number) const noexcept {
        return static_cast<std::int32_t>(next_[id] - number) > 0;
    }

    /// Returns collective `number`, which the first member's request opens.
    collective& collective_for(std::uint32_t number, const request& requested,
                               const std::source_location& where);
    /// Keeps a collective that no member will access again for reuse.
    void retire(collective& over);

    /// Members that have not ended, and one that has: one that threw, if any did.
    struct survey {
        std::size_t left = 0;
        std::optional<std::size_t> gone; ///< as a rank of the scheduler
    };
    /// Complexity: O(size) once while no rank runs. Requires: no rank can run.
    const survey& survey_members();

    /// Messages to member `id`. All boxes are made by the first message or receive.
    message_box& box_of(std::size_t id);

    void acquire() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }

private:
    std::unique_ptr<collective> spare_collective(const collective_kind& kind);

    static constexpr std::size_t most_spare = 4;

    rank_scheduler* ranks_;
    const std::size_t* engines_of_ranks_;  // of the scheduler; null: rank and engine are the same
    const std::size_t* indices_ = nullptr; // of the members; null: all ranks
    std::vector<std::size_t> members_;
    std::vector<std::size_t> engines_;
    zeroed_array<std::uint32_t> next_;
    std::atomic<message_box*> boxes_{nullptr};
    std::atomic<std::size_t> references_;
    std::mutex mutex_;                             // guards the rest
    std::deque<std::unique_ptr<collective>> open_; // by number, from first_open_ on; null: retired
    std::uint32_t first_open_ = 0;
    std::vector<std::unique_ptr<collective>> spare_;
    survey survey_;               // for the thread that resolves a halt
    std::size_t surveyed_at_ = 0; // the halt of survey_
};

} // namespace spmd::detail
