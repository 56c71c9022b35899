#include <spmd/detail/ranks/rank_scheduler.hpp>

#include <spmd/detail/base/clock.hpp>
#include <spmd/detail/base/describe.hpp>
#include <spmd/detail/base/thread_number.hpp>
#include <spmd/detail/ranks/rank_result_awaiter.hpp>
#include <spmd/detail/ranks/rank_worker.hpp>
#include <spmd/detail/trace/stopwatch.hpp>
#include <spmd/error.hpp>

#include <algorithm>
#include <iterator>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>

namespace spmd::detail {
namespace {

using std::chrono::nanoseconds;

/// A wave below this is run by one thread: telling others, and their misses, cost more than they take off.
constexpr nanoseconds worth_sharing{6'000};
/// A thread that has run a range for so long leaves what is left to others.
constexpr nanoseconds patience{50'000};
/// A thread claims at least as many ranks as take so long: a claim costs 50 ns.
constexpr nanoseconds worth_claiming{2'000};
/// Ranks that take longer than this are told to others as soon as they are ready.
constexpr nanoseconds worth_telling{10'000};
/// How often a thread without work looks for some before it leaves: about 20 µs.
constexpr int looks_before_leaving = 600;
/// A running thread looks at the clock after each this part of a range.
constexpr std::size_t looks_per_range = 8;
constexpr std::size_t most_between_looks = 64;
/// What a thread claims of what is left at its own place, and at another's.
constexpr std::size_t part_of_own = 2;
constexpr std::size_t part_of_others = 4;
/// One of so many claims begins at another place than the thread's own.
constexpr std::size_t claims_per_round = 16;
/// A place's list forgets the ranges before its first when there are so many, and more than half.
constexpr std::size_t most_claimed_kept = 64;
/// Of how many arrivals the times are kept, in all collectives of a broadcast.
constexpr std::size_t most_kept_arrivals = std::size_t{1} << 24;
/// Of how many collectives anything is kept.
constexpr std::size_t most_kept_collectives = std::size_t{1} << 20;
/// How many places a deadlock's report names.
constexpr std::size_t most_places_named = 8;

std::uint64_t in_ns(nanoseconds time) noexcept { return static_cast<std::uint64_t>(time.count()); }

} // namespace

rank_scheduler::rank_scheduler(std::span<const placed_range> shares, std::size_t count, std::size_t threads,
                               cost_estimate& cost, const run_flags& flags, std::span<interval> intervals,
                               std::chrono::steady_clock::time_point submitted,
                               const traced_submission& traced)
    : count_(count), threads_(threads), timed_(!intervals.empty()), cost_(&cost), flags_(&flags),
      submitted_(submitted), intervals_(intervals), traced_(traced), records_(count), active_(count) {
    // Each arena's ranks in as many blocks as it is likely to have threads.
    const std::size_t each = std::max<std::size_t>(threads / std::max<std::size_t>(shares.size(), 1), 1);
    queues_ = std::make_unique<ready_queue[]>(each * std::max<std::size_t>(shares.size(), 1));
    for (const placed_range& share : shares) {
        for (std::size_t i = 0; i < each; ++i) {
            const index_range part = balanced(share.indices.size(), i, each);
            ready_queue& next = queues_[queue_count_++];
            next.block = {share.indices.first + part.first, share.indices.first + part.last};
            next.arena = share.arena;
        }
    }
}

rank_scheduler::ready_queue* rank_scheduler::queue_in(std::size_t arena) noexcept {
    const std::size_t me = thread_number() + 1; // 0 is nobody
    for (std::size_t i = 0; i < queue_count_; ++i)
        if (queues_[i].owner.load(std::memory_order_relaxed) == me) return &queues_[i];
    for (std::size_t i = 0; i < queue_count_; ++i) {
        std::size_t nobody = 0;
        if (arena != job::any_arena && queues_[i].arena != arena) continue;
        if (queues_[i].owner.compare_exchange_strong(nobody, me, std::memory_order_relaxed))
            return &queues_[i];
    }
    return &queues_[me % queue_count_];
}

rank_scheduler::ready_queue& rank_scheduler::queue_of(std::size_t rank) noexcept {
    const std::span all(queues_.get(), queue_count_);
    const auto after =
        std::ranges::upper_bound(all, rank, {}, [](const ready_queue& each) { return each.block.first; });
    return *std::prev(after);
}

index_range rank_scheduler::claim_at(ready_queue& from, std::size_t least, std::size_t part) noexcept {
    if (from.ranges.load(std::memory_order_relaxed) == 0) return {};
    const std::lock_guard lock(from.mutex);
    if (from.first == from.ready.size()) return {};
    index_range& next = from.ready[from.first];
    const index_range claimed{next.first,
                              next.first + std::min(std::max(least, next.size() / part), next.size())};
    next.first = claimed.last;
    if (next.empty()) {
        ++from.first;
        if (from.first == from.ready.size()) {
            from.ready.clear();
            from.first = 0;
        }
        from.ranges.fetch_sub(1, std::memory_order_relaxed);
        queued_.fetch_sub(1);
    }
    return claimed;
}

std::size_t rank_scheduler::usual_claim() const noexcept {
    const std::uint64_t wave = wave_cost_.load(std::memory_order_relaxed);
    return static_cast<std::size_t>(in_ns(worth_claiming) * count_ / std::max<std::uint64_t>(wave, 1)) + 1;
}

index_range rank_scheduler::claim_near(std::size_t home, std::size_t arena) noexcept {
    if (queued_.load(std::memory_order_relaxed) == 0) return {};
    const std::size_t least = wave_cost_.load(std::memory_order_relaxed) == 0 ? 1 : usual_claim();
    for (std::size_t i = 0; i < queue_count_; ++i) {
        ready_queue& from = queues_[(home + i) % queue_count_];
        if (arena != job::any_arena && from.arena != arena) continue;
        const index_range range = claim_at(from, least, i == 0 ? part_of_own : part_of_others);
        if (!range.empty()) return range;
    }
    return {};
}

index_range rank_scheduler::claim(std::size_t most) noexcept {
    open_first_wave();
    for (std::size_t i = 0; i < queue_count_; ++i)
        if (const index_range range = claim_at(queues_[i], most, ~std::size_t{0}); !range.empty())
            return range;
    return {};
}

void rank_scheduler::make_ready(ready_queue& at, index_range ranks) {
    const std::lock_guard lock(at.mutex);
    if (!at.ready.empty() && at.ready.back().last == ranks.first && at.first < at.ready.size()) {
        at.ready.back().last = ranks.last;
        return;
    }
    if (at.first > most_claimed_kept && at.first > at.ready.size() / 2) {
        at.ready.erase(at.ready.begin(), at.ready.begin() + static_cast<std::ptrdiff_t>(at.first));
        at.first = 0;
    }
    at.ready.push_back(ranks);
    at.ranges.fetch_add(1, std::memory_order_relaxed);
    queued_.fetch_add(1);
}

void rank_scheduler::spread(index_range ranks) {
    for (std::size_t i = 0; i < queue_count_; ++i) {
        const index_range block = queues_[i].block;
        const index_range here{std::max(block.first, ranks.first), std::min(block.last, ranks.last)};
        if (here.first < here.last) make_ready(queues_[i], here);
    }
}

void rank_scheduler::spread_to_all(index_range ranks) {
    spread(ranks);
    if (threads_at_work() < std::min(threads_, ranks.size() + 1)) call_threads();
}

void rank_scheduler::open_first_wave() noexcept {
    if (!opened_.exchange(true)) spread({0, count_});
}

void rank_scheduler::run_once(index_range range) noexcept { rank_worker(*this).run(range, false); }

void rank_scheduler::run_ready(std::size_t arena, const std::function<void()>* on_first,
                               const std::function<bool()>& is_crowded) noexcept {
    rank_worker me(*this);
    const auto home = static_cast<std::size_t>(queue_in(arena) - queues_.get());
    std::size_t claims = 0;
    index_range range;
    if (cost_->is_small(count_) || threads_ == 1) {
        if (!opened_.exchange(true)) range = {0, count_};
    } else {
        open_first_wave();
    }
    for (;;) {
        // Elsewhere at times, or a busy place would keep a thread from another for ever.
        const bool at_home = ++claims % claims_per_round != 0;
        if (range.empty())
            range = claim_near(at_home ? home : claims / claims_per_round % queue_count_, arena);
        if (range.empty()) {
            if (wait_for_ready(arena)) continue;
            // Before it leaves it does what no thread of another arena may be there for.
            range = claim_near(home, job::any_arena);
            if (range.empty()) return;
        }
        if (on_first != nullptr) (*std::exchange(on_first, nullptr))();
        me.run(range, true);
        range = {};
        if (is_crowded()) return;
    }
}

bool rank_scheduler::has_ready_in(std::size_t arena) const noexcept {
    if (queued_.load(std::memory_order_relaxed) == 0) return false;
    return std::ranges::any_of(std::span(queues_.get(), queue_count_), [&](const ready_queue& each) {
        return (arena == job::any_arena || each.arena == arena) &&
               each.ranges.load(std::memory_order_relaxed) != 0;
    });
}

bool rank_scheduler::wait_for_ready(std::size_t arena) noexcept {
    searching_.fetch_add(1, std::memory_order_relaxed);
    bool found = false;
    for (int look = 0; look < looks_before_leaving && !found; ++look) {
        if (ended_.load(std::memory_order_relaxed) == count_) break;
        relax();
        found = has_ready_in(arena);
    }
    searching_.fetch_sub(1, std::memory_order_relaxed);
    return found;
}

std::uint64_t rank_scheduler::wave_estimate::next(std::size_t place, std::uint64_t last) noexcept {
    constexpr std::uint64_t weight = 8; // the mean forgets half in six waves
    std::uint64_t& mean = means_[std::exchange(opened_at_, place)];
    mean = std::max<std::uint64_t>(mean == 0 ? last : mean - mean / weight + last / weight, 1);
    return means_[place] == 0 ? last : means_[place];
}

void rank_scheduler::keep_collective(collective_times times) {
    const std::lock_guard lock(times_mutex_);
    if (collectives_.size() == most_kept_collectives) return;
    if (kept_arrivals_ + times.waited.size() > most_kept_arrivals) {
        times.waited = {};
        times.ranks = {};
    }
    kept_arrivals_ += times.waited.size();
    collectives_.push_back(std::move(times));
}

std::vector<collective_times> rank_scheduler::kept_collectives() const {
    const std::lock_guard lock(times_mutex_);
    return collectives_;
}

/// What has happened since ranks were told that they wait in vain. Where each that ends dooms just the next, as in a
/// ring, a halt need not look at all ranks: those that ran are enough, and those that wait for a message from them.
class rank_scheduler::wait_graph {
public:
    /// Looks at all who wait. Requires: no rank can run.
    void begin_with(const rank_scheduler& ranks) {
        first_waiter_.assign(ranks.count_, nobody);
        next_waiter_.assign(ranks.count_, nobody);
        later_waiters_.clear();
        ran_.clear();
        count_ran_ = 0;
        is_exact_ = true;
        for (std::size_t rank = 0; rank < ranks.count_ && is_exact_; ++rank) {
            if (ranks.has_ended(rank) || ranks.records_[rank].has_failed()) continue;
            const auto source = source_of(ranks, rank);
            is_exact_ = source.has_value();
            if (source) next_waiter_[rank] = std::exchange(first_waiter_[*source], rank);
        }
    }
    void ran(index_range range) {
        const std::lock_guard lock(mutex_);
        count_ran_ += range.size();
        is_exact_ = is_exact_ && count_ran_ <= first_waiter_.size();
        if (is_exact_) ran_.push_back(range);
    }
    /// Those who may wait in vain since the last halt; nothing where that can be any. Requires: no rank can run.
    std::optional<std::vector<std::size_t>> concerned(const rank_scheduler& ranks) {
        std::vector<std::size_t> all;
        for (const index_range range : std::exchange(ran_, {}))
            for (std::size_t rank = range.first; rank < range.last && is_exact_; ++rank)
                add_concerned_by(ranks, rank, all);
        count_ran_ = 0;
        return is_exact_ ? std::optional(std::move(all)) : std::nullopt;
    }

private:
    static constexpr std::size_t nobody = ~std::size_t{0};

    static std::optional<std::size_t> source_of(const rank_scheduler& ranks, std::size_t rank) {
        const receiver* const receive = ranks.records_[rank].awaited_message();
        return receive == nullptr ? std::nullopt : receive->awaited_rank();
    }
    void add_concerned_by(const rank_scheduler& ranks, std::size_t rank, std::vector<std::size_t>& all) {
        if (!ranks.has_ended(rank)) {
            const auto source = source_of(ranks, rank);
            is_exact_ = source.has_value();
            if (source) later_waiters_.emplace(*source, rank);
            all.push_back(rank);
            return;
        }
        for (std::size_t waiter = first_waiter_[rank]; waiter != nobody; waiter = next_waiter_[waiter])
            all.push_back(waiter);
        const auto [first, last] = later_waiters_.equal_range(rank);
        for (auto waiter = first; waiter != last; ++waiter) all.push_back(waiter->second);
    }

    // Who waited at the beginning, by whom they waited for; some may wait for others now, or have ended.
    std::vector<std::size_t> first_waiter_;
    std::vector<std::size_t> next_waiter_;
    std::unordered_multimap<std::size_t, std::size_t> later_waiters_;
    std::mutex mutex_;             // guards the rest while ranks run
    std::vector<index_range> ran_; // since the last halt
    std::size_t count_ran_ = 0;
    bool is_exact_ = false; // all wait for a message from a certain rank
};

rank_scheduler::~rank_scheduler() = default;

std::vector<std::size_t> rank_scheduler::resolve() {
    ++halt_;
    if (is_stopped())
        return notify_all(
            std::make_exception_ptr(cancelled_error("cancelled while it waited for other ranks")));
    if (wait_graph_ != nullptr) {
        if (const auto concerned = wait_graph_->concerned(*this)) {
            std::vector<std::size_t> told = notify_doomed(*concerned);
            if (!told.empty()) return told;
        }
    }
    std::vector<std::size_t> told = notify_doomed(std::views::iota(std::size_t{0}, count_));
    if (told.empty()) return notify_all(deadlock());
    if (wait_graph_ == nullptr) wait_graph_ = std::make_unique<wait_graph>();
    wait_graph_->begin_with(*this);
    return told;
}

template <class Ranks>
std::vector<std::size_t> rank_scheduler::notify_doomed(const Ranks& ranks) {
    std::vector<std::size_t> told;
    for (const std::size_t rank : ranks) {
        if (has_ended(rank) || records_[rank].has_failed()) continue;
        std::exception_ptr cause = cause_of(rank);
        if (cause == nullptr) continue;
        if (failures_.empty() || failures_.back() != cause) failures_.push_back(std::move(cause));
        tell(rank);
        told.push_back(rank);
    }
    return told;
}

std::vector<std::size_t> rank_scheduler::notify_all(std::exception_ptr failure) {
    std::vector<std::size_t> told;
    failures_.push_back(std::move(failure));
    for (std::size_t rank = 0; rank < count_; ++rank) {
        if (has_ended(rank)) continue;
        tell(rank);
        told.push_back(rank);
    }
    return told;
}

void rank_scheduler::tell(std::size_t rank) {
    wait_record& record = records_[rank];
    if (receiver* const receive = record.awaited_message())
        receive->give_up();
    else
        record.awaited_collective().give_up(failures_.back());
    record.fail(failures_.back());
}

std::exception_ptr rank_scheduler::cause_of(std::size_t rank) const {
    const receiver* const receive = records_[rank].awaited_message();
    return receive != nullptr ? receive->cause(records_[rank].where())
                              : records_[rank].awaited_collective().cause();
}

std::string rank_scheduler::operation_of(std::size_t rank) const {
    const receiver* const receive = records_[rank].awaited_message();
    return receive != nullptr ? receive->operation() : records_[rank].awaited_collective().asked().kind->name;
}

std::exception_ptr rank_scheduler::deadlock() const {
    std::vector<std::pair<std::string, index_ranges>> told;
    std::size_t elsewhere = 0;
    for (std::size_t rank = 0; rank < count_; ++rank) {
        std::string what;
        if (has_ended(rank)) {
            what = error_of_ended(rank) != nullptr ? " threw" : " returned";
        } else {
            what = ": ";
            what += operation_of(rank);
            what += " at ";
            what += text_of(records_[rank].where());
        }
        auto at = std::ranges::find(told, what, &std::pair<std::string, index_ranges>::first);
        if (at == told.end() && told.size() == most_places_named) {
            ++elsewhere;
            continue;
        }
        if (at == told.end()) {
            told.emplace_back(std::move(what), index_ranges());
            at = std::prev(told.end());
        }
        at->second.add(rank);
    }
    std::string text = "deadlock: no rank can run: ";
    for (std::size_t i = 0; i < told.size(); ++i) {
        if (i > 0) text += "; ";
        text += told[i].second.text("rank") + told[i].first;
    }
    if (elsewhere > 0) {
        text += "; and ";
        text += std::to_string(elsewhere);
        text += elsewhere == 1 ? " more rank elsewhere" : " more ranks elsewhere";
    }
    return std::make_exception_ptr(deadlock_error(text));
}

rank_worker& rank_worker::of(const communicator& of, std::size_t id) {
    rank_worker* const here = here_;
    if (here == nullptr || here->ranks_ != &of.ranks() || here->rank_ != of.index_of(id)) {
        std::string text = "rank ";
        text += std::to_string(id);
        text += " does not run here: a rank's collectives, send and receive are for its own coroutine";
        throw std::logic_error(text);
    }
    if (here->ranks_->is_stopped()) throw cancelled_error("cancelled: the broadcast was told to stop");
    return *here;
}

void rank_worker::run(index_range range, bool whole_waves) noexcept {
    while (!range.empty()) {
        const nanoseconds begin = rough_time();
        is_running_ = true;
        const std::size_t ran = run_traced(range);
        is_running_ = false;
        const nanoseconds spent = rough_time() - begin;
        if (ran < range.size()) {
            const std::uint64_t seen = in_ns(spent) * ranks_->count_ / ran;
            if (seen > ranks_->wave_cost_.load(std::memory_order_relaxed))
                ranks_->wave_cost_.store(seen, std::memory_order_relaxed);
            ranks_->spread_to_all({range.first + ran, range.last});
        }
        if (ranks_->wait_graph_ != nullptr) [[unlikely]]
            ranks_->wait_graph_->ran({range.first, range.first + ran});
        range = settle(ran, spent, whole_waves);
    }
}

std::size_t rank_worker::run_traced(index_range range) noexcept {
    trace_log* const log = ranks_->traced_.log;
    if (log == nullptr) [[likely]]
        return run_each(range);
    trace_event part{.kind = trace_kind::range,
                     .submission = ranks_->traced_.number,
                     .subject = range.first,
                     .begin = trace_ticks()};
    last_traced_ = part.begin;
    part.count = run_each(range);
    part.end = trace_ticks();
    log->record(part);
    return part.count;
}

std::size_t rank_worker::run_each(index_range range) noexcept {
    rank_scheduler& ranks = *ranks_;
    const job::task_mark running;
    const nanoseconds begin = rough_time();
    const std::size_t between =
        std::clamp<std::size_t>(range.size() / looks_per_range, 1, most_between_looks);
    std::size_t next_look = range.first + 1; // the first alone shows whether all is as usual
    for (std::size_t rank = range.first; rank < range.last;) {
        if (ranks.timed_ || ranks.traced_.log != nullptr)
            for (; rank < next_look; ++rank) step_observed(rank);
        else
            for (; rank < next_look; ++rank) step(rank);
        next_look = std::min(rank + between, range.last);
        if (ranks.searching_.load(std::memory_order_relaxed) != 0) publish();
        if (rank < range.last && ranks.threads_ > 1 && rough_time() - begin > patience)
            return rank - range.first;
    }
    return range.size();
}

inline void rank_worker::step(std::size_t rank) noexcept {
    rank_ = rank;
    if (const wait_record& record = records_[rank]; record.is_started()) [[likely]]
        record.resume();
    else if (!start(rank))
        return;
    if (at_end_) [[unlikely]]
        end(rank);
}

bool rank_worker::start(std::size_t rank) noexcept {
    rank_scheduler& ranks = *ranks_;
    if (ranks.is_stopped()) {
        ranks.skip({rank, rank + 1});
        ++ended_;
        return false;
    }
    try {
        ranks.make(rank).resume();
    } catch (...) {
        ranks.end(rank, {});
        ++ended_;
        return false;
    }
    return true;
}

void rank_worker::end(std::size_t rank) noexcept {
    records_[rank].end();
    ranks_->end(rank, std::exchange(at_end_, nullptr));
    ++ended_;
}

void rank_worker::step_observed(std::size_t rank) noexcept {
    trace_log* const log = ranks_->traced_.log;
    const trace_span running(log, log != nullptr ? part_of(rank) : trace_event(), last_traced_);
    if (ranks_->timed_)
        step_timed(rank);
    else
        step(rank);
}

trace_event rank_worker::part_of(std::size_t rank) const noexcept {
    trace_event part{.kind = trace_kind::task, .submission = ranks_->traced_.number, .subject = rank};
    const wait_record& record = records_[rank];
    if (!record.is_started()) return part;
    part.where = record.where();
    if (record.has_failed())
        part.operation = "what failed";
    else if (record.waits_for_job())
        part.operation = "submission";
    else if (record.awaited_message() != nullptr)
        part.operation = "receive";
    else
        part.operation = record.awaited_collective().asked().kind->name;
    return part;
}

void rank_worker::trace_woken(std::size_t ranks) const noexcept {
    const traced_submission& traced = ranks_->traced_;
    if (traced.log == nullptr || ranks == 0) return;
    const std::uint64_t now = trace_ticks();
    traced.log->record(
        {.kind = trace_kind::woken, .submission = traced.number, .count = ranks, .begin = now, .end = now});
}

void rank_worker::step_timed(std::size_t rank) noexcept {
    const bool starts = !records_[rank].is_started();
    interval part;
    {
        const stopwatch running(ranks_->submitted_, part);
        step(rank);
    }
    // Another thread may run the rank on by now, and end before this one gets here.
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

index_range rank_worker::settle(std::size_t ran, nanoseconds spent, bool whole_waves) noexcept {
    rank_scheduler& ranks = *ranks_;
    tell_leaves(); // first: who is woken by the arrivals finds gone what all have left before
    tell_arrivals();
    if (ended_ > 0) ranks.ended_.fetch_add(std::exchange(ended_, 0), std::memory_order_relaxed);
    const bool wave = std::exchange(all_woken_, false);
    trace_woken(wave ? ranks.count_ : woken_.size());
    const bool alone = whole_waves && is_best_alone(wave, spent, ran);
    if (alone && wave) {
        woken_.clear();
        ranks.active_.fetch_add(ranks.count_ - ran, std::memory_order_relaxed);
        return {0, ranks.count_};
    }
    // Where others are ready it would keep them from running.
    if (alone && woken_.size() == 1 && ranks.queued_.load(std::memory_order_relaxed) == 0) {
        const std::size_t rank = woken_[0];
        woken_.clear();
        ranks.active_.fetch_sub(ran - 1, std::memory_order_release);
        return {rank, rank + 1};
    }
    // By what ran, which is counted until all is told, the scheduler cannot end meanwhile.
    if (wave) {
        woken_.clear();
        ranks.active_.fetch_add(ranks.count_, std::memory_order_relaxed);
        ranks.spread_to_all({0, ranks.count_});
    } else if (!woken_.empty()) {
        ranks.active_.fetch_add(woken_.size(), std::memory_order_relaxed);
        queue_woken();
    }
    if (ranks.active_.fetch_sub(ran, std::memory_order_acq_rel) == ran) next_of_the_last();
    return {};
}

bool rank_worker::is_best_alone(bool wave, nanoseconds spent, std::size_t ran) noexcept {
    rank_scheduler& ranks = *ranks_;
    if (ranks.threads_ == 1) return true;
    std::uint64_t cost = ranks.wave_cost_.load(std::memory_order_relaxed);
    if (wave) {
        const std::uint64_t seen = in_ns(spent) + ranks.wave_spent_.exchange(0, std::memory_order_relaxed);
        cost = std::max({seen, cost / 2, std::uint64_t{1}});
        ranks.wave_cost_.store(cost, std::memory_order_relaxed);
        return ranks.wave_estimate_.next(opened_at_, seen) < in_ns(worth_sharing);
    }
    if (ran < ranks.count_) ranks.wave_spent_.fetch_add(in_ns(spent), std::memory_order_relaxed);
    const std::uint64_t seen = in_ns(spent) * ranks.count_ / std::max<std::size_t>(ran, 1);
    if (seen > cost || cost == 0)
        ranks.wave_cost_.store(std::max<std::uint64_t>(seen, 1), std::memory_order_relaxed);
    return ranks.searching_.load(std::memory_order_relaxed) == 0;
}

void rank_worker::next_of_the_last() noexcept {
    rank_scheduler& ranks = *ranks_;
    do {
        if (ranks.ended_.load(std::memory_order_relaxed) == ranks.count_) {
            ranks.cost_->observe(nanoseconds(ranks.wave_cost_.load(std::memory_order_relaxed)), ranks.count_);
            ranks.all_ended();
            return;
        }
        woken_ = ranks.resolve();
        trace_woken(woken_.size());
        ranks.active_.store(woken_.size() + 1,
                            std::memory_order_relaxed); // and this thread, until all is told
        queue_woken();
    } while (ranks.active_.fetch_sub(1, std::memory_order_acq_rel) == 1);
}

void rank_worker::queue_woken() noexcept {
    rank_scheduler& ranks = *ranks_;
    for (std::size_t i = 0; i < woken_.size();) {
        rank_scheduler::ready_queue& at = ranks.queue_of(woken_[i]);
        std::size_t end = i + 1;
        while (end < woken_.size() && woken_[end] == woken_[end - 1] + 1 && woken_[end] < at.block.last)
            ++end;
        ranks.make_ready(at, {woken_[i], woken_[end - 1] + 1});
        i = end;
    }
    const std::uint64_t each = ranks.wave_cost_.load(std::memory_order_relaxed) / ranks.count_;
    if (woken_.size() * each > in_ns(worth_sharing) / 2 && ranks.threads_at_work() < ranks.threads_)
        ranks.call_threads();
    woken_.clear();
}

void rank_scheduler::wake_from_outside(std::size_t rank) noexcept {
    // Counted as active while it wakes the rank, so that the job, its pool and its launcher stay until all is done.
    const job_pointer<job> held = share();
    active_.fetch_add(1, std::memory_order_relaxed);
    rank_worker here(*this);
    here.trace_woken(1);
    make_ready(queue_of(rank), {rank, rank + 1});
    if (threads_at_work() < threads_) call_threads();
    if (active_.fetch_sub(1, std::memory_order_acq_rel) == 1) here.next_of_the_last();
}

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

void rank_continuation::go_on() noexcept { ranks_->wake_from_outside(rank_); }

void rank_worker::publish() noexcept {
    if (arrivals_ > 0 && collective_->of().shared) tell_arrivals();
    if (woken_.empty()) return;
    trace_woken(woken_.size());
    ranks_->active_.fetch_add(woken_.size(), std::memory_order_relaxed);
    queue_woken();
}

void rank_worker::wake(std::size_t rank) {
    woken_.push_back(rank);
    const std::uint64_t wave = ranks_->wave_cost_.load(std::memory_order_relaxed);
    const bool may_take_long = wave == 0 || wave > in_ns(worth_telling) * ranks_->count_;
    if (may_take_long || ranks_->searching_.load(std::memory_order_relaxed) != 0) publish();
}

collective& rank_worker::look_up(communicator& at, std::size_t id, const request& asked,
                                 const std::source_location& where) {
    rank_worker& here = of(at, id);
    std::uint32_t& number = at.next_of(id);
    here.tell_arrivals();
    here.collective_ = &at.collective_for(number, asked, where);
    here.communicator_ = &at;
    here.number_ = number;
    here.begin_ = id / collective::leaf_size * collective::leaf_size;
    here.length_ = collective::leaf_size;
    if (here.ranks_->timed_) {
        here.collective_->arrived_at(id, here.ranks_->since_submission());
        here.length_ = 0; // so that each arrival comes here
    }
    ++number;
    return *here.collective_;
}

void rank_worker::tell_arrivals() noexcept {
    const std::uint32_t arrivals = std::exchange(arrivals_, 0);
    length_ = 0;
    if (arrivals == 0 || ranks_->is_stopped()) return; // then nothing takes place any more
    if (!collective_->arrive(begin_ / collective::leaf_size, arrivals)) return;
    communicator& of = collective_->of();
    if (ranks_->timed_) keep_times(of);
    bool everyone = false;
    const std::vector<std::size_t> waiting = collective_->complete(everyone);
    if (!everyone) {
        woken_.insert(woken_.end(), waiting.begin(), waiting.end());
    } else if (!of.shared) {
        all_woken_ = true;
        opened_at_ = collective_->first_where().line() % rank_scheduler::wave_estimate::first;
    } else {
        for (std::size_t id = 0; id < of.size; ++id) woken_.push_back(of.index_of(id));
    }
}

void rank_worker::keep_times(const communicator& of) {
    std::vector<nanoseconds> arrivals = collective_->take_times();
    collective_times times;
    times.operation = collective_->asked().kind->name;
    times.where = collective_->first_where();
    const auto [first, last] = std::ranges::minmax_element(arrivals);
    times.first = *first;
    times.last = *last;
    times.straggler = of.index_of(static_cast<std::size_t>(last - arrivals.begin()));
    times.ranks.reserve(of.shared ? of.size : 0);
    if (of.shared)
        for (std::size_t id = 0; id < of.size; ++id) times.ranks.push_back(of.index_of(id));
    for (nanoseconds& arrival : arrivals) arrival = times.last - arrival;
    times.waited = std::move(arrivals);
    ranks_->keep_collective(std::move(times));
}

void rank_worker::tell_leaves() noexcept {
    if (left_ == nullptr) return;
    collective& at = *std::exchange(left_, nullptr);
    if (at.leave(std::exchange(leaves_, 0))) at.of().retire(at);
}

void rank_worker::leave_anywhere(collective& at) noexcept {
    if (at.leave(1)) at.of().retire(at);
}

void rank_worker::leave_another(collective& at) noexcept {
    if (at.of().shared) { // it may go with the rank's handle on it
        if (at.leave(1)) at.of().retire(at);
        return;
    }
    tell_leaves();
    left_ = &at;
    leaves_ = 1;
}

} // namespace spmd::detail
