#include "spmd_bench/options/command_line.hpp"

#include "spmd_bench/options/placement_names.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

namespace spmd_bench {
namespace {

/// A word in the language of the shell.
std::string quoted(const std::string& text) {
    const bool plain = text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                              "_-./,:+@%=") == std::string::npos;
    if (plain) return text;
    std::string inside;
    for (const char c : text) inside += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return '\'' + inside + '\'';
}

std::string names_of(const std::vector<way_kind>& ways) {
    std::vector<std::string_view> names(ways.size());
    std::ranges::transform(ways, names.begin(), name_of<way_kind>);
    return fmt::format("{}", fmt::join(names, ","));
}

} // namespace

std::vector<std::string> spelled_out(const options& request) {
    const sweep_axes& axes = request.axes;
    std::vector<std::string> all{fmt::format("--workload {}", name_of(request.workload))};
    if (request.input.empty()) {
        all.push_back("--items " + quoted(axes.items.text));
        if (has_bytes(request.workload)) all.push_back("--file-size " + quoted(axes.file_size.text));
    } else {
        all.push_back("--input " + quoted(request.input));
    }
    if (has_cost(request.workload)) all.push_back("--item-cost " + quoted(axes.item_cost.text));
    if (request.workload == workload_kind::mixed) all.push_back("--skew " + quoted(axes.skew.text));
    all.push_back("--ranks " + quoted(axes.ranks.text));
    all.push_back("--threads " + quoted(axes.threads.text));
    if (std::ranges::find(request.ways, way_kind::map_chunked) != request.ways.end())
        all.push_back("--chunk " + quoted(axes.chunk.text));
    all.push_back(fmt::format("--placement {}", name_of(request.placement)));
    if (request.pin) all.emplace_back("--pin");
    for (const std::string& path : request.peer_reports) all.push_back("--peer-report " + quoted(path));
    all.push_back(fmt::format("--repetitions {}", request.measurement.repetitions));
    all.push_back(fmt::format("--warmup {}", request.measurement.warmup));
    all.push_back(fmt::format("--seed {}", request.measurement.seed));
    if (request.ways != default_ways(request.workload, count_points(request.axes) > 1))
        all.push_back("--ways " + names_of(request.ways));
    return all;
}

} // namespace spmd_bench
