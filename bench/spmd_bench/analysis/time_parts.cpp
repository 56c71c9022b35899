#include "spmd_bench/analysis/time_parts.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace spmd_bench {
namespace {

constexpr double good_enough = 0.9;

double nanoseconds(std::chrono::nanoseconds time) { return static_cast<double>(time.count()); }

struct loss {
    limit kind;
    double nanoseconds;
};

loss largest_loss(const time_parts& parts) {
    const std::array losses{loss{limit::memory_or_io, parts.slower_ns},
                            loss{limit::imbalance, parts.imbalance_ns},
                            loss{limit::scheduling, parts.scheduling_ns}};
    return std::ranges::max(losses, {}, &loss::nanoseconds);
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
    parts.items_ns = std::min(serial_ns, parts.total_ns); // the plain loop may have been slower by chance
    parts.slower_ns = std::max(0.0, busy - serial_ns);
    for (const auto& [thread, end] : last_end) parts.imbalance_ns += last - end;
    // With a rank for each thread, one that ran none was not worth waking.
    if (ranks.size() < threads) parts.imbalance_ns += last * static_cast<double>(threads - ranks.size());
    parts.scheduling_ns = std::max(0.0, parts.total_ns - std::max(busy, serial_ns) - parts.imbalance_ns);
    return parts;
}

limit limit_of(const time_parts& parts) {
    return parts.items_ns >= good_enough * parts.total_ns ? limit::nothing : largest_loss(parts).kind;
}

double share_of_limit(const time_parts& parts) {
    return parts.total_ns > 0 ? std::min(1.0, largest_loss(parts).nanoseconds / parts.total_ns) : 0;
}

} // namespace spmd_bench
