#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <source_location>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace spmd::detail {

bool ask_for_steady_ticks() noexcept;
/// True where the time stamp counter runs at one rate on all cores. It is asked for when it is first needed, which may be
/// before main().
inline bool has_steady_ticks() noexcept {
    static const bool has = ask_for_steady_ticks();
    return has;
}

/// The time of traces, in ticks of the fastest steady clock at hand.
inline std::uint64_t trace_ticks() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    if (has_steady_ticks()) [[likely]]
        return __builtin_ia32_rdtsc();
#endif
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

enum class trace_kind : std::uint8_t {
    /// A broadcast or map, which is `operation`, began at `where`: `subject` its name, `count` its tasks.
    submission,
    range,  ///< a thread had the tasks [subject, subject + count) of a submission
    task,   ///< it ran task `subject`, or a part of it that followed a wait for `operation` at `where`
    woken,  ///< `count` tasks of a submission that waited can go on
    concat, ///< the results of a submission were put together: `operation` how
    stage,  ///< work of a stage of a graph: `subject` its name, `operation` its kind
    batch, ///< a batch of a stream was under way: `subject` its number, `count` the stream's name, `submission` its lane
};

/// What happened from `begin` to `end`, in ticks, on one thread.
struct trace_event {
    static constexpr std::uint64_t no_name = ~std::uint64_t{0};
    trace_kind kind{};
    std::uint32_t submission = 0;
    std::uint64_t subject = 0;
    std::uint64_t count = 0;
    const char* operation = nullptr; ///< of static life
    std::source_location where{};
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::uint64_t pool = no_name; ///< of a submission, by its name
};

/// The events of one thread. It alone appends; any thread may read what was appended, at any time.
class trace_buffer {
public:
    explicit trace_buffer(std::thread::id thread) : thread_(thread) {}
    trace_buffer(const trace_buffer&) = delete;
    trace_buffer& operator=(const trace_buffer&) = delete;
    ~trace_buffer();

    std::thread::id thread() const noexcept { return thread_; }
    /// `room`: how many events may still be kept, of all threads. False, and counted, where there is none.
    bool append(const trace_event& event, std::atomic<std::size_t>& room) noexcept {
        if (full_ && !grow(room)) return false;
        const std::size_t used = last_->used.load(std::memory_order_relaxed);
        last_->events[used] = event;
        full_ = used + 1 == last_->size;
        last_->used.store(used + 1, std::memory_order_release);
        return true;
    }
    std::size_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }
    std::size_t size() const noexcept;
    template <class Visit>
    void for_each(const Visit& visit) const {
        for (const chunk* at = first_.load(std::memory_order_acquire); at != nullptr;
             at = at->next.load(std::memory_order_acquire))
            for (std::size_t i = 0, used = at->used.load(std::memory_order_acquire); i < used; ++i)
                visit(at->events[i]);
    }

private:
    static constexpr std::size_t chunk_size = 512; // 32 KiB
    struct chunk {
        std::atomic<std::size_t> used{0};
        std::size_t size = 0;
        std::atomic<chunk*> next{nullptr};
        std::array<trace_event, chunk_size> events;
    };
    bool grow(std::atomic<std::size_t>& room) noexcept;

    std::thread::id thread_;
    std::atomic<chunk*> first_{nullptr};
    chunk* last_ = nullptr;
    bool full_ = true; // there is no chunk, or the last is full
    std::atomic<std::size_t> dropped_{0};
};

/// What a trace recorder and the pools that it records share: the events of all threads, in a bounded number.
///
/// Thread safety: all members may be called at the same time. Nobody waits in record() but a thread's first time.
class trace_log {
public:
    explicit trace_log(std::size_t capacity);
    trace_log(const trace_log&) = delete;
    trace_log& operator=(const trace_log&) = delete;

    void record(const trace_event& event) noexcept {
        trace_buffer* const mine = here_.log == number_ ? here_.buffer : attach();
        if (mine != nullptr)
            mine->append(event, room_);
        else
            without_buffer_.fetch_add(1, std::memory_order_relaxed);
    }
    /// A number for a submission, or whatever else events belong to; never 0.
    std::uint32_t next_submission() noexcept { return submissions_.fetch_add(1, std::memory_order_relaxed); }
    /// The number of a name, the same whenever it is asked for.
    std::uint64_t number_of(std::string_view name);
    /// Throws: std::out_of_range for a number that no name has.
    std::string name(std::uint64_t number) const;

    std::size_t size() const;
    std::size_t dropped() const;
    /// Calls visit(thread, event) for all events of thread 0, in the order of their ends, then of thread 1, and so on.
    template <class Visit>
    void for_each(const Visit& visit) const {
        const std::vector<const trace_buffer*> all = buffers();
        for (std::size_t thread = 0; thread < all.size(); ++thread)
            all[thread]->for_each([&](const trace_event& event) { visit(thread, event); });
    }

    /// Tells the time of ticks since the log was made: exact to what a clock reading takes, now and then.
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
    std::vector<const trace_buffer*> buffers() const; // which stay

    /// The buffer that this thread used last. A log's number is never another's, so one that is gone is never found.
    struct last_used {
        std::uint64_t log;
        trace_buffer* buffer;
    };
    static inline constinit thread_local last_used here_{0, nullptr};

    std::uint64_t number_;
    std::atomic<std::size_t> room_;
    std::atomic<std::size_t> without_buffer_{0}; // events of threads for which there was no memory
    std::atomic<std::uint32_t> submissions_{1};
    std::uint64_t first_ticks_;
    std::chrono::steady_clock::time_point first_time_;
    mutable std::mutex mutex_;
    std::vector<std::unique_ptr<trace_buffer>> buffers_;        // guarded by mutex_
    std::map<std::string, std::uint64_t, std::less<>> numbers_; // guarded by mutex_
    std::vector<std::string> names_;                            // guarded by mutex_
};

/// A submission in a trace; `log` is null where nothing is traced.
struct traced_submission {
    trace_log* log = nullptr;
    std::uint32_t number = 0;
};

/// Records what happens from its construction to its destruction on one thread, if there is a log.
class trace_span {
public:
    trace_span() noexcept = default;
    trace_span(trace_log* log, const trace_event& event) noexcept : log_(log) {
        if (log_ == nullptr) return;
        event_ = event;
        event_.begin = trace_ticks();
    }
    /// One that begins when the one before it ended, which spares a look at the clock. `last` is when that was.
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
