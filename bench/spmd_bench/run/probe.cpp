#include "spmd_bench/run/probe.hpp"

#include "spmd_bench/run/measure.hpp"
#include "spmd_bench/run/ways.hpp"

#include <spmd/spmd.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <variant>

namespace spmd_bench {
namespace {

using clock = std::chrono::steady_clock;

constexpr std::size_t most_runs = 5;
constexpr std::chrono::milliseconds long_enough{500};

double nanoseconds_since(clock::time_point begin) {
    return std::chrono::duration<double, std::nano>(clock::now() - begin).count();
}

template <class Work>
time_parts parts_of_one_run(const Work& work, const spmd::engine_pool& pool) {
    const auto items = work.items();
    const auto serial_begin = clock::now();
    static_cast<void>(results_of(work, items));
    const double serial = nanoseconds_since(serial_begin);

    const auto run = [&] {
        return pool.with({.timing = true})
            .broadcast([&](spmd::rank me) { return results_of(work, me.part(items)); })
            .start();
    };
    static_cast<void>(run().concat()); // threads awake and caches warm, as in the measured runs
    const auto begin = clock::now();
    auto running = run();
    const spmd::timing timing = running.timing();
    static_cast<void>(running.concat());
    return parts_of_run(timing.tasks(), pool.threads(), nanoseconds_since(begin), serial);
}

bool launches_ranks(way_kind way) {
    return way == way_kind::spmd || way == way_kind::spmd_graph || way == way_kind::spmd_relist;
}

/// The differences within rounds, divided by `count`.
interval_estimate per(std::span<const double> more, std::span<const double> less, std::size_t count) {
    std::vector<double> each;
    each.reserve(more.size());
    for (std::size_t round = 0; round < more.size(); ++round)
        each.push_back((more[round] - less[round]) / static_cast<double>(count));
    return median_estimate(each);
}

} // namespace

time_parts measure_parts(const workload& work, const spmd::engine_pool& pool) {
    const auto begin = clock::now();
    std::vector<time_parts> runs;
    while (runs.empty() || (runs.size() < most_runs && clock::now() - begin < long_enough))
        runs.push_back(std::visit([&](const auto& each) { return parts_of_one_run(each, pool); }, work));
    std::ranges::sort(runs, {}, &time_parts::total_ns);
    return runs[runs.size() / 2];
}

std::vector<way_cost> measure_costs(const spmd::engine_pool_options& pool, const cost_scale& scale,
                                    std::span<const way_kind> ways, std::uint64_t seed) {
    std::vector<way_kind> kinds;
    for (const way_kind way : ways)
        if (why_not(way, workload_kind::empty).empty()) kinds.push_back(way);

    spmd::engine_pool_options alone = pool;
    alone.ranks = 1;
    spmd::engine_pool_options many = pool;
    many.ranks = scale.ranks;
    const spmd::engine_pool one_rank(alone);
    const spmd::engine_pool all_ranks(many);
    const workload nothing = empty_workload(0);
    const workload items = empty_workload(scale.items);
    std::vector<way_group> groups;
    groups.push_back(make_ways(nothing, one_rank, kinds));
    groups.push_back(make_ways(nothing, all_ranks, kinds));
    groups.push_back(make_ways(items, all_ranks, kinds));
    const auto measured = measure(groups, {.repetitions = scale.rounds, .warmup = 1, .seed = seed});

    std::vector<way_cost> costs;
    costs.reserve(kinds.size());
    for (std::size_t i = 0; i < kinds.size(); ++i)
        costs.push_back(cost_of(kinds[i], measured[0][i].nanoseconds, measured[1][i].nanoseconds,
                                measured[2][i].nanoseconds, scale));
    return costs;
}

way_cost cost_of(way_kind way, std::span<const double> one_rank, std::span<const double> no_items,
                 std::span<const double> all, const cost_scale& scale) {
    way_cost cost{.way = way, .per_run_ns = median_estimate(one_rank), .per_rank_ns = {}, .per_item_ns = {}};
    if (launches_ranks(way) && scale.ranks > 1) cost.per_rank_ns = per(no_items, one_rank, scale.ranks - 1);
    if (scale.items > 0) cost.per_item_ns = per(all, no_items, scale.items);
    return cost;
}

} // namespace spmd_bench
