#include <spmd/detail/trace/stopwatch.hpp>

#include <spmd/detail/base/thread_number.hpp>

#include <ctime>

namespace spmd::detail {
namespace {

std::chrono::nanoseconds thread_cpu_time() noexcept {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

} // namespace

stopwatch::stopwatch(std::chrono::steady_clock::time_point submitted, interval& task) noexcept
    : submitted_(submitted), task_(&task), cpu_begin_(thread_cpu_time()) {
    task_->thread = thread_number();
    task_->begin = std::chrono::steady_clock::now() - submitted_;
}

stopwatch::~stopwatch() {
    task_->end = std::chrono::steady_clock::now() - submitted_;
    task_->cpu = thread_cpu_time() - cpu_begin_;
}

} // namespace spmd::detail
