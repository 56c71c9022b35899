#include "experiment.hpp"

#include "answer.hpp"
#include "machine.hpp"
#include "probe.hpp"

#include <spmd/spmd.hpp>

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

namespace spmd_bench {
namespace {

constexpr std::size_t most_probe_items = 100'000;
constexpr std::size_t most_probe_ranks = 10'000;

/// What one point is measured with.
struct prepared_point {
    sweep_point at;
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

std::vector<prepared_point> prepare(const options& asked, temporary_directory& scratch,
                                    const std::optional<spmd::trace_recorder>& trace) {
    const auto make_pool = [&](const sweep_point& at) {
        spmd::engine_pool_options options = pool_at(asked, at);
        options.trace = trace;
        return std::make_shared<spmd::engine_pool>(options);
    };
    std::vector<prepared_point> prepared;
    for (const sweep_point& at : points_of(asked.axes)) {
        const auto alike = [&](auto same) {
            return std::ranges::find_if(prepared,
                                        [&](const prepared_point& each) { return same(each.at, at); });
        };
        const auto work = alike(same_workload);
        const auto pool = alike(same_pool);
        prepared.push_back({at,
                            work != prepared.end()
                                ? work->work
                                : std::make_shared<workload>(make_workload(workload_at(asked, at), scratch)),
                            pool != prepared.end() ? pool->pool : make_pool(at)});
    }
    return prepared;
}

std::vector<std::vector<measurement>> measure_all(const options& asked,
                                                  const std::vector<prepared_point>& prepared,
                                                  const std::function<void(const measure_progress&)>& tell) {
    std::vector<way_group> groups;
    groups.reserve(prepared.size());
    for (const prepared_point& each : prepared)
        groups.push_back(make_ways(*each.work, *each.pool, asked.ways,
                                   each.at.chunk == 0 ? std::nullopt : std::optional(each.at.chunk)));
    return measure(groups, asked.measurement, tell);
}

point_result result_at(const prepared_point& of, const std::vector<measurement>& measured, bool has_spmd,
                       double clock_overhead_ns) {
    sweep_point at = of.at;
    std::uint64_t bytes = 0;
    std::visit(
        [&](const auto& work) {
            at.items = work.items().size(); // those of a directory were not known before
            bytes = work.bytes();
        },
        *of.work);
    point_result result = summarise(at, bytes, measured, clock_overhead_ns);
    if (has_spmd) result.spmd_parts = measure_parts(*of.work, *of.pool);
    return result;
}

/// With as many items and ranks as the largest point has, as far as that takes no time.
cost_scale scale_of(const std::vector<point_result>& points, std::size_t rounds) {
    cost_scale scale{.items = 0, .ranks = 0, .rounds = rounds};
    for (const point_result& each : points) {
        scale.items = std::clamp(each.at.items, scale.items, most_probe_items);
        scale.ranks = std::clamp(each.at.ranks, scale.ranks, most_probe_ranks);
    }
    return scale;
}

std::vector<std::pair<std::string, std::string>> absent_peers() {
    std::vector<std::pair<std::string, std::string>> absent;
    for (const way_description& each : all_ways()) {
        std::string reason = why_not(each.name, workload_kind::files);
        if (!reason.empty()) absent.emplace_back(each.name, std::move(reason));
    }
    return absent;
}

} // namespace

report run_experiment(const options& asked, temporary_directory& scratch,
                      const std::optional<spmd::trace_recorder>& trace,
                      const std::function<void(const measure_progress&)>& tell) {
    const std::vector<prepared_point> prepared = prepare(asked, scratch, trace);
    const prepared_point& first = prepared.front();
    report made;
    made.cpu = cpu_model();
    made.available_threads = spmd::available_threads();
    made.pool = first.pool->topology();
    made.asked = asked;
    made.clock_overhead_ns = clock_overhead_ns();
    made.swept = swept_names(asked.axes);
    made.absent_peers = absent_peers();
    made.workload = made.swept.empty() ? description(workload_at(asked, first.at), *first.work)
                                       : common_description(workload_at(asked, first.at));
    const auto measured = measure_all(asked, prepared, tell);
    const bool has_spmd = std::ranges::find(asked.ways, "spmd") != asked.ways.end();
    for (std::size_t i = 0; i < prepared.size(); ++i)
        made.points.push_back(result_at(prepared[i], measured[i], has_spmd, made.clock_overhead_ns));
    made.answer = answer_of(made, measure_costs(pool_at(asked, first.at),
                                                scale_of(made.points, asked.measurement.repetitions),
                                                asked.ways, asked.measurement.seed));
    return made;
}

} // namespace spmd_bench
