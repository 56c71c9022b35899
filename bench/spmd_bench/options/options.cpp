#include "spmd_bench/options/options.hpp"

#include "spmd_bench/options/axis.hpp"
#include "spmd_bench/options/help.hpp"
#include "spmd_bench/options/placement_names.hpp"

#include <spmd/machine.hpp>

#include <common/progress_option.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <system_error>

namespace spmd_bench {
namespace {

constexpr std::size_t notebook_files_per_rank = 5;
constexpr std::size_t most_ranks = 100'000'000;
constexpr std::size_t most_items = 1'000'000'000;
constexpr std::size_t most_repetitions = 1'000'000;
constexpr std::size_t most_points = 10'000;
constexpr double most_skew = 100;

void read_axes(const given_options& given, sweep_axes& axes) {
    given.read_axis("ranks", axes.ranks, counts(1, most_ranks));
    given.read_axis("threads", axes.threads, counts(1, spmd::most_threads));
    given.read_axis("chunk", axes.chunk, counts_or_auto(1, most_items));
    const std::size_t items = notebook_files_per_rank * std::ranges::max(axes.ranks.values);
    axes.items = {{items}, fmt::format("{}", items)};
    given.read_axis("items", axes.items, counts(0, most_items));
    given.read_axis("file-size", axes.file_size, sizes());
    given.read_axis("item-cost", axes.item_cost, durations());
    given.read_axis("skew", axes.skew, decimals(most_skew));
    if (count_points(axes) > most_points)
        throw option_error(
            fmt::format("this sweep has {} points; at most {}", count_points(axes), most_points));
}

/// Refuses options that the kind of workload has no use for.
void refuse_useless(const given_options& given, workload_kind kind) {
    if (!has_cost(kind)) given.refuse("item-cost", "is for --workload spin and mixed");
    if (kind != workload_kind::mixed) given.refuse("skew", "is for --workload mixed");
    if (!has_bytes(kind)) {
        given.refuse("file-size", "is for --workload files and memory");
        given.refuse("input", "is for --workload files and memory");
    }
}

std::string read_input(const given_options& given) {
    if (!given.has("input")) return {};
    given.refuse("items", "cannot be combined with --input, whose files are all hashed");
    given.refuse("file-size", "cannot be combined with --input, whose files have their own");
    std::string input = given.text("input");
    std::error_code reason;
    if (!std::filesystem::is_directory(input, reason))
        throw option_error(
            fmt::format("--input '{}': {}", input, reason ? reason.message() : "Not a directory"));
    return input;
}

std::vector<way_kind> chosen_ways(std::string_view list, workload_kind kind) {
    std::vector<way_kind> chosen;
    for (const std::string& name : split(list, ',')) {
        const auto way = named_value<way_kind>("--ways: each", name);
        const std::string reason = why_not(way, kind);
        if (!reason.empty()) throw option_error(fmt::format("--ways: '{}' cannot run: {}", name, reason));
        if (std::ranges::find(chosen, way) == chosen.end()) chosen.push_back(way);
    }
    return chosen;
}

/// Checks that a file can be written before anything is measured, not after.
std::string read_file(const given_options& given, const std::string& option) {
    std::string path = given.text(option);
    const std::filesystem::path file(path);
    const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
    int reason = ::access(path.c_str(), W_OK) == 0 ? 0 : errno;
    if (reason == ENOENT) reason = ::access(folder.c_str(), W_OK) == 0 ? 0 : errno;
    if (std::filesystem::is_directory(file)) reason = EISDIR;
    if (reason != 0)
        throw option_error(
            fmt::format("--{} '{}': {}", option, path, std::generic_category().message(reason)));
    return path;
}

void read_outputs(const given_options& given, options& request) {
    given.read_name("format", request.format);
    if (given.has("output")) request.output = read_file(given, "output");
    for (const auto& [name, format] : names<report_format>) {
        const std::string option(name);
        if (given.has(option)) request.files.push_back({format, read_file(given, option)});
    }
    std::vector<std::string> paths{request.output};
    for (const auto& each : request.files) paths.push_back(each.path);
    std::erase(paths, "");
    std::ranges::sort(paths);
    if (const auto twice = std::ranges::adjacent_find(paths); twice != paths.end())
        throw option_error(fmt::format("two reports would be written to '{}'", *twice));
}

void refuse_with_topology(const given_options& given, const options& request) {
    for (const char* name :
         {"workload", "input", "items", "file-size", "item-cost", "skew", "chunk", "ways", "repetitions",
          "warmup", "seed", "progress", "trace", "peer-report", "markdown", "html", "csv", "json"})
        given.refuse(name, "cannot be combined with --topology, which measures nothing");
    if (request.format != report_format::table && request.format != report_format::json)
        throw option_error("--format with --topology is one of table, json");
    if (count_points(request.axes) > 1)
        throw option_error("--topology shows one pool: it needs one number of ranks, and one of threads");
}

} // namespace

options parse_options(const std::vector<std::string>& arguments) {
    const given_options given(arguments, described_options());
    options request;
    request.help = given.has("help");
    if (request.help) return request;
    const std::size_t threads = spmd::available_threads();
    request.axes.threads = {{threads}, fmt::format("{}", threads)};
    given.read_name("workload", request.workload);
    refuse_useless(given, request.workload);
    request.input = read_input(given);
    read_axes(given, request.axes);
    given.read_name("placement", request.placement);
    request.pin = given.has("pin");
    request.progress = given.shared(apps::requested_progress);
    request.trace = given.shared(apps::requested_trace);
    const bool sweeps = count_points(request.axes) > 1;
    if (sweeps) request.measurement.repetitions = sweep_repetitions;
    given.read_count("repetitions", request.measurement.repetitions, 1, most_repetitions);
    given.read_count("warmup", request.measurement.warmup, 0, most_repetitions);
    given.read_count("seed", request.measurement.seed, 0, std::numeric_limits<std::uint64_t>::max());
    request.ways = given.has("ways") ? chosen_ways(given.text("ways"), request.workload)
                                     : default_ways(request.workload, sweeps);
    request.peer_reports = given.texts("peer-report");
    if (sweeps) given.refuse("peer-report", "is for one point, not for a sweep");
    if (std::ranges::find(request.ways, way_kind::map_chunked) == request.ways.end())
        given.refuse("chunk", "is for the way map-chunked, which is not among --ways");
    read_outputs(given, request);
    request.topology = given.has("topology");
    if (request.topology) refuse_with_topology(given, request);
    return request;
}

std::vector<way_kind> default_ways(workload_kind kind, bool sweeps) {
    std::vector<way_kind> chosen;
    for (const auto& [name, way] : names<way_kind>) {
        const bool wanted = !sweeps || std::ranges::find(sweep_ways, way) != sweep_ways.end();
        if (wanted && why_not(way, kind).empty()) chosen.push_back(way);
    }
    return chosen;
}

workload_options workload_at(const options& request, const sweep_point& point) {
    return {.kind = request.workload,
            .items = point.items,
            .file_size = point.file_size,
            .input = request.input,
            .item_cost = point.item_cost,
            .skew = point.skew,
            .seed = request.measurement.seed};
}

spmd::engine_pool_options pool_at(const options& request, const sweep_point& point) {
    return {.ranks = point.ranks,
            .threads = point.threads,
            .placement = request.placement,
            .pin_workers = request.pin};
}

} // namespace spmd_bench
