#include <spmd/detail/ranks/rank_scheduler.hpp>

#include "ranks/quiescence.hpp"

#include <spmd/detail/base/clock.hpp>
#include <spmd/detail/launch/costs.hpp>
#include <spmd/detail/launch/launcher.hpp>
#include <spmd/detail/ranks/rank_worker.hpp>

#include <algorithm>
#include <system_error>
#include <thread>
#include <utility>

namespace spmd::detail {
namespace {

/// One of this many claims begins elsewhere than at the thread's own queue, so that a busy queue starves
/// nobody.
constexpr std::size_t claims_per_round = 16;
/// One in this many of such claims looks into all arenas: where ranks poll, a thread never runs out of ranks
/// of its own arena, and the threads of another may have left.
constexpr std::size_t rounds_per_tour = 16;
/// Upper bounds on recorded arrival times and on recorded collectives per broadcast.
constexpr std::size_t most_recorded_arrivals = std::size_t{1} << 24;
constexpr std::size_t most_recorded_collectives = std::size_t{1} << 20;

} // namespace

rank_scheduler::rank_scheduler(tracked_job& owner, rank_program& program, const group& ranks)
    : owner_(&owner), program_(&program), launcher_(ranks.pool->launch.get()), count_(ranks.size),
      threads_(ranks.pool->threads), intervals_(owner.intervals_to_fill()), traced_(owner.traced()),
      records_(count_), active_(count_), queues_(ranks.shares, threads_) {}

rank_scheduler::~rank_scheduler() = default;

std::exception_ptr rank_scheduler::error_of_ended(std::size_t rank) const {
    return owner_->state(rank) == task_state::done ? nullptr : owner_->error_of(rank);
}

void rank_scheduler::forget_failures() noexcept { quiescence_.reset(); }

std::vector<std::size_t> rank_scheduler::resolve_halt() {
    ++halts_;
    if (quiescence_ == nullptr)
        quiescence_ = std::make_unique<quiescence>(*this, std::span(&records_[0], count_));
    return quiescence_->resolve(timed_.load(std::memory_order_relaxed) != 0);
}

index_range rank_scheduler::claim(std::size_t most) noexcept {
    open_first_wave();
    return queues_.claim(most);
}

void rank_scheduler::run_claimed(index_range range) noexcept { rank_worker(*this).run(range, false); }

void rank_scheduler::run_part(std::size_t arena, const std::function<void()>* on_first,
                              const std::function<bool()>& is_crowded) noexcept {
    rank_worker me(*this);
    const std::size_t home = queues_.home_in(arena);
    std::size_t claims = 0;
    index_range range;
    if (owner_->cost().is_small(count_) || threads_ == 1) {
        if (!opened_.exchange(true)) range = {0, count_};
    } else {
        open_first_wave();
    }
    for (;;) {
        const bool begins_at_home = ++claims % claims_per_round != 0;
        const std::size_t round = claims / claims_per_round;
        const bool stays = begins_at_home || round % rounds_per_tour != 0;
        const std::size_t first = begins_at_home ? home : (stays ? round : round / rounds_per_tour);
        if (range.empty() && queues_.may_have_ready())
            range = queues_.claim_near(first, stays ? arena : any_arena, worth_claiming());
        if (range.empty()) {
            if (wait_for_ready(arena)) continue;
            // Before leaving, what no thread of another arena may be there for.
            if (queues_.may_have_ready()) range = queues_.claim_near(home, any_arena, worth_claiming());
            if (range.empty()) return;
        }
        if (on_first != nullptr) (*std::exchange(on_first, nullptr))();
        me.run(range, true);
        range = {};
        if (is_crowded()) return;
    }
}

std::size_t rank_scheduler::worth_claiming() const noexcept {
    const std::uint64_t wave = wave_cost_.load(std::memory_order_relaxed);
    return wave == 0 ? 1 : static_cast<std::size_t>(costs::worth_claiming.count()) * count_ / wave + 1;
}

bool rank_scheduler::wait_for_ready(std::size_t arena) noexcept {
    searching_.fetch_add(1, std::memory_order_relaxed);
    bool found = false;
    for (int look = 0; look < costs::looks_before_leaving && !found; ++look) {
        if (ended_.load(std::memory_order_relaxed) == count_) break;
        relax();
        found = queues_.has_ready_in(arena);
    }
    searching_.fetch_sub(1, std::memory_order_relaxed);
    return found;
}

void rank_scheduler::open_first_wave() noexcept {
    if (!opened_.exchange(true)) queues_.add({0, count_});
}

void rank_scheduler::spread(index_range ranks) {
    queues_.add(ranks);
    if (owner_->threads_taking_part() < std::min(threads_, ranks.size() + 1)) recruit_more();
}

void rank_scheduler::recruit_more() noexcept {
    launcher_->recruit_more(*owner_);
    owner_->wake_waiters();
}

void rank_scheduler::wake_from_outside(std::size_t rank) noexcept {
    // Counted as active, and the job shared, while the rank is woken: so the job, its pool and its launcher
    // stay.
    owner_->reference();
    const job_pointer<job> held(owner_);
    active_.fetch_add(1, std::memory_order_relaxed);
    make_ready_from_outside(rank);
    end_waking();
}

void rank_scheduler::wake_by_deadline(std::size_t rank) noexcept {
    owner_->reference();
    const job_pointer<job> held(owner_);
    active_.fetch_add(1, std::memory_order_relaxed);
    make_ready_from_outside(rank);
    std::size_t active = active_.load(std::memory_order_relaxed);
    do {
        if (active - 1 != timed_.load(std::memory_order_relaxed)) continue;
        // All ranks have run meanwhile. Ending the job may call what others wrote: not on this thread, on
        // which all deadlines depend.
        const auto end = [this] {
            const job_pointer<job> also_held(owner_);
            end_waking();
        };
        owner_->reference();
        try {
            std::thread(end).detach();
        } catch (const std::system_error&) {
            end();
        }
        return;
    } while (!active_.compare_exchange_weak(active, active - 1, std::memory_order_acq_rel));
}

void rank_scheduler::make_ready_from_outside(std::size_t rank) noexcept {
    rank_worker(*this).trace_woken(1);
    queues_.add({rank, rank + 1});
    if (has_idle_threads()) recruit_more();
}

void rank_scheduler::end_waking() noexcept {
    rank_worker here(*this);
    here.only_wakes_ = true;
    here.count_off(1);
}

void rank_scheduler::record_collective(collective_times times) {
    const std::lock_guard lock(times_mutex_);
    if (collectives_.size() == most_recorded_collectives) return;
    if (recorded_arrivals_ + times.waited.size() > most_recorded_arrivals) {
        times.waited = {};
        times.ranks = {};
    }
    recorded_arrivals_ += times.waited.size();
    collectives_.push_back(std::move(times));
}

std::vector<collective_times> rank_scheduler::recorded_collectives() const {
    const std::lock_guard lock(times_mutex_);
    return collectives_;
}

} // namespace spmd::detail
