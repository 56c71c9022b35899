#include <spmd/detail/launch/job.hpp>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>

namespace spmd::detail {
namespace {

/// Ranges that each thread takes part in at least: enough that uneven tasks balance.
constexpr std::size_t ranges_per_thread = 8;
/// Waking a sleeping thread costs its waker 20 µs and more; below this it is not worth while.
constexpr std::uint64_t small_job_picoseconds = 5'000'000;
/// From this count on, records of 16 indices each save memory that is slow to reach.
constexpr std::size_t coarse_from = 16384;
/// A claim by several threads at once costs them 0.1 µs and more; a range is worth it from here on.
constexpr std::uint64_t claim_picoseconds = 2'000'000;

} // namespace

bool cost_estimate::is_small(std::size_t count) const noexcept {
    const std::uint64_t each = picoseconds_.load(std::memory_order_relaxed);
    return each != unknown && each <= small_job_picoseconds / std::max<std::size_t>(count, 1);
}

std::size_t cost_estimate::worth_claiming() const noexcept {
    const std::uint64_t each = picoseconds_.load(std::memory_order_relaxed);
    return each == unknown
               ? 1
               : static_cast<std::size_t>(claim_picoseconds / std::max<std::uint64_t>(each, 1)) + 1;
}

void cost_estimate::observe(std::chrono::nanoseconds elapsed, std::size_t count) noexcept {
    const std::uint64_t seen = static_cast<std::uint64_t>(elapsed.count()) * 1000 / count;
    const std::uint64_t before = picoseconds_.load(std::memory_order_relaxed);
    const std::uint64_t decayed = before == unknown ? 0 : before / 2;
    picoseconds_.store(std::max(seen, decayed), std::memory_order_relaxed);
}

job::job(std::span<const placed_range> shares, std::size_t chunk, std::size_t threads, cost_estimate& cost)
    : chunk_(chunk), least_(cost.worth_claiming()), threads_(threads), cost_(&cost) {
    if (shares.size() <= 1) {
        shares_ = {&only_share_, 1};
    } else {
        many_shares_ = std::make_unique<share[]>(shares.size());
        shares_ = {many_shares_.get(), shares.size()};
    }
    for (std::size_t i = 0; i < shares.size(); ++i) {
        const index_range indices = shares[i].indices;
        shares_[i].next.store(indices.begin, std::memory_order_relaxed);
        shares_[i].end = indices.end;
        shares_[i].size = indices.size();
        shares_[i].arena = shares[i].arena;
        count_ += indices.size();
    }
    if (shares.size() <= 1 && chunk == 0 && count_ >= coarse_from) grain_ = coarse_grain;
    unfinished_.store(count_, std::memory_order_relaxed);
}

std::size_t job::share_of(std::size_t arena) const noexcept {
    std::size_t size = 0;
    for (const share& each : shares_)
        if (each.arena == arena) size += each.size;
    return size;
}

index_range job::claim_from(share& from, std::size_t most) const noexcept {
    const std::size_t below_grain = (std::size_t{1} << grain_) - 1;
    most += std::min(below_grain, ~most);
    std::size_t begin = from.next.load(std::memory_order_relaxed);
    while (begin < from.end) {
        const std::size_t end = begin + std::min(most & ~below_grain, from.end - begin);
        if (from.next.compare_exchange_weak(begin, end, std::memory_order_relaxed)) return {begin, end};
    }
    return {};
}

index_range job::claim_from(share& from) const noexcept {
    if (chunk_ != 0) return claim_from(from, chunk_);
    const std::size_t begin = from.next.load(std::memory_order_relaxed);
    const std::size_t left = begin < from.end ? from.end - begin : 0;
    // Large ranges first, then ever smaller ones, so that all threads end together.
    const std::size_t most = std::max<std::size_t>(from.size / (ranges_per_thread * threads_), 1);
    const std::size_t wanted = std::min(left / (2 * threads_), most);
    // What was cheap so far goes in larger ranges: never more than a thread's share of what is left, in case it
    // is not cheap now, but for the last ones, if they are few of all.
    const std::size_t last = std::min(least_ / 8, most / 8);
    const std::size_t cheap = std::min(least_, std::max(left / threads_, last));
    return claim_from(from, std::max({wanted, cheap, std::size_t{1}}));
}

index_range job::claim(std::size_t most) noexcept {
    for (share& from : shares_)
        if (const index_range range = claim_from(from, most); !range.empty()) return range;
    return {};
}

index_range job::claim_up_to(std::size_t index) noexcept {
    for (share& from : shares_) {
        if (index >= from.end) continue;
        const std::size_t below_grain = (std::size_t{1} << grain_) - 1;
        const std::size_t end = std::min((index + 1 + below_grain) & ~below_grain, from.end);
        std::size_t begin = from.next.load(std::memory_order_relaxed);
        while (begin <= index)
            if (from.next.compare_exchange_weak(begin, end, std::memory_order_relaxed)) return {begin, end};
        break;
    }
    return {};
}

namespace {
thread_local std::size_t nesting = 0; // how many jobs' indices this thread is running, one inside the other
}

bool job::inside() noexcept { return nesting > 0; }
job::task_mark::task_mark() noexcept { ++nesting; }
job::task_mark::~task_mark() { --nesting; }

void job::run_claimed(index_range range) noexcept {
    {
        const task_mark running;
        run(range);
    }
    end_indices(range.size());
}

void job::end_indices(std::size_t indices) noexcept {
    unfinished_.fetch_sub(indices);
    wake_if_waited_for();
}

void job::run_part(std::size_t arena, const std::function<void()>* on_first,
                   const std::function<bool()>& is_crowded) noexcept {
    part_cost measured(*this);
    for (share& from : shares_) {
        if (arena != any_arena && from.arena != arena) continue;
        for (index_range range = claim_from(from); !range.empty(); range = claim_from(from)) {
            if (on_first != nullptr) (*std::exchange(on_first, nullptr))();
            run_claimed(range);
            measured.add(range.size());
            if (is_crowded()) return;
        }
    }
}

void job::take_part() noexcept {
    taking_part_.fetch_add(1, std::memory_order_relaxed);
    run_part(any_arena, nullptr, [] { return false; });
    taking_part_.fetch_sub(1, std::memory_order_relaxed);
}

void job::help(std::size_t arena, const std::function<void()>& on_first) noexcept {
    // Whoever makes something claimable calls nobody while enough take part: so who leaves looks once more, and of
    // two such looks and counts in a row, on both sides, one sees the other.
    const std::function<void()>* first = &on_first;
    do {
        bool has_left = false;
        if (taking_part_.fetch_add(1) < threads_)
            run_part(arena, std::exchange(first, nullptr), [&] { return has_left = leave_if_crowded(); });
        if (has_left) return;
    } while (taking_part_.fetch_sub(1) <= threads_ && is_claimable());
}

bool job::leave_if_crowded() noexcept {
    std::size_t now = taking_part_.load();
    while (now > threads_)
        if (taking_part_.compare_exchange_weak(now, now - 1)) return true;
    return false;
}

namespace {

/// Where threads sleep that wait for one of some jobs; a job needs no place of its own, since few are waited for.
struct waiting_place {
    std::mutex mutex;
    std::condition_variable wake;
};

waiting_place& place_of(const job* waited_for) noexcept {
    static std::array<waiting_place, 61> places;
    return places[reinterpret_cast<std::uintptr_t>(waited_for) / 64 % places.size()];
}

} // namespace

bool job::sleep_until(std::chrono::steady_clock::time_point deadline, bool (*met)(const void*),
                      const void* predicate, std::atomic<std::uint32_t>& counted) {
    waiting_place& place = place_of(this);
    counted.fetch_add(1);
    std::unique_lock lock(place.mutex);
    const bool value = place.wake.wait_until(lock, deadline, [&] {
        // No wake is missed: this is either after a worker's fetch_sub, and then sees that worker's results, or
        // before it, and then the worker sees that somebody waits.
        unfinished_.fetch_add(0);
        return met(predicate);
    });
    lock.unlock();
    counted.fetch_sub(1);
    return value;
}

void job::wake() const noexcept {
    waiting_place& place = place_of(this);
    {
        const std::lock_guard lock(place.mutex);
    } // a waiter is now either before its look or asleep
    place.wake.notify_all();
}

void job::release() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

} // namespace spmd::detail
