#include "time_parts.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace spmd_bench {
namespace {

constexpr double good_enough = 0.9;

double nanoseconds(std::chrono::nanoseconds time) { return static_cast<double>(time.count()); }

std::pair<std::string_view, double> largest_loss(const time_parts& parts) {
    const std::array<std::pair<std::string_view, double>, 3> losses{{{"memory or I/O", parts.slower_ns},
                                                                     {"imbalance", parts.imbalance_ns},
                                                                     {"scheduling", parts.scheduling_ns}}};
    return std::ranges::max(losses, {}, [](const auto& loss) { return loss.second; });
}

} // namespace

time_parts parts_of_run(std::span<const spmd::interval> ranks, std::size_t threads, double wall_ns,
                        double serial_ns) {
    double busy = 0;
    std::map<std::size_t, double> last_end; // by thread
    for (const spmd::interval& rank : ranks) {
        busy += nanoseconds(rank.end - rank.begin);
        double& end = last_end[rank.thread];
        end = std::max(end, nanoseconds(rank.end));
    }
    double last = 0;
    for (const auto& [thread, end] : last_end) last = std::max(last, end);

    time_parts parts;
    parts.total_ns = wall_ns * static_cast<double>(threads);
    parts.items_ns = std::min(serial_ns, parts.total_ns); // which chance may have made longer
    parts.slower_ns = std::max(0.0, busy - serial_ns);
    for (const auto& [thread, end] : last_end) parts.imbalance_ns += last - end;
    // With a rank for each thread, one that ran none was not worth waking.
    if (ranks.size() < threads) parts.imbalance_ns += last * static_cast<double>(threads - ranks.size());
    parts.scheduling_ns = std::max(0.0, parts.total_ns - std::max(busy, serial_ns) - parts.imbalance_ns);
    return parts;
}

std::string_view limit_of(const time_parts& parts) {
    return parts.items_ns >= good_enough * parts.total_ns ? "nothing" : largest_loss(parts).first;
}

double share_of_limit(const time_parts& parts) {
    return parts.total_ns > 0 ? std::min(1.0, largest_loss(parts).second / parts.total_ns) : 0;
}

} // namespace spmd_bench
