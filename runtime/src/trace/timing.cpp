#include <spmd/timing.hpp>

#include <algorithm>
#include <numeric>

namespace spmd {

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
