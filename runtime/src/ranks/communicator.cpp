#include <spmd/detail/ranks/communicator.hpp>

#include <spmd/detail/ranks/rank_scheduler.hpp>

#include <algorithm>
#include <utility>

namespace spmd::detail {

communicator::communicator(rank_scheduler& ranks, const rank_context& everyone)
    : rank_context(everyone), ranks_(&ranks), engines_of_ranks_(everyone.engines), next_(everyone.size),
      references_(1) {
    peers = this;
}

communicator::communicator(rank_scheduler& ranks, const communicator& parent,
                           std::vector<std::size_t> members)
    : rank_context{members.size(), nullptr, parent.flags, parent.reported_items, this, true}, ranks_(&ranks),
      engines_of_ranks_(parent.engines_of_ranks_), members_(std::move(members)), next_(size),
      references_(size) {
    indices_ = members_.data();
    // Members are ranks of the scheduler, which are engines unless the scheduler's view selected others.
    engines = members_.data();
    if (engines_of_ranks_ != nullptr) {
        engines_.reserve(size);
        for (const std::size_t member : members_) engines_.push_back(engines_of_ranks_[member]);
        engines = engines_.data();
    }
}

communicator::~communicator() { delete[] boxes_.load(std::memory_order_relaxed); }

std::unique_ptr<collective> communicator::spare_collective(const collective_kind& kind) {
    const auto found = std::ranges::find_if(
        spare_, [&](const std::unique_ptr<collective>& each) { return each->requested().kind == &kind; });
    if (found == spare_.end()) return kind.make(*this);
    std::unique_ptr<collective> spare = std::move(*found);
    spare_.erase(found);
    return spare;
}

collective& communicator::collective_for(std::uint32_t number, const request& requested,
                                         const std::source_location& where) {
    const std::lock_guard lock(mutex_);
    // Each member calls its collectives one by one, so they are opened in order.
    const std::uint32_t place = number - first_open_;
    if (place == open_.size()) {
        std::unique_ptr<collective> opened = spare_collective(*requested.kind);
        opened->open(number, requested, where);
        open_.push_back(std::move(opened));
    }
    return *open_[place];
}

void communicator::retire(collective& over) {
    over.retire();
    const std::lock_guard lock(mutex_);
    spare_.push_back(std::move(open_[over.number() - first_open_]));
    if (spare_.size() > most_spare) spare_.erase(spare_.begin());
    while (!open_.empty() && open_.front() == nullptr) {
        open_.pop_front();
        ++first_open_;
    }
}

const communicator::survey& communicator::survey_members() {
    if (std::exchange(surveyed_at_, ranks_->halts()) == ranks_->halts()) return survey_;
    survey_ = {};
    bool threw = false;
    for (std::size_t id = 0; id < size; ++id) {
        const std::size_t rank = index_of(id);
        if (!ranks_->has_ended(rank)) {
            ++survey_.left;
        } else if (!threw) {
            threw = ranks_->error_of_ended(rank) != nullptr;
            if (threw || !survey_.gone) survey_.gone = rank;
        }
    }
    return survey_;
}

message_box& communicator::box_of(std::size_t id) {
    message_box* boxes = boxes_.load(std::memory_order_acquire);
    if (boxes == nullptr) {
        auto fresh = std::make_unique<message_box[]>(size);
        if (boxes_.compare_exchange_strong(boxes, fresh.get(), std::memory_order_acq_rel,
                                           std::memory_order_acquire))
            boxes = fresh.release();
    }
    return boxes[id];
}

} // namespace spmd::detail
