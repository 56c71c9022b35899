#pragma once

#include <spmd/detail/base/clock.hpp>
#include <spmd/partition.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

namespace spmd::detail {

/// What one index of a kind of job costs, in ns, as a decaying maximum of what was measured. It decides
/// only whether the caller wakes other threads at once or first sees whether there is work worth sharing.
class cost_estimate {
public:
    /// True where `count` indices are known to cost less than waking a thread does.
    bool is_small(std::size_t count) const noexcept;
    /// How many indices are known to take so long that claiming them costs little; 1 where nothing is known.
    std::size_t worth_claiming() const noexcept;
    void observe(std::chrono::nanoseconds elapsed, std::size_t count) noexcept;

private:
    static constexpr std::uint64_t unknown = ~std::uint64_t{0};
    std::atomic<std::uint64_t> picoseconds_{unknown};
};

/// What those who run a job look at before each index, in one word: whether a stop was requested, and how many
/// threads wait for results.
struct run_flags {
    static constexpr std::uint32_t stop = std::uint32_t{1} << 31; ///< the bits below count those who wait
    std::atomic<std::uint32_t> word{0};

    bool stop_requested() const noexcept { return (word.load(std::memory_order_relaxed) & stop) != 0; }
    bool is_wanted() const noexcept { return word.load(std::memory_order_relaxed) != 0; }
    bool has_waiters() const noexcept { return (word.load() & ~stop) != 0; }
};

/// Contiguous indices that are to run in one arena.
struct placed_range {
    std::size_t arena = 0;
    index_range indices;
};

/// Indices [0, count) that are run exactly once each, in ranges that threads claim.
///
/// Life: made (nobody runs it) → started (a launcher was told, or a caller joined) → finished (every index
/// was run) → disposed (its owner took the results and gave the task back). The memory stays until the last
/// reference goes, because a thread that was called may come when all is over; it then finds nothing
/// to claim and touches nothing else.
///
/// Invariant `claimed-is-unfinished`: whoever holds a claimed range may use everything of the job, since the
/// owner disposes only when no index is unfinished.
class job {
public:
    /// `shares`: all indices, ascending; `chunk`: how many indices are claimed at once, 0 for "a fraction
    /// of what is left"; `threads`: of the launcher that runs it.
    job(std::span<const placed_range> shares, std::size_t chunk, std::size_t threads, cost_estimate& cost);
    job(const job&) = delete;
    job& operator=(const job&) = delete;

    std::size_t count() const noexcept { return count_; }
    std::size_t chunk() const noexcept { return chunk_; }
    /// Claimed ranges begin at multiples of 2 to this power, so that as many indices can share a record.
    unsigned grain() const noexcept { return grain_; }
    /// The grain of jobs of very many indices; others have 0.
    static constexpr unsigned coarse_grain = 4;
    /// How many indices are to run in the arena.
    std::size_t share_of(std::size_t arena) const noexcept;
    cost_estimate& cost() const noexcept { return *cost_; }

    /// True for the first caller only: it decides how the job starts.
    bool start() noexcept { return !started_.exchange(true); }
    bool finished() const noexcept { return unfinished_.load() == 0; }

    /// Claims the next indices, at most `most`, of any arena; empty when none are left.
    virtual index_range claim(std::size_t most) noexcept;
    /// Claims `index` if nobody has, together with what lies before it in its share.
    index_range claim_up_to(std::size_t index) noexcept;
    /// Runs a claimed range and accounts for it.
    virtual void run_claimed(index_range range) noexcept;
    /// True where there can be more to claim after there was nothing: indices that wait for each other, and are
    /// claimed again whenever they can go on.
    virtual bool goes_on() const noexcept { return false; }
    /// There is something to claim. Requires: goes_on().
    virtual bool is_claimable() const noexcept { return false; }
    /// True when the index was run.
    virtual bool is_done(std::size_t index) const noexcept = 0;

    /// A called thread's part: claims and runs the arena's indices until none are left, or until a caller
    /// joined and one thread more than `threads` takes part. `on_first` runs once, after the first claim.
    void help(std::size_t arena, const std::function<void()>& on_first) noexcept;
    /// A waiting caller's part: claims and runs until nothing is left in any arena.
    void take_part() noexcept;
    std::size_t threads_taking_part() const noexcept { return taking_part_.load(); }
    /// Callers that take part whenever there is something to claim, and sleep meanwhile.
    std::size_t joined() const noexcept { return joined_.load(std::memory_order_relaxed); }
    void join_in() noexcept { joined_.fetch_add(1, std::memory_order_relaxed); }
    void leave() noexcept { joined_.fetch_sub(1, std::memory_order_relaxed); }
    static constexpr std::size_t any_arena = ~std::size_t{0};

    /// Blocks until the predicate holds or the time is over; the predicate is looked at whenever a claimed
    /// range ends. Returns the predicate's last value.
    template <class Predicate>
    bool wait_until(std::chrono::steady_clock::time_point deadline, Predicate&& predicate);
    template <class Predicate>
    void wait(Predicate&& predicate);
    /// As wait_until, but the predicate is also looked at when single indices have run; a look may be missed
    /// until the end of the range. Slows the workers down, who wake this thread after each index.
    template <class Predicate>
    bool wait_for_index(std::chrono::steady_clock::time_point deadline, Predicate&& predicate) {
        return wait_counted(deadline, predicate, flags_.word);
    }
    /// Looks at the predicate for about as long as sleeping and being woken takes; its last value.
    template <class Predicate>
    bool spin(Predicate&& predicate);
    /// True on a thread that is running a task: an index of some job, or what a task_mark stands for.
    static bool inside() noexcept;
    class task_mark {
    public:
        task_mark() noexcept;
        task_mark(const task_mark&) = delete;
        task_mark& operator=(const task_mark&) = delete;
        ~task_mark();
    };

    bool stop_requested() const noexcept { return flags_.stop_requested(); }
    void request_stop() noexcept { flags_.word.fetch_or(run_flags::stop, std::memory_order_relaxed); }

    void reference() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept;

protected:
    virtual ~job() = default;
    /// Runs the indices of the range; whatever they throw is caught and kept.
    virtual void run(index_range range) noexcept = 0;
    /// A thread's part, as help() and take_part() say; `is_crowded` tells whether to leave.
    virtual void run_part(std::size_t arena, const std::function<void()>* on_first,
                          const std::function<bool()>& is_crowded) noexcept;
    /// So many indices have ended for good.
    void end_indices(std::size_t indices) noexcept;
    void wake_if_waited_for() noexcept {
        if (end_waiters_.load() != 0 || flags_.has_waiters()) wake();
    }
    const run_flags& flags() const noexcept { return flags_; }
    /// Wakes waiters from within run(), so that they see each result and not only each range's end.
    void tell_waiters() const noexcept {
        if (flags_.has_waiters()) wake();
    }

private:
    /// The part of one placed range that nobody has claimed.
    struct share {
        std::atomic<std::size_t> next{0};
        std::size_t end = 0;
        std::size_t size = 0;
        std::size_t arena = 0;
    };

    /// Adds what one thread's part of the job cost to what is usual.
    class part_cost {
    public:
        explicit part_cost(const job& of) noexcept : of_(&of), begin_(std::chrono::steady_clock::now()) {}
        part_cost(const part_cost&) = delete;
        part_cost& operator=(const part_cost&) = delete;
        ~part_cost() {
            if (done_ > 0) of_->cost_->observe(std::chrono::steady_clock::now() - begin_, done_);
        }
        void add(std::size_t indices) noexcept { done_ += indices; }

    private:
        std::size_t done_ = 0;
        const job* of_;
        std::chrono::steady_clock::time_point begin_;
    };

    index_range claim_from(share& from, std::size_t most) const noexcept;
    index_range claim_from(share& from) const noexcept;
    bool leave_if_crowded() noexcept;
    void wake() const noexcept;
    /// Sleeps until `met(predicate)` holds or the time is over; its last value.
    bool sleep_until(std::chrono::steady_clock::time_point deadline, bool (*met)(const void*),
                     const void* predicate, std::atomic<std::uint32_t>& counted);
    template <class Predicate>
    bool wait_counted(std::chrono::steady_clock::time_point deadline, Predicate&& predicate,
                      std::atomic<std::uint32_t>& counted);

    /// How often a waiting thread looks before it sleeps: about as long as sleeping and being woken takes.
    static constexpr int looks_before_sleep = 1000;

    // Read by every thread that takes part, for each index, and hardly ever written.
    std::span<share> shares_;
    std::unique_ptr<share[]> many_shares_;
    std::size_t count_ = 0;
    std::size_t chunk_;
    std::size_t least_; // of what is claimed at once, where chunk_ does not say
    std::size_t threads_;
    unsigned grain_ = 0;
    cost_estimate* cost_;
    run_flags flags_;
    std::atomic<std::uint32_t> end_waiters_{0}; // those who are content with being woken at ends of ranges
    std::atomic<bool> started_{false};
    std::atomic<std::uint32_t> joined_{0}; // of jobs that go on

    // Written by every thread that takes part, once per range: together, and apart from the rest.
    [[maybe_unused]] char apart_before_[64] = {};
    share only_share_;
    std::atomic<std::size_t> unfinished_{0};
    std::atomic<std::size_t> taking_part_{0};
    std::atomic<std::uint32_t> references_{1};
    [[maybe_unused]] char apart_after_[64] = {};
};

/// Shared ownership of a job's memory.
template <class Job>
class job_pointer {
public:
    job_pointer() = default;
    /// Takes over the reference that a new job starts with.
    explicit job_pointer(Job* adopted) noexcept : job_(adopted) {}
    template <class Other>
    explicit(false) job_pointer(const job_pointer<Other>& other) noexcept : job_(other.get()) {
        if (job_ != nullptr) job_->reference();
    }
    job_pointer(const job_pointer& other) noexcept : job_(other.job_) {
        if (job_ != nullptr) job_->reference();
    }
    job_pointer(job_pointer&& other) noexcept : job_(std::exchange(other.job_, nullptr)) {}
    job_pointer& operator=(job_pointer other) noexcept {
        std::swap(job_, other.job_);
        return *this;
    }
    ~job_pointer() {
        if (job_ != nullptr) job_->release();
    }

    Job* get() const noexcept { return job_; }
    Job* operator->() const noexcept { return job_; }
    Job& operator*() const noexcept { return *job_; }
    explicit operator bool() const noexcept { return job_ != nullptr; }

private:
    Job* job_ = nullptr;
};

template <class Predicate>
bool job::wait_until(std::chrono::steady_clock::time_point deadline, Predicate&& predicate) {
    return wait_counted(deadline, predicate, end_waiters_);
}

template <class Predicate>
bool job::wait_counted(std::chrono::steady_clock::time_point deadline, Predicate&& predicate,
                       std::atomic<std::uint32_t>& counted) {
    if (predicate()) return true;
    const auto met = [](const void* it) -> bool {
        return (*static_cast<const std::remove_cvref_t<Predicate>*>(it))();
    };
    return sleep_until(deadline, met, &predicate, counted);
}

template <class Predicate>
bool job::spin(Predicate&& predicate) {
    for (int look = 0; look < looks_before_sleep; ++look) {
        if (predicate()) return true;
        relax();
    }
    return false;
}

template <class Predicate>
void job::wait(Predicate&& predicate) {
    if (!spin(predicate)) wait_until(std::chrono::steady_clock::time_point::max(), predicate);
}

} // namespace spmd::detail
