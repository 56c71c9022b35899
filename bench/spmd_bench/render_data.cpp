#include "render.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace spmd_bench {
namespace {

using json = nlohmann::ordered_json;

template <class T>
json json_of(const std::optional<T>& value) {
    return value ? json(*value) : json(nullptr);
}

json json_of(const std::optional<time_ratio>& ratio) {
    if (!ratio) return nullptr;
    return {{"median", ratio->value}, {"low", ratio->likely.low}, {"high", ratio->likely.high}};
}

json json_of(const way_summary& way) {
    return {{"way", way.way},
            {"median_ns", way.median_ns},
            {"mad_ns", way.mad_ns},
            {"min_ns", way.min_ns},
            {"items_per_second", way.items_per_second},
            {"bytes_per_second", way.bytes_per_second},
            {"submissions", json_of(way.submissions)},
            {"ratio_to_map", json_of(way.to_map)},
            {"ratio_to_read", json_of(way.to_read)},
            {"times_ns", way.nanoseconds}};
}

std::string field(const std::optional<std::size_t>& count) { return count ? fmt::format("{}", *count) : ""; }
std::string field(const std::optional<time_ratio>& ratio) {
    return ratio ? fmt::format("{:.4f}", ratio->value) : "";
}

} // namespace

std::string render_csv(const report& what) {
    std::string text =
        "way,median_ns,mad_ns,min_ns,items_per_second,bytes_per_second,submissions,ratio_to_map,"
        "ratio_to_read\n";
    for (const way_summary& way : what.ways) {
        text += fmt::format("{},{:.0f},{:.0f},{:.0f},{:.0f},{:.0f},{},{},{}\n", way.way, way.median_ns,
                            way.mad_ns, way.min_ns, way.items_per_second, way.bytes_per_second,
                            field(way.submissions), field(way.to_map), field(way.to_read));
    }
    return text;
}

std::string render_json(const report& what) {
    const options& asked = what.asked;
    json all = {
        {"machine", {{"cpu", what.cpu}, {"available_threads", what.available_threads}}},
        {"pool",
         {{"ranks", asked.ranks},
          {"threads", what.pool.threads()},
          {"placement_asked", name_of(what.pool.asked)},
          {"placement", name_of(what.pool.got)},
          {"reason", what.pool.reason},
          {"pinned", asked.pin}}},
        {"workload",
         {{"kind", name_of(asked.workload.kind)},
          {"description", what.workload},
          {"items", what.items},
          {"bytes", what.bytes}}},
        {"repetitions", asked.measurement.repetitions},
        {"warmup", asked.measurement.warmup},
        {"seed", asked.measurement.seed},
        {"options", fmt::format("{}", fmt::join(spelled_out(asked), " "))},
        {"ways", json::array()},
        {"conclusion", conclusion(what.ways)},
    };
    for (const way_summary& way : what.ways) all["ways"].push_back(json_of(way));
    // A path may be any bytes; JSON is UTF-8.
    return all.dump(2, ' ', false, json::error_handler_t::replace) + '\n';
}

std::string render(const report& what) {
    switch (what.asked.format) {
        case report_format::markdown: return render_markdown(what);
        case report_format::csv: return render_csv(what);
        case report_format::json: return render_json(what);
        case report_format::table: break;
    }
    return render_table(what);
}

} // namespace spmd_bench
