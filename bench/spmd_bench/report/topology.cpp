#include "spmd_bench/report/topology.hpp"

#include "spmd_bench/options/placement_names.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <string_view>

namespace spmd_bench {
namespace {

using nlohmann::ordered_json;

std::string text_of(const std::vector<spmd::machine_part>& parts, std::string_view name) {
    if (parts.empty()) return "oneTBB cannot tell: its libtbbbind is missing or does not work";
    std::vector<std::string> all;
    all.reserve(parts.size());
    for (const spmd::machine_part& each : parts)
        all.push_back(fmt::format("{} {} with {} threads", name, each.id, each.threads));
    return fmt::format("{}", fmt::join(all, ", "));
}

std::string placement_text(const spmd::pool_topology& pool) {
    std::string text(name_of(pool.got));
    if (!pool.reason.empty()) text += fmt::format(" instead of {}: {}", name_of(pool.requested), pool.reason);
    return text;
}

std::string bound_to(int id) { return id < 0 ? "any" : std::to_string(id); }

std::string render_table(const topology_report& what) {
    const std::string quota =
        what.cpu_quota ? fmt::format("a quota of {:g} CPUs", *what.cpu_quota) : "no CPU quota";
    std::string text;
    const auto line = [&](std::string_view name, const std::string& content) {
        text += fmt::format("{:<11} {}\n", name, content);
    };
    line("machine", fmt::format("{}, {} threads available: CPUs {}, {}", what.cpu, what.available_threads,
                                text_of_cpus(what.cpus), quota));
    line("NUMA nodes", text_of(what.machine.numa_nodes, "node"));
    line("core types", text_of(what.machine.core_types, "type"));
    line("pool", fmt::format("{} ranks on {} threads{}", what.request.axes.ranks.values.front(),
                             what.pool.threads(), what.request.pin ? ", workers pinned" : ""));
    line("placement", placement_text(what.pool));
    constexpr auto row = "{:>5}  {:>9}  {:>9}  {:>9}  {:>9}  {}\n";
    text += '\n' + fmt::format(row, "arena", "NUMA node", "core type", "threads", "ranks", "which");
    for (std::size_t i = 0; i < what.pool.arenas.size(); ++i) {
        const spmd::arena_place& arena = what.pool.arenas[i];
        const std::string which =
            arena.ranks.empty() ? "none" : fmt::format("{} to {}", arena.ranks.first, arena.ranks.last - 1);
        text += fmt::format(row, i, bound_to(arena.numa_node), bound_to(arena.core_type), arena.threads,
                            arena.ranks.size(), which);
    }
    return text;
}

ordered_json json_of(int id) { return id < 0 ? ordered_json(nullptr) : ordered_json(id); }

ordered_json json_of(const std::vector<spmd::machine_part>& parts) {
    if (parts.empty()) return nullptr;
    ordered_json all = ordered_json::array();
    for (const spmd::machine_part& each : parts) all.push_back({{"id", each.id}, {"threads", each.threads}});
    return all;
}

std::string render_json(const topology_report& what) {
    ordered_json all = {
        {"machine",
         {{"cpu", what.cpu},
          {"cpus", what.cpus},
          {"cpu_quota", what.cpu_quota ? ordered_json(*what.cpu_quota) : ordered_json(nullptr)},
          {"available_threads", what.available_threads},
          {"numa_nodes", json_of(what.machine.numa_nodes)},
          {"core_types", json_of(what.machine.core_types)}}},
        {"pool",
         {{"ranks", what.request.axes.ranks.values.front()},
          {"threads", what.pool.threads()},
          {"pinned", what.request.pin},
          {"placement_requested", name_of(what.pool.requested)},
          {"placement", name_of(what.pool.got)},
          {"reason", what.pool.reason},
          {"arenas", ordered_json::array()}}},
    };
    for (const spmd::arena_place& arena : what.pool.arenas)
        all["pool"]["arenas"].push_back({{"numa_node", json_of(arena.numa_node)},
                                         {"core_type", json_of(arena.core_type)},
                                         {"threads", arena.threads},
                                         {"first_rank", arena.ranks.first},
                                         {"ranks", arena.ranks.size()}});
    return all.dump(2, ' ', false, ordered_json::error_handler_t::replace) + '\n';
}

} // namespace

std::string text_of_cpus(const std::vector<int>& cpus) {
    std::string text;
    for (std::size_t i = 0; i < cpus.size();) {
        std::size_t last = i;
        while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1) ++last;
        if (!text.empty()) text += ',';
        text += last == i ? std::to_string(cpus[i]) : fmt::format("{}-{}", cpus[i], cpus[last]);
        i = last + 1;
    }
    return text;
}

std::string render(const topology_report& what) {
    return what.request.format == report_format::json ? render_json(what) : render_table(what);
}

} // namespace spmd_bench
