#include "spmd_bench/options/placement_names.hpp"
#include "spmd_bench/report/render.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace spmd_bench {
namespace {

using nlohmann::ordered_json;

ordered_json json_of(const interval_estimate& figure) {
    return {{"value", figure.value}, {"low", figure.low}, {"high", figure.high}};
}

ordered_json json_of(const std::optional<interval_estimate>& figure) {
    return figure ? json_of(*figure) : ordered_json(nullptr);
}

template <class T>
ordered_json json_or_null(const std::optional<T>& value) {
    return value ? ordered_json(*value) : ordered_json(nullptr);
}

/// The optional settings of a point. Nothing: the pool chooses, the workload has no such setting, or the
/// files of a directory have their own sizes.
struct settings_of_some {
    std::optional<std::size_t> chunk;
    std::optional<std::int64_t> item_cost_ns;
    std::optional<std::uint64_t> file_size;
    std::optional<double> skew;
};

settings_of_some settings_of(const options& request, const sweep_point& point) {
    const workload_kind kind = request.workload;
    settings_of_some settings;
    if (point.chunk != 0) settings.chunk = point.chunk;
    if (has_cost(kind)) settings.item_cost_ns = point.item_cost.count();
    if (kind == workload_kind::mixed) settings.skew = point.skew;
    if (has_bytes(kind) && request.input.empty()) settings.file_size = point.file_size;
    return settings;
}

ordered_json json_of(const options& request, const sweep_point& point) {
    const settings_of_some some = settings_of(request, point);
    return {{"ranks", point.ranks},
            {"items", point.items},
            {"threads", point.threads},
            {"chunk", json_or_null(some.chunk)},
            {"item_cost_ns", json_or_null(some.item_cost_ns)},
            {"file_size_bytes", json_or_null(some.file_size)},
            {"skew", json_or_null(some.skew)}};
}

ordered_json json_of(const point_result& point, const way_result& way) {
    return {{"way", way.name},
            {"median_ns", json_of(way.median_ns)},
            {"mad_ns", way.mad_ns},
            {"min_ns", way.min_ns},
            {"items_per_second", items_per_second(point, way)},
            {"bytes_per_second", bytes_per_second(point, way)},
            {"submissions", json_or_null(way.submissions)},
            {"ratio_to_map", json_of(way.ratio_to_map)},
            {"ratio_to_read", json_of(way.ratio_to_read)},
            {"outliers", way.outliers},
            {"unstable", way.unstable},
            {"samples_ns", way.samples_ns},
            {"pace_ns", way.pace_ns}};
}

ordered_json json_of(const std::optional<time_parts>& parts) {
    if (!parts) return nullptr;
    return {{"total_ns", parts->total_ns},
            {"items_ns", parts->items_ns},
            {"slower_ns", parts->slower_ns},
            {"imbalance_ns", parts->imbalance_ns},
            {"scheduling_ns", parts->scheduling_ns}};
}

ordered_json json_of(const options& request, const point_result& point) {
    ordered_json object = {{"at", json_of(request, point.settings)},
                           {"bytes", point.bytes},
                           {"ways", ordered_json::array()},
                           {"spmd_parts", json_of(point.spmd_parts)},
                           {"warnings", ordered_json::array()}};
    for (const warning& each : point.warnings) object["warnings"].push_back(text_of(each));
    for (const way_result& way : point.ways) object["ways"].push_back(json_of(point, way));
    return object;
}

ordered_json json_of(const options& request, const report_answer& answer) {
    ordered_json object = {{"sentences", answer.sentences},
                           {"crossovers", ordered_json::array()},
                           {"enough_ranks", ordered_json::array()},
                           {"costs", ordered_json::array()}};
    for (const crossover& each : answer.crossovers)
        object["crossovers"].push_back({{"at", json_of(request, each.settings)},
                                        {"crossing_item_cost_ns", json_of(each.crossing_ns)},
                                        {"even_item_cost_ns", json_of(each.even_ns)}});
    for (const enough_ranks& each : answer.ranks)
        object["enough_ranks"].push_back({{"at", json_of(request, each.settings)},
                                          {"fastest_ranks", each.fastest},
                                          {"most_ranks", each.most}});
    for (const way_cost& each : answer.costs)
        object["costs"].push_back({{"way", name_of(each.way)},
                                   {"per_run_ns", json_of(each.per_run_ns)},
                                   {"per_rank_ns", json_of(each.per_rank_ns)},
                                   {"per_item_ns", json_of(each.per_item_ns)}});
    return object;
}

/// Empty for nothing.
template <class T>
std::string field(const std::optional<T>& value) {
    return value ? fmt::format("{}", *value) : "";
}

/// Three fields: the value and its bounds.
std::string fields(const std::optional<interval_estimate>& figure) {
    return figure ? fmt::format("{:.6g},{:.6g},{:.6g}", figure->value, figure->low, figure->high) : ",,";
}

/// A field of any text. Source: RFC 4180, section 2.
std::string quoted_field(std::string_view text) {
    if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
    std::string quoted = "\"";
    for (const char c : text) quoted.append(c == '"' ? 2 : 1, c);
    return quoted + '"';
}

std::string csv_line(const options& request, const point_result& point, const way_result& way) {
    const sweep_point& settings = point.settings;
    const settings_of_some some = settings_of(request, settings);
    return fmt::format(
        "{},{},{},{},{},{},{},{},{},{},{:.1f},{:.1f},{:.1f},{:.1f},{:.1f},{:.6g},{:.6g},{},{},{},{},{}\n",
        settings.ranks, settings.items, settings.threads, field(some.chunk), field(some.item_cost_ns),
        field(some.file_size), field(some.skew), point.bytes, quoted_field(way.name), way.samples_ns.size(),
        way.median_ns.value, way.median_ns.low, way.median_ns.high, way.mad_ns, way.min_ns,
        items_per_second(point, way), bytes_per_second(point, way), field(way.submissions),
        fields(way.ratio_to_map), way.outliers, way.unstable ? "true" : "false",
        fmt::join(way.samples_ns, " "));
}

} // namespace

std::string render_csv(const report& what) {
    std::string text =
        "ranks,items,threads,chunk,item_cost_ns,file_size_bytes,skew,bytes,way,rounds,median_ns,"
        "median_low_ns,median_high_ns,mad_ns,min_ns,items_per_second,bytes_per_second,submissions,"
        "ratio_to_map,ratio_to_map_low,ratio_to_map_high,outliers,unstable,samples_ns\n";
    for (const point_result& point : what.points)
        for (const way_result& way : point.ways) text += csv_line(what.request, point, way);
    return text;
}

std::string render_json(const report& what) {
    const options& request = what.request;
    ordered_json all = {
        {"schema_version", schema_version},
        {"version", what.version},
        {"commit", what.commit},
        {"machine", {{"cpu", what.cpu}, {"available_threads", what.available_threads}}},
        {"command", command_of(what)},
        {"clock_overhead_ns", what.clock_overhead_ns},
        {"pool",
         {{"placement_requested", name_of(what.pool.requested)},
          {"placement", name_of(what.pool.got)},
          {"reason", what.pool.reason},
          {"pinned", request.pin}}},
        {"workload", {{"kind", name_of(request.workload)}, {"description", what.workload}}},
        {"repetitions", request.measurement.repetitions},
        {"warmup", request.measurement.warmup},
        {"seed", request.measurement.seed},
        {"swept", ordered_json::array()},
        {"points", ordered_json::array()},
        {"answer", json_of(request, what.answer)},
        {"absent_peers", ordered_json::array()},
    };
    for (const sweep_axis axis : what.swept) all["swept"].push_back(name_of(axis));
    for (const point_result& point : what.points) all["points"].push_back(json_of(request, point));
    for (const auto& [peer, reason] : what.absent_peers)
        all["absent_peers"].push_back({{"way", peer}, {"reason", reason}});
    // A path may be any bytes; JSON is UTF-8.
    return all.dump(2, ' ', false, ordered_json::error_handler_t::replace) + '\n';
}

std::string render(const report& what, report_format format) {
    switch (format) {
        case report_format::markdown: return render_markdown(what);
        case report_format::html: return render_html(what);
        case report_format::csv: return render_csv(what);
        case report_format::json: return render_json(what);
        case report_format::table: break;
    }
    return render_table(what);
}

} // namespace spmd_bench
