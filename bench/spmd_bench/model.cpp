#include "model.hpp"

#include "report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

namespace spmd_bench {
namespace {

constexpr std::size_t most_cores = 256;
constexpr double trusted_growth = 4;    // times the threads that were measured
constexpr double wide_band = 0.2;       // of the prediction
constexpr double fitting = 0.2;         // a residual beyond it is told
constexpr double clear_slowdown = 1.05; // of items that run at once

/// The part of the ranks that the thread with the most of them has.
double largest_share(std::size_t ranks, std::size_t cores) {
    const std::size_t most = (ranks + cores - 1) / cores;
    return static_cast<double>(most) / static_cast<double>(ranks);
}

struct bounds {
    double low;
    double high;
    double middle() const { return (low + high) / 2; }
};

/// Alone no item runs beside another.
double slowdown_at(const model_parts& parts, std::size_t cores) { return cores > 1 ? parts.slowdown : 1; }

bounds bounds_of(const model_parts& parts, const sweep_point& at, std::size_t cores) {
    const double share = largest_share(at.ranks, cores);
    const double shared =
        share * (static_cast<double>(at.ranks) * parts.per_rank + parts.work * slowdown_at(parts, cores));
    const double items = static_cast<double>(at.items) * parts.per_item;
    return {parts.launch + shared + share * items, parts.launch + shared + items};
}

std::string limit_at(const model_parts& parts, const sweep_point& at, std::size_t cores) {
    const double ideal = parts.work / static_cast<double>(cores);
    const double share = largest_share(at.ranks, cores);
    const std::array<std::pair<double, std::string_view>, 5> beside{{
        {parts.launch, "launch"},
        {share * static_cast<double>(at.ranks) * parts.per_rank, "ranks"},
        {(share + 1) / 2 * static_cast<double>(at.items) * parts.per_item, "concat"},
        {(share - 1 / static_cast<double>(cores)) * parts.work, "imbalance"},
        {share * parts.work * (slowdown_at(parts, cores) - 1), "memory or I/O"},
    }};
    const auto most = std::ranges::max(beside);
    return most.first < ideal / 9 ? "nothing" : std::string(most.second); // a tenth of both
}

/// Where spmd gains most: where items hardly take time there is nothing to ask a model for.
const point_result& most_gaining_point(const report& what) {
    return *std::ranges::max_element(what.points, {}, [](const point_result& each) {
        const double spmd = find_way(each, "spmd")->median_ns.value;
        return spmd > 0 ? find_way(each, "serial")->median_ns.value / spmd : 0;
    });
}

/// The costs are wall times on the threads of the first point; a thread's own are so many times as much.
model_parts parts_of(const report& what, const point_result& at) {
    const way_cost& cost = *std::ranges::find(what.answer.costs, "spmd", &way_cost::name);
    const auto value = [](const std::optional<interval_estimate>& of) {
        return of ? std::max(0.0, of->value) : 0;
    };
    const auto threads = static_cast<double>(what.points.front().at.threads);
    model_parts parts{.launch = value(cost.per_run_ns),
                      .per_rank = threads * value(cost.per_rank_ns),
                      .per_item = threads * value(cost.per_item_ns),
                      .work = find_way(at, "serial")->median_ns.value};
    if (at.at.threads > 1 && at.spmd_parts && at.spmd_parts->items_ns > 0)
        parts.slowdown = std::max(1.0, 1 + at.spmd_parts->slower_ns / at.spmd_parts->items_ns);
    return parts;
}

std::string counted(std::size_t count, const char* what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::vector<std::string> limits_of(const scaling_model& of, std::size_t available) {
    std::vector<std::string> limits;
    const std::size_t at_once = std::min(of.at.threads, available);
    const std::string measured = counted(of.at.threads, "thread");
    limits.push_back(fmt::format("It was measured on {}{}: beyond {} cores it is a guess.", measured,
                                 at_once < of.at.threads
                                     ? fmt::format(", which took turns, as {} {} available",
                                                   counted(at_once, "CPU"), at_once == 1 ? "is" : "are")
                                     : "",
                                 at_once * static_cast<std::size_t>(trusted_growth)));
    for (const model_prediction& each : of.predictions)
        if (each.high_ns - each.low_ns > wide_band * each.low_ns) {
            limits.push_back(fmt::format("From {} cores on it cannot tell how much of what items cost the "
                                         "threads share: its bounds are more than {:.0f} % apart.",
                                         each.cores, 100 * wide_band));
            break;
        }
    if (of.at.ranks < most_cores)
        limits.push_back(
            fmt::format("More cores than the {} ranks gain nothing: take more --ranks.", of.at.ranks));
    if (of.parts.slowdown > clear_slowdown)
        limits.push_back(fmt::format("Items that run at once take {:.2f} times as long as alone; that this "
                                     "stays so with more cores, which "
                                     "share memory and I/O, is not known.",
                                     of.parts.slowdown));
    limits.emplace_back("Several sockets, and more than one thread a core, were not looked at.");
    std::size_t far_off = 0;
    double worst = 1;
    for (const model_residual& each : of.residuals) {
        const double ratio = each.measured_ns / each.predicted_ns;
        if (std::abs(ratio - 1) > fitting) ++far_off;
        if (std::abs(std::log(ratio)) > std::abs(std::log(worst))) worst = ratio;
    }
    limits.push_back(fmt::format("Of {} measured point{}, {} {} more than {:.0f} % from it; the farthest "
                                 "took {:.2f} times what it says.",
                                 of.residuals.size(), of.residuals.size() == 1 ? "" : "s", far_off,
                                 far_off == 1 ? "is" : "are", 100 * fitting, worst));
    return limits;
}

} // namespace

double predicted_ns(const model_parts& parts, const sweep_point& at) {
    return bounds_of(parts, at, at.threads).middle();
}

scaling_model model_of(const report& what) {
    const point_result& best = most_gaining_point(what);
    scaling_model made{best.at, parts_of(what, best), {}, {}, {}};
    for (std::size_t cores = 1; cores <= most_cores; cores *= 2) {
        const bounds time = bounds_of(made.parts, made.at, cores);
        made.predictions.push_back({cores, time.low, time.high, made.parts.work / time.middle(),
                                    limit_at(made.parts, made.at, cores)});
    }
    for (const point_result& each : what.points) {
        model_parts parts = parts_of(what, each);
        parts.slowdown = made.parts.slowdown;
        made.residuals.push_back(
            {each.at, find_way(each, "spmd")->median_ns.value, predicted_ns(parts, each.at)});
    }
    made.limits = limits_of(made, what.available_threads);
    return made;
}

} // namespace spmd_bench
