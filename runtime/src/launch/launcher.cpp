#include <spmd/detail/launch/launcher.hpp>

#include "launch/on_thread.hpp"

#include <spmd/detail/base/clock.hpp>
#include <spmd/detail/launch/costs.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace spmd::detail {
namespace {

using clock = std::chrono::steady_clock;

/// Time for which a finished index may go unseen by a caller that waits for it.
constexpr std::chrono::milliseconds unseen_at_most{1};
/// A caller that runs a job alone checks the clock at least this many times.
constexpr std::size_t looks_at_clock = 8;
/// A caller that waits for one index of a job with a work source runs its share in this many ranges.
constexpr std::size_t ranges_while_waiting = 8;

} // namespace

void launcher::take_part(job& work) {
    begin_joined(work);
    work.take_part();
}

void launcher::begin_joined(job& work) {
    if (work.start() && work.count() > 1 && topology().threads() > 1) {
        if (!work.cost().is_small(work.count()))
            recruit(work, demand::beside_caller);
        else if (!work.has_source())
            run_alone_at_first(work);
    }
}

void launcher::join(job& work) {
    if (task_stack* const small = task_stack::here()) return small->join(*this, work);
    join_here(work);
}

void launcher::join_until(job& work, std::size_t index) {
    on_thread([&] { join_here_until(work, index); });
}

bool launcher::wait_until(job& work, clock::time_point deadline) {
    bool finished = false;
    on_thread([&] { finished = wait_here_until(work, deadline); });
    return finished;
}

void launcher::join_here(job& work) {
    begin_joined(work);
    if (!work.has_source()) {
        work.take_part();
        return work.wait([&] { return work.finished(); });
    }
    work.join_in();
    while (!work.finished()) {
        work.take_part();
        work.wait([&] { return work.finished() || work.is_claimable(); });
    }
    work.leave();
}

void launcher::run_alone_at_first(job& work) {
    const auto begin = rough_time();
    const std::size_t unseen = std::max<std::size_t>(work.count() / looks_at_clock, 1);
    std::chrono::nanoseconds elapsed{};
    std::size_t done = 0;
    std::size_t next_look = 1;
    while (elapsed < costs::worth_waking) {
        const std::size_t size = work.chunk() != 0 ? work.chunk() : next_look - done;
        const index_range range = work.claim(size);
        work.run_claimed(range);
        done += range.size();
        if (done < next_look && !range.empty()) continue;
        elapsed = rough_time() - begin;
        next_look = done + unseen; // after the first index, which shows whether the cost is as before
        if (done == work.count() || range.empty()) break;
    }
    if (done < work.count())
        recruit(work, demand::beside_caller);
    else
        work.cost().observe(elapsed, done);
}

void launcher::join_here_until(job& work, std::size_t index) {
    start(work);
    if (work.has_source()) return run_until_done(work, index);
    if (const index_range range = work.claim_up_to(index); !range.empty()) work.run_claimed(range);
    // Later indices are not run meanwhile: one of them may wait until this one's result was seen.
    const auto is_done = [&] { return work.is_done(index); };
    if (completion::spin(is_done)) return;
    // Between two indices of a range a worker polls the flags without a fence, and may miss a waiter that is
    // about to sleep: the waiter looks again.
    while (!work.wait_for_index(clock::now() + unseen_at_most, is_done)) {
    }
}

void launcher::run_until_done(job& work, std::size_t index) const {
    // Any other index may be what this one waits for.
    const std::size_t some = work.count() / (ranges_while_waiting * topology().threads()) + 1;
    while (!work.is_done(index)) {
        if (const index_range range = work.claim(some); !range.empty())
            work.run_claimed(range);
        else
            work.wait_for_index(clock::now() + unseen_at_most,
                                [&] { return work.is_done(index) || work.is_claimable(); });
    }
}

bool launcher::wait_here_until(job& work, clock::time_point deadline) {
    start(work);
    const auto is_finished = [&] { return work.finished(); };
    if (work.wait_until(deadline, is_finished)) return true;
    // Within a task there may be no other thread left to run the job: a caller that polls makes progress.
    if (job::inside())
        if (const index_range range = work.claim(1); !range.empty()) work.run_claimed(range);
    return work.finished();
}

} // namespace spmd::detail
