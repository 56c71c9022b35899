#pragma once

#include <spmd/timing.hpp>

#include <chrono>

namespace spmd::detail {

/// Measures a task from construction to destruction, on one thread, and writes its interval.
class stopwatch {
public:
    stopwatch(std::chrono::steady_clock::time_point submitted, interval& task) noexcept;
    stopwatch(const stopwatch&) = delete;
    stopwatch& operator=(const stopwatch&) = delete;
    ~stopwatch();

private:
    std::chrono::steady_clock::time_point submitted_;
    interval* task_;
    std::chrono::nanoseconds cpu_begin_;
};

} // namespace spmd::detail
