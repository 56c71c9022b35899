#include <spmd/detail/launch/cost_estimate.hpp>

#include <spmd/detail/launch/costs.hpp>

#include <algorithm>

namespace spmd::detail {
namespace {

constexpr std::uint64_t in_picoseconds(std::chrono::nanoseconds time) {
    return static_cast<std::uint64_t>(time.count()) * 1000;
}

} // namespace

bool cost_estimate::is_small(std::size_t count) const noexcept {
    const std::uint64_t each = picoseconds_.load(std::memory_order_relaxed);
    return each != unknown && each <= in_picoseconds(costs::worth_waking) / std::max<std::size_t>(count, 1);
}

std::size_t cost_estimate::worth_claiming() const noexcept {
    const std::uint64_t each = picoseconds_.load(std::memory_order_relaxed);
    if (each == unknown) return 1;
    return static_cast<std::size_t>(in_picoseconds(costs::worth_claiming) /
                                    std::max<std::uint64_t>(each, 1)) +
           1;
}

void cost_estimate::observe(std::chrono::nanoseconds elapsed, std::size_t count) noexcept {
    const std::uint64_t measured = in_picoseconds(elapsed) / count;
    const std::uint64_t before = picoseconds_.load(std::memory_order_relaxed);
    const std::uint64_t decayed = before == unknown ? 0 : before / 2;
    picoseconds_.store(std::max(measured, decayed), std::memory_order_relaxed);
}

} // namespace spmd::detail
