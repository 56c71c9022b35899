#include "spmd_bench/run/experiment.hpp"

#include "spmd_bench/analysis/answer.hpp"
#include "spmd_bench/run/machine.hpp"
#include "spmd_bench/run/probe.hpp"

#include <spmd/spmd.hpp>
#include <spmd/version.hpp>

#include <environment/source_commit.hpp>

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

namespace spmd_bench {
namespace {

constexpr std::size_t most_probe_items = 100'000;
constexpr std::size_t most_probe_ranks = 10'000;

/// A point with its workload and its pool.
struct prepared_point {
    sweep_point settings;
    std::shared_ptr<const workload> work;
    std::shared_ptr<const spmd::engine_pool> pool;
};

bool same_workload(const sweep_point& one, const sweep_point& other) {
    return one.items == other.items && one.item_cost == other.item_cost && one.file_size == other.file_size &&
           one.skew == other.skew;
}

bool same_pool(const sweep_point& one, const sweep_point& other) {
    return one.ranks == other.ranks && one.threads == other.threads;
}

std::vector<prepared_point> prepare(const options& request, temporary_directory& scratch,
                                    const std::optional<spmd::trace_recorder>& trace) {
    const auto make_pool = [&](const sweep_point& point) {
        spmd::engine_pool_options options = pool_at(request, point);
        options.trace = trace;
        return std::make_shared<spmd::engine_pool>(options);
    };
    std::vector<prepared_point> prepared;
    for (const sweep_point& point : points_of(request.axes)) {
        const auto alike = [&](auto same) {
            return std::ranges::find_if(
                prepared, [&](const prepared_point& each) { return same(each.settings, point); });
        };
        const auto work = alike(same_workload);
        const auto pool = alike(same_pool);
        prepared.push_back({point,
                            work != prepared.end() ? work->work
                                                   : std::make_shared<workload>(
                                                         make_workload(workload_at(request, point), scratch)),
                            pool != prepared.end() ? pool->pool : make_pool(point)});
    }
    return prepared;
}

std::vector<std::vector<measurement>>
measure_all(const options& request, const std::vector<prepared_point>& prepared,
            const std::function<void(const measure_progress&)>& progress) {
    std::vector<way_group> groups;
    groups.reserve(prepared.size());
    for (const prepared_point& each : prepared)
        groups.push_back(
            make_ways(*each.work, *each.pool, request.ways,
                      each.settings.chunk == 0 ? std::nullopt : std::optional(each.settings.chunk)));
    return measure(groups, request.measurement, progress);
}

point_result result_of(const prepared_point& prepared, const std::vector<measurement>& measured,
                       bool has_spmd, double clock_overhead_ns) {
    sweep_point settings = prepared.settings;
    std::uint64_t bytes = 0;
    std::visit(
        [&](const auto& work) {
            settings.items = work.items().size(); // the files of a directory were not counted before
            bytes = work.bytes();
        },
        *prepared.work);
    point_result result = summarise(settings, bytes, measured, clock_overhead_ns);
    if (has_spmd) result.spmd_parts = measure_parts(*prepared.work, *prepared.pool);
    return result;
}

/// The most items and ranks of any point, bounded so that the probe is short.
cost_scale scale_of(const std::vector<point_result>& points, std::size_t rounds) {
    cost_scale scale{.items = 0, .ranks = 0, .rounds = rounds};
    for (const point_result& each : points) {
        scale.items = std::clamp(each.settings.items, scale.items, most_probe_items);
        scale.ranks = std::clamp(each.settings.ranks, scale.ranks, most_probe_ranks);
    }
    return scale;
}

std::vector<std::pair<std::string, std::string>> absent_peers() {
    std::vector<std::pair<std::string, std::string>> absent;
    for (const auto& [name, way] : names<way_kind>) {
        std::string reason = why_not(way, workload_kind::files);
        if (!reason.empty()) absent.emplace_back(name, std::move(reason));
    }
    return absent;
}

} // namespace

report run_experiment(const options& request, temporary_directory& scratch,
                      const std::optional<spmd::trace_recorder>& trace,
                      const std::function<void(const measure_progress&)>& progress) {
    const std::vector<prepared_point> prepared = prepare(request, scratch, trace);
    const prepared_point& first = prepared.front();
    report result;
    result.version = SPMD_VERSION;
    result.commit = source_commit;
    result.cpu = cpu_model();
    result.available_threads = spmd::available_threads();
    result.pool = first.pool->topology();
    result.request = request;
    result.clock_overhead_ns = clock_overhead_ns();
    result.swept = swept_axes(request.axes);
    result.absent_peers = absent_peers();
    result.workload = result.swept.empty() ? description(workload_at(request, first.settings), *first.work)
                                           : common_description(workload_at(request, first.settings));
    const auto measured = measure_all(request, prepared, progress);
    const bool has_spmd = std::ranges::find(request.ways, way_kind::spmd) != request.ways.end();
    for (std::size_t i = 0; i < prepared.size(); ++i)
        result.points.push_back(result_of(prepared[i], measured[i], has_spmd, result.clock_overhead_ns));
    result.answer = answer_of(result, measure_costs(pool_at(request, first.settings),
                                                    scale_of(result.points, request.measurement.repetitions),
                                                    request.ways, request.measurement.seed));
    return result;
}

} // namespace spmd_bench
