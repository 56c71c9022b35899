#include <spmd/detail/ranks/rank_result_awaiter.hpp>

namespace spmd::detail {

bool rank_continuation::suspend_until_finished(job& awaited, std::coroutine_handle<> rank,
                                               const std::source_location& where) {
    rank_worker& here = rank_worker::here();
    ranks_ = &here.ranks();
    rank_ = here.rank();
    rank_scheduler& ranks = *ranks_; // this object may be gone when continue_with returns true
    wait_record& record = here.record();
    record.wait_for_job(where);
    record.continue_at(rank);
    ranks.count_outside_wait();
    if (awaited.continue_with(*this)) return true;
    ranks.withdraw_outside_wait();
    return false;
}

void rank_continuation::resume_waiter() noexcept { ranks_->wake_from_outside(rank_); }

} // namespace spmd::detail
