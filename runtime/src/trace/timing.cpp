#include <spmd/timing.hpp>

#include "base/thread_number.hpp"

#include <spmd/detail/trace/stopwatch.hpp>

#include <algorithm>
#include <atomic>
#include <ctime>
#include <numeric>

namespace spmd {
namespace {

std::chrono::nanoseconds thread_cpu_time() noexcept {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

} // namespace

namespace detail {

stopwatch::stopwatch(std::chrono::steady_clock::time_point submitted, interval& task) noexcept
    : submitted_(submitted), task_(&task), cpu_begin_(thread_cpu_time()) {
    task_->thread = thread_number();
    task_->begin = std::chrono::steady_clock::now() - submitted_;
}

stopwatch::~stopwatch() {
    task_->end = std::chrono::steady_clock::now() - submitted_;
    task_->cpu = thread_cpu_time() - cpu_begin_;
}

} // namespace detail

std::chrono::nanoseconds timing::wall() const noexcept {
    std::chrono::nanoseconds last{};
    for (const interval& task : tasks_) last = std::max(last, task.end);
    return last;
}

std::chrono::nanoseconds timing::cpu() const noexcept {
    return std::accumulate(tasks_.begin(), tasks_.end(), std::chrono::nanoseconds{},
                           [](std::chrono::nanoseconds sum, const interval& task) { return sum + task.cpu; });
}

double timing::imbalance() const noexcept {
    std::chrono::nanoseconds most{};
    for (const interval& task : tasks_) most = std::max(most, task.cpu);
    const auto total = static_cast<double>(cpu().count());
    return total > 0 ? static_cast<double>(most.count()) * static_cast<double>(tasks_.size()) / total : 1.0;
}

double timing::speed_up() const noexcept {
    const auto elapsed = static_cast<double>(wall().count());
    return elapsed > 0 ? static_cast<double>(cpu().count()) / elapsed : 0.0;
}

} // namespace spmd
