#include <spmd/detail/ranks/rank_worker.hpp>

#include "ranks/quiescence.hpp"

#include <spmd/detail/base/clock.hpp>
#include <spmd/detail/launch/costs.hpp>
#include <spmd/detail/ranks/deadline.hpp>
#include <spmd/detail/ranks/joint_wait.hpp>
#include <spmd/detail/trace/stopwatch.hpp>
#include <spmd/error.hpp>

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <string>
#include <utility>

namespace spmd::detail {
namespace {

using std::chrono::nanoseconds;

/// A worker checks the clock this many times per range, and at least once per 64 ranks.
constexpr std::size_t looks_per_range = 8;
constexpr std::size_t most_between_looks = 64;

constexpr std::uint64_t in_ns(nanoseconds time) noexcept { return static_cast<std::uint64_t>(time.count()); }

} // namespace

[[gnu::noinline]] rank_worker& rank_worker::running(const communicator& peers, std::size_t id) {
    rank_worker* const here = here_;
    if (here == nullptr || here->ranks_ != &peers.ranks() || here->rank_ != peers.index_of(id)) {
        std::string text = "rank ";
        text += std::to_string(id);
        text +=
            " does not run on this thread: only its own coroutine can call its collectives, send and receive";
        throw std::logic_error(text);
    }
    if (here->ranks_->is_stopped()) throw cancelled_error("cancelled: a stop was requested");
    return *here;
}

// Running ranks

void rank_worker::run(index_range range, bool whole_waves) noexcept {
    while (!range.empty()) {
        const nanoseconds begin = rough_time();
        is_running_ = true;
        const std::size_t ran = ranks_->traced_.log == nullptr ? run_each(range) : run_traced(range);
        is_running_ = false;
        const nanoseconds spent = rough_time() - begin;
        if (ran < range.size()) {
            const std::uint64_t cost = in_ns(spent) * ranks_->count_ / ran;
            if (cost > ranks_->wave_cost_.load(std::memory_order_relaxed))
                ranks_->wave_cost_.store(cost, std::memory_order_relaxed);
            ranks_->spread({range.first + ran, range.last});
        }
        if (ranks_->quiescence_ != nullptr) [[unlikely]]
            ranks_->quiescence_->ran({range.first, range.first + ran});
        range = settle(ran, spent, whole_waves);
    }
}

std::size_t rank_worker::run_traced(index_range range) noexcept {
    trace_event part{.kind = trace_kind::range,
                     .submission = ranks_->traced_.number,
                     .subject = range.first,
                     .begin = trace_ticks()};
    last_traced_ = part.begin;
    part.count = run_each(range);
    part.end = trace_ticks();
    ranks_->traced_.log->record(part);
    return part.count;
}

std::size_t rank_worker::run_each(index_range range) noexcept {
    rank_scheduler& ranks = *ranks_;
    const job::task_mark running;
    const nanoseconds begin = rough_time();
    const bool observed = ranks.is_timed() || ranks.traced_.log != nullptr;
    const std::size_t between =
        std::clamp<std::size_t>(range.size() / looks_per_range, 1, most_between_looks);
    std::size_t next_look = range.first + 1; // the first alone shows whether the cost is as before
    for (std::size_t rank = range.first; rank < range.last;) {
        if (observed)
            for (; rank < next_look; ++rank) step_observed(rank);
        else
            for (; rank < next_look; ++rank) step(rank);
        next_look = std::min(rank + between, range.last);
        if (ranks.searching_.load(std::memory_order_relaxed) != 0) publish();
        if (rank < range.last && ranks.threads_ > 1 && rough_time() - begin > costs::patience)
            return rank - range.first;
    }
    return range.size();
}

inline void rank_worker::step(std::size_t rank) noexcept {
    rank_ = rank;
    record_ = &records_[rank];
    if (record_->is_started()) [[likely]]
        record_->resume();
    else if (!start(rank))
        return;
    if (at_end_) [[unlikely]]
        end(rank);
}

bool rank_worker::start(std::size_t rank) noexcept {
    rank_scheduler& ranks = *ranks_;
    if (ranks.is_stopped()) {
        ranks.owner_->skip({rank, rank + 1});
        ++ended_;
        return false;
    }
    try {
        ranks.program_->make(rank).resume();
    } catch (...) {
        ranks.program_->end(rank, {});
        ++ended_;
        return false;
    }
    return true;
}

void rank_worker::end(std::size_t rank) noexcept {
    records_[rank].end();
    ranks_->program_->end(rank, std::exchange(at_end_, nullptr));
    ++ended_;
}

// Timing and traces

void rank_worker::step_observed(std::size_t rank) noexcept {
    trace_log* const log = ranks_->traced_.log;
    const trace_span running(log, log != nullptr ? part_of(rank) : trace_event(), last_traced_);
    if (ranks_->is_timed())
        step_timed(rank);
    else
        step(rank);
}

void rank_worker::step_timed(std::size_t rank) noexcept {
    const bool starts = !records_[rank].is_started();
    interval part;
    {
        const stopwatch running(ranks_->owner_->submitted(), part);
        step(rank);
    }
    // Another thread may resume the rank by now, and finish before this one gets here.
    interval& whole = ranks_->intervals_[rank];
    if (starts) whole.begin = part.begin;
    const std::atomic_ref cpu(whole.cpu);
    for (nanoseconds sum = cpu.load(); !cpu.compare_exchange_weak(sum, sum + part.cpu);) {
    }
    const std::atomic_ref end(whole.end);
    for (nanoseconds last = end.load(); last < part.end && !end.compare_exchange_weak(last, part.end);) {
    }
    std::atomic_ref(whole.thread).store(part.thread, std::memory_order_relaxed);
}

trace_event rank_worker::part_of(std::size_t rank) const noexcept {
    trace_event part{.kind = trace_kind::task, .submission = ranks_->traced_.number, .subject = rank};
    const wait_record& record = records_[rank];
    if (!record.is_started()) return part;
    part.where = record.where();
    if (record.has_failed())
        part.operation = "failed wait";
    else if (record.waits_for_job())
        part.operation = "submission";
    else if (record.yields())
        part.operation = "yield";
    else if (const receiver* const receive = record.awaited_message())
        part.operation = receive->name();
    else if (const joint_wait* const joint = record.awaited_jointly())
        part.operation = joint->name();
    else
        part.operation = record.awaited_collective().requested().kind->name;
    return part;
}

void rank_worker::trace_woken(std::size_t ranks) const noexcept {
    const traced_submission& traced = ranks_->traced_;
    if (traced.log == nullptr || ranks == 0) return;
    const std::uint64_t now = trace_ticks();
    traced.log->record(
        {.kind = trace_kind::woken, .submission = traced.number, .count = ranks, .begin = now, .end = now});
}

void rank_worker::record_times(const communicator& peers) {
    std::vector<nanoseconds> arrivals = collective_->take_times();
    collective_times times;
    times.operation = collective_->requested().kind->name;
    times.where = collective_->first_where();
    const auto [first, last] = std::ranges::minmax_element(arrivals);
    times.first = *first;
    times.last = *last;
    times.straggler = peers.index_of(static_cast<std::size_t>(last - arrivals.begin()));
    times.ranks.reserve(peers.shared ? peers.size : 0);
    if (peers.shared)
        for (std::size_t id = 0; id < peers.size; ++id) times.ranks.push_back(peers.index_of(id));
    for (nanoseconds& arrival : arrivals) arrival = times.last - arrival;
    times.waited = std::move(arrivals);
    ranks_->record_collective(std::move(times));
}

// After a range: what becomes ready, and who runs it

index_range rank_worker::settle(std::size_t ran, nanoseconds spent, bool whole_waves) noexcept {
    rank_scheduler& ranks = *ranks_;
    if (left_ != nullptr)
        publish_leaves(); // first: a rank that the arrivals wake finds retired what all have left before
    publish_arrivals();
    if (ended_ > 0) ranks.ended_.fetch_add(std::exchange(ended_, 0), std::memory_order_relaxed);
    const bool wave = std::exchange(all_woken_, false);
    trace_woken(wave ? ranks.count_ : woken_.size());
    const bool alone = whole_waves && is_best_alone(wave, spent, ran);
    if (alone && wave) {
        woken_.clear();
        ranks.active_.fetch_add(ranks.count_ - ran, std::memory_order_relaxed);
        return {0, ranks.count_};
    }
    // Not while others are ready, which it would keep from running.
    if (alone && woken_.size() == 1 && !ranks.queues_.may_have_ready()) {
        const std::size_t rank = woken_[0];
        woken_.clear();
        ranks.active_.fetch_sub(ran - 1, std::memory_order_release);
        return {rank, rank + 1};
    }
    // The range that ran stays counted until all is published, so the scheduler cannot end meanwhile.
    if (wave) {
        woken_.clear();
        ranks.active_.fetch_add(ranks.count_, std::memory_order_relaxed);
        ranks.spread({0, ranks.count_});
    } else if (!woken_.empty()) {
        ranks.active_.fetch_add(woken_.size(), std::memory_order_relaxed);
        queue_woken();
    }
    count_off(ran);
    return {};
}

bool rank_worker::is_best_alone(bool wave, nanoseconds spent, std::size_t ran) noexcept {
    rank_scheduler& ranks = *ranks_;
    if (ranks.threads_ == 1) return true;
    std::uint64_t cost = ranks.wave_cost_.load(std::memory_order_relaxed);
    if (wave) {
        const std::uint64_t last = in_ns(spent) + ranks.wave_spent_.exchange(0, std::memory_order_relaxed);
        cost = std::max({last, cost / 2, std::uint64_t{1}});
        ranks.wave_cost_.store(cost, std::memory_order_relaxed);
        return ranks.wave_estimate_.next(opened_at_, last) < in_ns(costs::worth_sharing);
    }
    if (ran < ranks.count_) ranks.wave_spent_.fetch_add(in_ns(spent), std::memory_order_relaxed);
    const std::uint64_t whole = in_ns(spent) * ranks.count_ / std::max<std::size_t>(ran, 1);
    if (whole > cost || cost == 0)
        ranks.wave_cost_.store(std::max<std::uint64_t>(whole, 1), std::memory_order_relaxed);
    return ranks.searching_.load(std::memory_order_relaxed) == 0;
}

void rank_worker::count_off(std::size_t ran) noexcept {
    rank_scheduler& ranks = *ranks_;
    for (;;) {
        const std::size_t left = ranks.active_.fetch_sub(ran, std::memory_order_acq_rel) - ran;
        if (left != ranks.timed_.load(std::memory_order_relaxed)) [[likely]]
            return;
        if (!(left == 0 ? resolve_halt() : resolve_timed_halt())) return;
        trace_woken(woken_.size());
        queue_woken();
        if (only_wakes_ && ranks.has_idle_threads()) ranks.recruit_more();
        ran = 1;
    }
}

bool rank_worker::resolve_halt() noexcept {
    rank_scheduler& ranks = *ranks_;
    if (ranks.ended_.load(std::memory_order_relaxed) == ranks.count_) {
        tracked_job& owner = *ranks.owner_;
        owner.cost().observe(nanoseconds(ranks.wave_cost_.load(std::memory_order_relaxed)), ranks.count_);
        owner.end_indices(ranks.count_);
        return false;
    }
    woken_ = ranks.resolve_halt();
    ranks.active_.store(woken_.size() + 1, std::memory_order_relaxed);
    return true;
}

bool rank_worker::resolve_timed_halt() noexcept {
    rank_scheduler& ranks = *ranks_;
    const std::unique_lock held = deadline::hold_all();
    // Looks again: a deadline may have passed, and another thread may have come here first.
    const std::size_t timed = ranks.timed_.load(std::memory_order_relaxed);
    if (timed == 0 || ranks.active_.load(std::memory_order_acquire) != timed) return false;
    woken_ = ranks.resolve_halt();
    if (woken_.empty()) return false;
    ranks.active_.fetch_add(woken_.size() + 1, std::memory_order_relaxed);
    return true;
}

void rank_worker::queue_woken() noexcept {
    rank_scheduler& ranks = *ranks_;
    for (std::size_t i = 0; i < woken_.size();) {
        std::size_t end = i + 1;
        while (end < woken_.size() && woken_[end] == woken_[end - 1] + 1) ++end;
        ranks.queues_.add({woken_[i], woken_[end - 1] + 1});
        i = end;
    }
    const std::uint64_t each = ranks.wave_cost_.load(std::memory_order_relaxed) / ranks.count_;
    if (woken_.size() * each > in_ns(costs::worth_recruiting) && ranks.has_idle_threads())
        ranks.recruit_more();
    woken_.clear();
}

void rank_worker::publish() noexcept {
    if (arrivals_ > 0 && collective_->peers().shared) publish_arrivals();
    if (woken_.empty()) return;
    trace_woken(woken_.size());
    ranks_->active_.fetch_add(woken_.size(), std::memory_order_relaxed);
    queue_woken();
}

void rank_worker::wake(std::size_t rank) {
    woken_.push_back(rank);
    const std::uint64_t wave = ranks_->wave_cost_.load(std::memory_order_relaxed);
    const bool may_take_long = wave == 0 || wave > in_ns(costs::worth_publishing) * ranks_->count_;
    if (may_take_long || ranks_->searching_.load(std::memory_order_relaxed) != 0) publish();
}

// Arrivals at collectives, and leaves

collective& rank_worker::look_up(communicator& peers, std::size_t id, const request& requested,
                                 const std::source_location& where) {
    rank_worker& here = running(peers, id);
    std::uint32_t& number = peers.next_number(id);
    here.publish_arrivals();
    here.collective_ = &peers.collective_for(number, requested, where);
    here.communicator_ = &peers;
    here.number_ = number;
    here.begin_ = id / collective::leaf_size * collective::leaf_size;
    here.length_ = collective::leaf_size;
    if (here.ranks_->is_timed()) {
        here.collective_->arrived_at(id, here.ranks_->since_submission());
        here.length_ = 0; // so that each arrival is looked up
    }
    ++number;
    return *here.collective_;
}

void rank_worker::publish_arrivals() noexcept {
    const std::uint32_t arrivals = std::exchange(arrivals_, 0);
    length_ = 0;
    if (arrivals == 0 || ranks_->is_stopped()) return; // a stop completes no collective
    if (!collective_->arrive(begin_ / collective::leaf_size, arrivals)) return;
    communicator& peers = collective_->peers();
    if (ranks_->is_timed()) [[unlikely]]
        record_times(peers);
    bool everyone = false;
    const std::vector<std::size_t> waiting = collective_->complete(everyone);
    if (!everyone) {
        woken_.insert(woken_.end(), waiting.begin(), waiting.end());
    } else if (!peers.shared) {
        all_woken_ = true;
        opened_at_ = collective_->first_where();
    } else {
        for (std::size_t id = 0; id < peers.size; ++id) woken_.push_back(peers.index_of(id));
    }
}

void rank_worker::publish_leaves() noexcept {
    leave_anywhere(*std::exchange(left_, nullptr), std::exchange(leaves_, 0));
}

void rank_worker::leave_anywhere(collective& left, std::size_t count) noexcept {
    if (left.leave(count)) left.peers().retire(left);
}

void rank_worker::leave_another(collective& left) noexcept {
    if (left.peers().shared) return leave_anywhere(left, 1); // it may go with the rank's handle on the group
    if (left_ != nullptr) publish_leaves();
    left_ = &left;
    leaves_ = 1;
}

} // namespace spmd::detail
