#pragma once

#include <spmd/detail/base/reads_thread_local.hpp>
#include <spmd/detail/trace/trace_buffer.hpp>
#include <spmd/detail/trace/trace_ticks.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace spmd::detail {

/// The events of all threads, bounded in number: shared by a trace recorder and the pools that it records.
///
/// Thread safety: all members may be called concurrently. record() blocks only on the first call of a thread.
class trace_log {
public:
    explicit trace_log(std::size_t capacity);
    trace_log(const trace_log&) = delete;
    trace_log& operator=(const trace_log&) = delete;

    SPMD_READS_THREAD_LOCAL void record(const trace_event& event) noexcept {
        trace_buffer* const mine = here_.log == number_ ? here_.buffer : attach();
        if (mine != nullptr)
            mine->append(event, room_);
        else
            without_buffer_.fetch_add(1, std::memory_order_relaxed);
    }
    /// Returns a new number, never 0, for a submission or another thing that events belong to.
    std::uint32_t next_submission() noexcept { return submissions_.fetch_add(1, std::memory_order_relaxed); }
    /// Returns the number of a name: one name always has one number.
    std::uint64_t number_of(std::string_view name);
    /// Returns the name of a number. Throws: std::out_of_range if no name has that number.
    std::string name(std::uint64_t number) const;

    std::size_t size() const;
    std::size_t dropped() const;
    /// Calls visit(thread, event) for all events, thread by thread, and for each in the order of their ends.
    template <class Visit>
    void for_each(const Visit& visit) const {
        const std::vector<const trace_buffer*> all = buffers();
        for (std::size_t thread = 0; thread < all.size(); ++thread)
            all[thread]->for_each([&](const trace_event& event) { visit(thread, event); });
    }

    /// Converts ticks to the time since the log was made. Calibrated at both ends by a clock reading, and as
    /// exact as the duration of those readings.
    class clock {
    public:
        explicit clock(const trace_log& log);
        std::int64_t nanoseconds(std::uint64_t ticks) const noexcept;

    private:
        std::uint64_t first_ticks_;
        double per_tick_;
    };

private:
    trace_buffer* attach() noexcept;
    std::vector<const trace_buffer*> buffers() const; // they live as long as the log

    /// The buffer that this thread used last. Numbers of logs are unique, so that of a destroyed log is never
    /// found.
    struct last_used {
        std::uint64_t log;
        trace_buffer* buffer;
    };
    static inline constinit thread_local last_used here_{0, nullptr};

    std::uint64_t number_;
    std::atomic<std::size_t> room_;
    std::atomic<std::size_t> without_buffer_{0}; // events dropped for want of memory for a buffer
    std::atomic<std::uint32_t> submissions_{1};
    std::uint64_t first_ticks_;
    std::chrono::steady_clock::time_point first_time_;
    mutable std::mutex mutex_;
    std::vector<std::unique_ptr<trace_buffer>> buffers_;        // guarded by mutex_
    std::map<std::string, std::uint64_t, std::less<>> numbers_; // guarded by mutex_
    std::vector<std::string> names_;                            // guarded by mutex_
};

/// Identifies a submission in a trace; `log` is null if nothing is traced.
struct traced_submission {
    trace_log* log = nullptr;
    std::uint32_t number = 0;
};

/// Records an event from its construction to its destruction, if there is a log.
class trace_span {
public:
    trace_span() noexcept = default;
    trace_span(trace_log* log, const trace_event& event) noexcept : log_(log) {
        if (log_ == nullptr) return;
        event_ = event;
        event_.begin = trace_ticks();
    }
    /// Begins at the end of the span before, `last`, which saves a clock reading.
    trace_span(trace_log* log, const trace_event& event, std::uint64_t& last) noexcept
        : log_(log), last_(&last) {
        if (log_ == nullptr) return;
        event_ = event;
        event_.begin = last;
    }
    trace_span(const trace_span&) = delete;
    trace_span& operator=(const trace_span&) = delete;
    ~trace_span() {
        if (log_ == nullptr) return;
        event_.end = trace_ticks();
        if (last_ != nullptr) *last_ = event_.end;
        log_->record(event_);
    }

private:
    trace_log* log_ = nullptr;
    std::uint64_t* last_ = nullptr;
    trace_event event_;
};

} // namespace spmd::detail
