#include "spmd_bench/report/stored_report.hpp"

#include "spmd_bench/options/names.hpp"
#include "spmd_bench/options/placement_names.hpp"
#include "spmd_bench/report/render.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <fstream>
#include <limits>
#include <system_error>
#include <utility>

namespace spmd_bench {
namespace {

using nlohmann::json;
using samples = std::vector<double>;

constexpr int oldest_schema = 2; // without the version and the commit, which are not read

/// A whole number of at least `least`; the library would convert any number.
template <class T = std::size_t>
T count_from(const json& object, const char* name, std::uint64_t least = 0) {
    const json& found = object.at(name);
    const auto refuse = [&] {
        throw report_error(fmt::format("{} is {}, not a whole number from {} to {}", name, found.dump(),
                                       least, std::numeric_limits<T>::max()));
    };
    if (!found.is_number_unsigned()) refuse();
    const auto count = found.get<std::uint64_t>();
    if (count < least || !std::in_range<T>(count)) refuse();
    return static_cast<T>(count);
}

samples samples_from(const json& way, const char* name) {
    auto times = way.value(name, samples{});
    for (const double each : times)
        if (!(each > 0 && std::isfinite(each)))
            throw report_error(fmt::format("{} of the way '{}' has {}, not a positive time", name,
                                           way.at("way").get<std::string>(), each));
    return times;
}

/// `otherwise` for null: settings that the workload does not have are equal in all reports of it.
template <class T>
T count_or(const json& object, const char* name, T otherwise, std::uint64_t least = 0) {
    return object.at(name).is_null() ? otherwise : count_from<T>(object, name, least);
}

/// The enumerator of a text in the field `name`.
template <has_names Enum>
Enum enumerator_from(const json& text, const char* name) {
    try {
        return named_by<Enum>(text.get<std::string>());
    } catch (const name_error& error) {
        throw report_error(std::string(name) + ' ' + error.what());
    }
}

sweep_point point_from(const json& settings) {
    const sweep_point defaults;
    return {.ranks = count_from(settings, "ranks", 1),
            .items = count_from(settings, "items"),
            .threads = count_from(settings, "threads", 1),
            .chunk = count_or(settings, "chunk", defaults.chunk, 1),
            .item_cost = std::chrono::nanoseconds(
                count_or<std::int64_t>(settings, "item_cost_ns", defaults.item_cost.count())),
            .file_size = count_or(settings, "file_size_bytes", defaults.file_size),
            .skew = settings.at("skew").is_null() ? defaults.skew : settings.at("skew").get<double>()};
}

timed_way way_from(const json& object) {
    timed_way way{object.at("way").get<std::string>(), samples_from(object, "samples_ns"),
                  samples_from(object, "pace_ns")};
    if (way.times.empty()) throw report_error("a way without samples");
    if (way.pace.size() != way.times.size()) way.pace.clear();
    if (object.contains("submissions") && !object.at("submissions").is_null())
        way.submissions = count_from(object, "submissions");
    return way;
}

std::vector<sweep_axis> swept_from(const json& all) {
    std::vector<sweep_axis> swept;
    for (const json& axis : all.at("swept")) swept.push_back(enumerator_from<sweep_axis>(axis, "swept"));
    return swept;
}

stored_report report_from(const json& all) {
    stored_report report{.cpu = all.at("machine").at("cpu").get<std::string>(),
                         .seed = all.at("seed").dump(),
                         .warmup = count_from(all, "warmup"),
                         .placement =
                             enumerator_from<spmd::placement>(all.at("pool").at("placement"), "placement"),
                         .pinned = all.at("pool").at("pinned").get<bool>(),
                         .swept = swept_from(all)};
    const auto workload = enumerator_from<workload_kind>(all.at("workload").at("kind"), "kind");
    for (const json& object : all.at("points")) {
        measured_point& point = report.points.emplace_back(measured_point{
            workload, point_from(object.at("at")), count_from<std::uint64_t>(object, "bytes"), {}});
        for (const json& way : object.at("ways")) point.ways.push_back(way_from(way));
    }
    if (report.points.empty()) throw report_error("it has no points");
    return report;
}

} // namespace

stored_report read_report(const std::string& path) {
    std::ifstream file(path);
    if (!file) throw report_error(path + ": " + std::generic_category().message(errno));
    try {
        const json all = json::parse(file);
        const json& version = all.at("schema_version");
        if (version < oldest_schema || version > schema_version)
            throw report_error(fmt::format("schema_version is {}, not {} to {}", version.dump(),
                                           oldest_schema, schema_version));
        return report_from(all);
    } catch (const std::exception& error) {
        throw report_error(path + ": not a report of spmd_bench: " + error.what());
    }
}

const timed_way* find_way(const measured_point& point, const std::string& way) {
    const auto found = std::ranges::find(point.ways, way, &timed_way::name);
    return found != point.ways.end() ? &*found : nullptr;
}

} // namespace spmd_bench
