#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <source_location>
#include <thread>

namespace spmd::detail {

enum class trace_kind : std::uint8_t {
    /// A broadcast or map began at `where`: `subject` is its name, `count` its tasks, `operation` "broadcast"
    /// or "map".
    submission,
    /// A thread claimed and ran the tasks [subject, subject + count) of a submission.
    range,
    /// A thread ran task `subject`, or the part of it that followed a wait for `operation` at `where`.
    task,
    /// `count` waiting tasks of a submission became ready.
    woken,
    /// The results of a submission were combined by `operation`.
    concat,
    /// A stage of a graph ran: `subject` is its name, `operation` its kind.
    stage,
    /// A batch of a stream was in flight: `subject` is its number, `count` the stream's name, `submission`
    /// its lane.
    batch,
};

/// Something that lasted from `begin` to `end`, in ticks, on one thread.
struct trace_event {
    static constexpr std::uint64_t no_name = ~std::uint64_t{0};
    trace_kind kind{};
    std::uint32_t submission = 0;
    std::uint64_t subject = 0;
    std::uint64_t count = 0;
    const char* operation = nullptr; ///< of static storage duration
    std::source_location where{};
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::uint64_t pool = no_name; ///< name of a submission's pool
};

/// The events of one thread.
/// Thread safety: only that thread appends; any thread may read the appended events at any time.
class trace_buffer {
public:
    explicit trace_buffer(std::thread::id thread) : thread_(thread) {}
    trace_buffer(const trace_buffer&) = delete;
    trace_buffer& operator=(const trace_buffer&) = delete;
    ~trace_buffer();

    std::thread::id thread() const noexcept { return thread_; }
    /// Appends an event; counts it as dropped and returns false if there is no room left. `room` is the
    /// number of events that all threads together may still reserve.
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
        for (const chunk* each = first_.load(std::memory_order_acquire); each != nullptr;
             each = each->next.load(std::memory_order_acquire))
            for (std::size_t i = 0, used = each->used.load(std::memory_order_acquire); i < used; ++i)
                visit(each->events[i]);
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
    bool full_ = true; // the last chunk is full, or there is none
    std::atomic<std::size_t> dropped_{0};
};

} // namespace spmd::detail
