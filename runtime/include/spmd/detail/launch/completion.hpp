#pragma once

#include <spmd/detail/base/clock.hpp>
#include <spmd/detail/launch/costs.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace spmd::detail {

/// Flags polled before each index, packed in one word: stop requested, number of threads that wait for single
/// results.
struct run_flags {
    static constexpr std::uint32_t stop = std::uint32_t{1} << 31; ///< the bits below count the waiters
    std::atomic<std::uint32_t> word{0};

    bool stop_requested() const noexcept { return (word.load(std::memory_order_relaxed) & stop) != 0; }
    /// True if a stop was requested or somebody waits for single results.
    bool is_set() const noexcept { return word.load(std::memory_order_relaxed) != 0; }
    bool has_waiters() const noexcept { return (word.load() & ~stop) != 0; }
};

class continuation;

/// A continuation's place in the list of a completion.
class continuation_link {
    friend class completion;
    continuation* after_ = nullptr;
};

/// Runs when a job is finished: a coroutine that awaits it, for example.
class continuation : public continuation_link {
public:
    continuation() = default;
    continuation(const continuation&) = delete;
    continuation& operator=(const continuation&) = delete;
    /// Called once, after the job is finished.
    virtual void resume_waiter() noexcept = 0;

protected:
    ~continuation() = default;
};

/// Counts a job's unfinished indices down, and wakes those who wait: threads that sleep until the job, or
/// single indices of it, are finished, and continuations.
///
/// Thread safety: all members may be called at the same time.
class completion {
public:
    explicit completion(std::size_t unfinished) noexcept : unfinished_(unfinished) {}
    completion(const completion&) = delete;
    completion& operator=(const completion&) = delete;

    bool is_finished() const noexcept { return unfinished_.load() == 0; }
    /// Accounts for indices that ended. The last call runs the continuations;
    /// then the job may be gone.
    void end(std::size_t indices) noexcept;
    /// Runs `next` when the job is finished; returns false, and never runs it, if it already is.
    bool continue_with(continuation& next) noexcept;

    const run_flags& flags() const noexcept { return flags_; }
    bool stop_requested() const noexcept { return flags_.stop_requested(); }
    void request_stop() noexcept { flags_.word.fetch_or(run_flags::stop, std::memory_order_relaxed); }

    /// Blocks until the predicate holds or the deadline passes; the predicate is evaluated whenever indices
    /// have been accounted for. Returns the predicate's last value.
    template <class Predicate>
    bool wait_until(std::chrono::steady_clock::time_point deadline, Predicate&& predicate) {
        return sleep_unless(deadline, predicate, end_waiters_);
    }
    /// As wait_until, but the predicate is also evaluated when single indices have run; an evaluation may be
    /// missed until the end of the range. Slows the workers down, who wake this thread after each index.
    template <class Predicate>
    bool wait_for_index(std::chrono::steady_clock::time_point deadline, Predicate&& predicate) {
        return sleep_unless(deadline, predicate, flags_.word);
    }
    /// As wait_until without a deadline, but polls for a while first.
    template <class Predicate>
    void wait(Predicate&& predicate) {
        if (!spin(predicate)) wait_until(std::chrono::steady_clock::time_point::max(), predicate);
    }
    /// Polls the predicate for about as long as sleeping and being woken takes; returns its last value.
    template <class Predicate>
    static bool spin(Predicate&& predicate) {
        for (int look = 0; look < costs::looks_before_sleep; ++look) {
            if (predicate()) return true;
            relax();
        }
        return false;
    }

    /// Wakes all who sleep here, if any.
    void wake_waiters() const noexcept {
        if (end_waiters_.load() != 0 || flags_.has_waiters()) wake();
    }
    /// Wakes those who wait for single indices, if any.
    void wake_index_waiters() const noexcept {
        if (flags_.has_waiters()) wake();
    }

private:
    template <class Predicate>
    bool sleep_unless(std::chrono::steady_clock::time_point deadline, Predicate&& predicate,
                      std::atomic<std::uint32_t>& counter) {
        if (predicate()) return true;
        const auto holds = [](const void* erased) -> bool {
            return (*static_cast<const std::remove_cvref_t<Predicate>*>(erased))();
        };
        return sleep_until(deadline, holds, &predicate, counter);
    }
    /// Sleeps until `holds(predicate)` or the deadline, counted in `counter` meanwhile; returns the last
    /// value.
    bool sleep_until(std::chrono::steady_clock::time_point deadline, bool (*holds)(const void*),
                     const void* predicate, std::atomic<std::uint32_t>& counter);
    void wake() const noexcept;

    // Read by every thread that takes part, for each index, and hardly ever written.
    run_flags flags_;
    std::atomic<std::uint32_t> end_waiters_{0};         // content with being woken at the ends of ranges
    std::atomic<continuation*> continuations_{nullptr}; // a list, taken as a whole
    // Last, so that the owner can place it beside what is written as often: at the end of each range.
    [[maybe_unused]] char apart_[64] = {};
    std::atomic<std::size_t> unfinished_;
};

} // namespace spmd::detail
