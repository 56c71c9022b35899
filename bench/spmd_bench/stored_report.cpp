#include "stored_report.hpp"

#include "report.hpp"

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

/// A whole number, of which the library would make one that is none.
template <class T = std::size_t>
T count_from(const json& of, const char* name, std::uint64_t least = 0) {
    const json& found = of.at(name);
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
            throw report_error(fmt::format("{} of the way '{}' has {}, not a time above 0", name,
                                           way.at("way").get<std::string>(), each));
    return times;
}

/// `otherwise` for null: a setting that the workload does not have is the same in all reports of it.
template <class T>
T count_or(const json& of, const char* name, T otherwise, std::uint64_t least = 0) {
    return of.at(name).is_null() ? otherwise : count_from<T>(of, name, least);
}

sweep_point point_from(const json& at) {
    const sweep_point usual;
    return {.ranks = count_from(at, "ranks", 1),
            .items = count_from(at, "items"),
            .threads = count_from(at, "threads", 1),
            .chunk = count_or(at, "chunk", usual.chunk, 1),
            .item_cost =
                std::chrono::nanoseconds(count_or<std::int64_t>(at, "item_cost_ns", usual.item_cost.count())),
            .file_size = count_or(at, "file_size_bytes", usual.file_size),
            .skew = at.at("skew").is_null() ? usual.skew : at.at("skew").get<double>()};
}

timed_way way_from(const json& way) {
    timed_way made{way.at("way").get<std::string>(), samples_from(way, "samples_ns"),
                   samples_from(way, "pace_ns")};
    if (made.times.empty()) throw report_error("a way without samples");
    if (made.pace.size() != made.times.size()) made.pace.clear();
    if (way.contains("submissions") && !way.at("submissions").is_null())
        made.submissions = count_from(way, "submissions");
    return made;
}

stored_report report_from(const json& all) {
    stored_report made{.cpu = all.at("machine").at("cpu").get<std::string>(),
                       .seed = all.at("seed").dump(),
                       .warmup = count_from(all, "warmup"),
                       .placement = all.at("pool").at("placement").get<std::string>(),
                       .pinned = all.at("pool").at("pinned").get<bool>(),
                       .swept = all.at("swept").get<std::vector<std::string>>()};
    for (const json& point : all.at("points")) {
        measured_point& at =
            made.points.emplace_back(measured_point{all.at("workload").at("kind").get<std::string>(),
                                                    point_from(point.at("at")),
                                                    count_from<std::uint64_t>(point, "bytes"),
                                                    {}});
        for (const json& way : point.at("ways")) at.ways.push_back(way_from(way));
    }
    if (made.points.empty()) throw report_error("it has no points");
    return made;
}

} // namespace

stored_report read_report(const std::string& path) {
    std::ifstream file(path);
    if (!file) throw report_error(path + ": " + std::generic_category().message(errno));
    try {
        const json all = json::parse(file);
        if (all.at("schema_version") != schema_version)
            throw report_error(
                fmt::format("schema_version is {}, not {}", all.at("schema_version").dump(), schema_version));
        return report_from(all);
    } catch (const std::exception& error) {
        throw report_error(path + ": no report of spmd_bench: " + error.what());
    }
}

const timed_way* find_way(const measured_point& at, const std::string& way) {
    const auto found = std::ranges::find(at.ways, way, &timed_way::name);
    return found != at.ways.end() ? &*found : nullptr;
}

} // namespace spmd_bench
