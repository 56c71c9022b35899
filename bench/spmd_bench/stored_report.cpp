#include "stored_report.hpp"

#include "report.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <system_error>
#include <utility>

namespace spmd_bench {
namespace {

using nlohmann::json;
using samples = std::vector<double>;

/// `otherwise` for null: a setting that the workload does not have is the same in all reports of it.
template <class T>
T value_or(const json& value, T otherwise) {
    return value.is_null() ? otherwise : value.get<T>();
}

sweep_point point_from(const json& at) {
    const sweep_point usual;
    return {.ranks = at.at("ranks").get<std::size_t>(),
            .items = at.at("items").get<std::size_t>(),
            .threads = at.at("threads").get<std::size_t>(),
            .chunk = value_or(at.at("chunk"), usual.chunk),
            .item_cost = std::chrono::nanoseconds(
                value_or<std::int64_t>(at.at("item_cost_ns"), usual.item_cost.count())),
            .file_size = value_or(at.at("file_size_bytes"), usual.file_size),
            .skew = value_or(at.at("skew"), usual.skew)};
}

stored_report report_from(const json& all) {
    stored_report made{.cpu = all.at("machine").at("cpu").get<std::string>(),
                       .seed = all.at("seed").dump(),
                       .swept = all.at("swept").get<std::vector<std::string>>()};
    for (const json& point : all.at("points")) {
        measured_point& at = made.points.emplace_back(
            measured_point{all.at("workload").at("kind").get<std::string>(), point_from(point.at("at")), {}});
        for (const json& way : point.at("ways")) {
            auto times = way.at("samples_ns").get<samples>();
            if (times.empty()) throw report_error("a way without samples");
            auto pace = way.value("pace_ns", samples{});
            if (pace.size() != times.size()) pace.clear();
            const json submissions = way.value("submissions", json(nullptr));
            at.ways.push_back(
                {way.at("way").get<std::string>(), std::move(times), std::move(pace),
                 submissions.is_null() ? std::nullopt : std::optional(submissions.get<std::size_t>())});
        }
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
