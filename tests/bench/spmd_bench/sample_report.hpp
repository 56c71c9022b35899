#pragma once

#include <spmd_bench/analysis/answer.hpp>
#include <spmd_bench/analysis/report.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace test_support {

/// So many rounds of the same time.
inline std::vector<double> always(double nanoseconds, std::size_t rounds = 7) {
    return std::vector<double>(rounds, nanoseconds);
}

/// Times in ns that were chosen for their medians: serial 2,000,000, map 1,000,000, spmd 900,000, read
/// 500,000.
inline std::vector<spmd_bench::measurement> sample_measurements() {
    return {
        {spmd_bench::way_kind::serial, 0, {2.0e6, 2.0e6, 2.1e6, 1.9e6, 2.0e6, 2.0e6, 2.2e6}},
        {spmd_bench::way_kind::map, 500, always(1.0e6)},
        {spmd_bench::way_kind::map_chunked, std::nullopt, {1.1e6, 1.2e6, 1.1e6, 1.1e6, 1.1e6, 1.1e6, 1.1e6}},
        {spmd_bench::way_kind::spmd, 100, {0.9e6, 0.8e6, 0.9e6, 0.95e6, 0.9e6, 0.9e6, 0.9e6}},
        {spmd_bench::way_kind::read, 100, always(0.5e6)}};
}

/// A report of one point, whose figures are worked out by hand; without an answer.
inline spmd_bench::report sample_report() {
    spmd_bench::report result;
    result.version = "1.2.3";
    result.commit = "0123456789ab";
    result.cpu = "AMD EPYC 9J14";
    result.available_threads = 2;
    result.pool.arenas = {{.threads = 2, .ranks = {0, 100}}};
    result.request.ways = {spmd_bench::way_kind::serial, spmd_bench::way_kind::map,
                           spmd_bench::way_kind::map_chunked, spmd_bench::way_kind::spmd,
                           spmd_bench::way_kind::read};
    result.request.axes.threads = {{2}, "2"};
    result.workload = "MD5 of 500 files, 500 KiB in all, random bytes, seed 1";
    result.clock_overhead_ns = 25;
    result.points = {spmd_bench::summarise({.ranks = 100, .items = 500, .threads = 2}, 512'000,
                                           sample_measurements(), result.clock_overhead_ns)};
    result.points[0].spmd_parts = spmd_bench::time_parts{.total_ns = 1'800'000,
                                                         .items_ns = 900'000,
                                                         .slower_ns = 540'000,
                                                         .imbalance_ns = 180'000,
                                                         .scheduling_ns = 180'000};
    return result;
}

/// A report of a sweep over item costs, without noise: map takes 500 (cost + 200 ns), spmd 500 * 1.5 cost.
inline spmd_bench::report sample_sweep() {
    spmd_bench::report result = sample_report();
    result.request.workload = spmd_bench::workload_kind::spin;
    result.request.ways = {spmd_bench::way_kind::map, spmd_bench::way_kind::spmd};
    result.request.axes.item_cost = {{}, "0,100ns,1us"};
    result.swept = {spmd_bench::sweep_axis::item_cost};
    result.workload = "items that spin";
    result.points.clear();
    for (const int cost : {0, 100, 1'000}) {
        const std::vector<spmd_bench::measurement> both{
            {spmd_bench::way_kind::map, 500, always(500.0 * (cost + 200))},
            {spmd_bench::way_kind::spmd, 100, always(500.0 * 1.5 * cost)}};
        result.request.axes.item_cost.values.emplace_back(cost);
        result.points.push_back(spmd_bench::summarise(
            {.threads = 2, .item_cost = std::chrono::nanoseconds(cost)}, 0, both, result.clock_overhead_ns));
    }
    return result;
}

} // namespace test_support
