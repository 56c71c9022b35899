#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>

namespace spmd::detail {

class rank_scheduler;
class wait_gate;

/// A time at which a rank's wait ends. One thread of the process, begun with the first deadline, watches all
/// of them, and ends those of broadcasts that are to stop.
class deadline {
public:
    deadline() = default;
    deadline(const deadline&) = delete;
    deadline& operator=(const deadline&) = delete;

    /// Closes the gate at `time`, unless removed before. Requires: the rank runs on this thread. Throws:
    /// std::bad_alloc; std::system_error where the thread cannot be begun.
    void set(std::chrono::steady_clock::time_point time, wait_gate& gate, rank_scheduler& ranks,
             std::size_t rank);
    /// Removes it, and leaves the gate alone from now on; returns true if it has passed. Requires: the rank
    /// runs on this thread, and the deadline was set.
    bool remove() noexcept;

    /// Keeps all deadlines of the process from ending waits, and from being set or removed.
    static std::unique_lock<std::mutex> hold_all();

private:
    class watch;

    std::chrono::steady_clock::time_point time_;
    wait_gate* gate_ = nullptr;
    rank_scheduler* ranks_ = nullptr;
    std::size_t rank_ = 0;
    bool passed_ = false;
    bool woke_ = false; // the wait was ended by it
};

} // namespace spmd::detail
