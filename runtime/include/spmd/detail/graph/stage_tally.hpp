#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>

namespace spmd::detail {

/// Counts what a stage did in one run of its graph; every thread that worked for it adds its own share.
/// Thread safety: all members may be called at the same time.
class stage_tally {
public:
    /// Adds runs that have ended, successful or not.
    void add_runs(std::size_t runs) noexcept { add(runs_, runs); }
    /// Adds ranks, items or parts, depending on the kind of stage.
    void add_tasks(std::size_t tasks) noexcept { add(tasks_, tasks); }
    void add_time(std::chrono::nanoseconds time) noexcept { add(time_, time.count()); }
    /// Adds runs that threw.
    void add_failures(std::size_t runs) noexcept { add(failures_, runs); }
    void add_cancelled(std::size_t runs) noexcept { add(cancelled_, runs); }
    void add(const stage_tally& other) noexcept {
        add_runs(other.runs());
        add_tasks(other.tasks());
        add_time(other.time());
        add_failures(other.failures());
        add_cancelled(other.cancelled());
    }
    void clear() noexcept {
        for (std::atomic<std::size_t>* each : {&runs_, &tasks_, &failures_, &cancelled_})
            each->store(0, std::memory_order_relaxed);
        time_.store(0, std::memory_order_relaxed);
    }

    std::size_t runs() const noexcept { return runs_.load(std::memory_order_relaxed); }
    std::size_t tasks() const noexcept { return tasks_.load(std::memory_order_relaxed); }
    std::chrono::nanoseconds time() const noexcept {
        return std::chrono::nanoseconds(time_.load(std::memory_order_relaxed));
    }
    std::size_t failures() const noexcept { return failures_.load(std::memory_order_relaxed); }
    std::size_t cancelled() const noexcept { return cancelled_.load(std::memory_order_relaxed); }

private:
    template <class Number>
    static void add(std::atomic<Number>& to, Number amount) noexcept {
        to.fetch_add(amount, std::memory_order_relaxed);
    }

    std::atomic<std::size_t> runs_{0};
    std::atomic<std::size_t> tasks_{0};
    std::atomic<std::chrono::nanoseconds::rep> time_{0};
    std::atomic<std::size_t> failures_{0};
    std::atomic<std::size_t> cancelled_{0};
};

} // namespace spmd::detail
