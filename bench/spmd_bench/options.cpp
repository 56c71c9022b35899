#include "options.hpp"

#include "axis.hpp"
#include "text_table.hpp"
#include "units.hpp"

#include <boost/program_options.hpp>
#include <common/progress_option.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <sstream>
#include <system_error>
#include <type_traits>
#include <utility>

namespace spmd_bench {
namespace {

namespace po = boost::program_options;

constexpr std::size_t notebook_files_per_rank = 5;
constexpr std::size_t most_threads = 4096;
constexpr std::size_t most_ranks = 100'000'000;
constexpr std::size_t most_items = 1'000'000'000;
constexpr std::size_t most_repetitions = 1'000'000;
constexpr std::size_t most_points = 10'000;
constexpr double most_skew = 100;
constexpr std::size_t sweep_repetitions = 15; // at each point
constexpr std::array<std::string_view, 4> sweep_ways{"serial", "map", "map-chunked", "spmd"};

template <class T>
struct named {
    std::string_view name;
    T value;
};

constexpr std::array workload_names{named{"files", workload_kind::files},
                                    named{"memory", workload_kind::memory},
                                    named{"spin", workload_kind::spin}, named{"mixed", workload_kind::mixed},
                                    named{"empty", workload_kind::empty}};
constexpr std::array placement_names{named{"compact", spmd::placement::compact},
                                     named{"per_numa_node", spmd::placement::per_numa_node},
                                     named{"per_core_type", spmd::placement::per_core_type}};
constexpr std::array format_names{
    named{"table", report_format::table}, named{"markdown", report_format::markdown},
    named{"html", report_format::html}, named{"csv", report_format::csv}, named{"json", report_format::json}};

template <class Names>
std::string listed(const Names& names) {
    std::vector<std::string_view> all;
    all.reserve(names.size());
    for (const auto& each : names) all.push_back(each.name);
    return fmt::format("{}", fmt::join(all, ", "));
}

template <class Names, class T>
std::string_view name_in(const Names& names, T value) {
    return std::ranges::find(names, value, [](const auto& each) { return each.value; })->name;
}

template <class T>
T value_of(double number) {
    if constexpr (std::is_same_v<T, std::chrono::nanoseconds>)
        return T(std::llround(number));
    else
        return static_cast<T>(number);
}

/// Whole numbers of least … most.
axis_syntax counts(std::uint64_t least, std::uint64_t most) {
    return {[least, most](std::string_view text) -> std::optional<double> {
                const auto count = parse_count(text);
                if (!count || *count < least || *count > most) return std::nullopt;
                return static_cast<double>(*count);
            },
            fmt::format("a whole number from {} to {}", least, most)};
}

/// A whole number, or "auto", which is 0.
axis_syntax chunks() {
    axis_syntax syntax = counts(1, most_items);
    syntax.parse = [count = syntax.parse](std::string_view text) {
        return text == "auto" ? std::optional(0.0) : count(text);
    };
    syntax.expected += " or auto";
    return syntax;
}

axis_syntax sizes() {
    return {[](std::string_view text) -> std::optional<double> {
                const auto size = parse_size(text);
                return size ? std::optional(static_cast<double>(*size)) : std::nullopt;
            },
            "a size such as 64K, 1KiB or 1.5MiB"};
}

axis_syntax durations() {
    return {[](std::string_view text) -> std::optional<double> {
                const auto time = parse_duration(text);
                return time ? std::optional(static_cast<double>(time->count())) : std::nullopt;
            },
            "a time such as 100ns, 1.5us or 2ms"};
}

axis_syntax skews() {
    return {[](std::string_view text) -> std::optional<double> {
                const auto skew = parse_decimal(text);
                return skew && *skew <= most_skew ? skew : std::nullopt;
            },
            fmt::format("a number from 0 to {}", most_skew), false};
}

/// The options that were given, by name; reads each as what it is.
class given_options {
public:
    explicit given_options(po::variables_map given) : given_(std::move(given)) {}

    bool has(const std::string& name) const { return given_.count(name) != 0; }
    std::string text(const std::string& name) const {
        auto value = given_[name].as<std::string>();
        if (value.empty()) throw option_error("--" + name + " is given nothing");
        return value;
    }

    std::vector<std::string> texts(const std::string& name) const {
        return has(name) ? given_[name].as<std::vector<std::string>>() : std::vector<std::string>{};
    }

    /// Sets `target` to a whole number of least … most, where the option is given.
    void read_count(const std::string& name, std::size_t& target, std::uint64_t least,
                    std::uint64_t most) const {
        if (!has(name)) return;
        const auto count = parse_count(text(name));
        if (!count || *count < least || *count > most)
            fail(name, fmt::format("a whole number from {} to {}", least, most));
        target = *count;
    }
    /// Sets `target` to the values of a list, where the option is given.
    template <class T>
    void read_axis(const std::string& name, axis<T>& target, const axis_syntax& syntax) const {
        if (!has(name)) return;
        target = {{}, text(name)};
        try {
            for (const double value : parse_axis(target.text, syntax))
                target.values.push_back(value_of<T>(value));
        } catch (const axis_error& error) {
            throw option_error(fmt::format("--{} {}", name, error.what()));
        }
    }
    template <class Names, class T>
    void read_name(const std::string& name, T& target, const Names& names) const {
        if (!has(name)) return;
        std::string chosen = text(name);
        std::ranges::replace(chosen, '-', '_');
        const auto found =
            std::ranges::find(names, std::string_view(chosen), [](const auto& e) { return e.name; });
        if (found == names.end()) fail(name, "one of " + listed(names));
        target = found->value;
    }
    /// What an option that the tools share asks for.
    template <class Ask>
    auto shared(Ask ask) const {
        try {
            return ask(given_);
        } catch (const po::error& error) {
            throw option_error(error.what());
        }
    }
    /// Throws when the option is given.
    void refuse(const std::string& name, std::string_view reason) const {
        if (has(name)) throw option_error(fmt::format("--{} {}", name, reason));
    }

private:
    [[noreturn]] void fail(const std::string& name, std::string_view expected) const {
        throw option_error(fmt::format("--{} is {}, not '{}'", name, expected, text(name)));
    }

    po::variables_map given_;
};

po::options_description described() {
    const options usual;
    po::options_description all("Options", terminal_width, terminal_width / 2);
    const auto add = [&all](const char* name, const char* value, const std::string& text) {
        all.add_options()(name, po::value<std::string>()->value_name(value), text.c_str());
    };
    add("workload", "KIND", "what an item is: " + listed(workload_names) + " (files)");
    add("input", "DIR", "hash the files below DIR; else random ones are made");
    add("items", "N *", "how many items in all (5 per rank)");
    add("file-size", "SIZE *", "of a random file or message: 64K, 1KiB, 1.5MiB (1KiB)");
    add("item-cost", "TIME *", "of an item of spin, the mean of mixed: 100ns, 2ms (1us)");
    add("skew", "S *", "of the workload mixed: item i of n costs (S+1)(i/n)^S times the mean (1)");
    add("ranks", "N *", fmt::format("ranks of the pool ({})", usual.axes.ranks.text));
    add("threads", "N *", fmt::format("threads that run them (here {})", spmd::available_threads()));
    add("chunk", "N *", "items per task of map-chunked (auto: the pool chooses)");
    add("placement", "KIND", listed(placement_names) + " (compact)");
    all.add_options()("topology", "show the pool's arenas, threads and ranks, and end");
    add("ways", "LIST",
        fmt::format("which ways, joined by commas (all that are possible; in a sweep {})",
                    fmt::join(sweep_ways, ",")));
    all.add_options()("peer-report", po::value<std::vector<std::string>>()->value_name("FILE"),
                      "show the ways of another program's report of the same items, too; "
                      "bench/README.md has one");
    add("repetitions", "N",
        fmt::format("measured runs of each way ({}; in a sweep {} at each point)",
                    usual.measurement.repetitions, sweep_repetitions));
    add("warmup", "N",
        fmt::format("runs right before each of them; 0: start cold ({})", usual.measurement.warmup));
    add("seed", "N", "of the random bytes and of the order of the runs (1)");
    add("format", "KIND", listed(format_names) + " (table)");
    add("output", "FILE", "write the report to FILE (standard output)");
    for (const auto& each : format_names)
        if (each.value != report_format::table)
            add(each.name.data(), "FILE", fmt::format("write it to FILE as {}, too", each.name));
    apps::add_progress_option(all);
    apps::add_trace_options(all);
    all.add_options()("pin", "pin each worker thread to a CPU")("help,h", "print this and exit");
    return all;
}

po::variables_map parsed(const std::vector<std::string>& arguments) {
    po::options_description accepted = described();
    accepted.add_options()("stray", po::value<std::vector<std::string>>());
    po::positional_options_description stray;
    stray.add("stray", -1);
    po::variables_map given;
    try {
        using namespace po::command_line_style;
        const int style = unix_style & ~allow_guessing;
        po::store(po::command_line_parser(arguments).options(accepted).positional(stray).style(style).run(),
                  given);
    } catch (const po::error& error) {
        throw option_error(error.what());
    }
    if (given.count("stray") != 0)
        throw option_error(
            fmt::format("'{}' is no option", given["stray"].as<std::vector<std::string>>().front()));
    return given;
}

void read_axes(const given_options& given, sweep_axes& axes) {
    given.read_axis("ranks", axes.ranks, counts(1, most_ranks));
    given.read_axis("threads", axes.threads, counts(1, most_threads));
    given.read_axis("chunk", axes.chunk, chunks());
    const std::size_t items = notebook_files_per_rank * std::ranges::max(axes.ranks.values);
    axes.items = {{items}, fmt::format("{}", items)};
    given.read_axis("items", axes.items, counts(0, most_items));
    given.read_axis("file-size", axes.file_size, sizes());
    given.read_axis("item-cost", axes.item_cost, durations());
    given.read_axis("skew", axes.skew, skews());
    if (count_points(axes) > most_points)
        throw option_error(
            fmt::format("this sweep has {} points; at most {}", count_points(axes), most_points));
}

/// Options that the kind of workload has no use for are not passed over.
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
    given.refuse("items", "cannot go with --input, whose files are all taken");
    given.refuse("file-size", "cannot go with --input, whose files have their own");
    std::string input = given.text("input");
    std::error_code reason;
    if (!std::filesystem::is_directory(input, reason))
        throw option_error(
            fmt::format("--input '{}': {}", input, reason ? reason.message() : "Not a directory"));
    return input;
}

/// All that can run the kind; in a sweep only those that its answer is about.
std::vector<std::string> usual_ways(workload_kind kind, bool sweeps) {
    std::vector<std::string> chosen;
    for (const way_description& each : all_ways()) {
        const bool wanted = !sweeps || std::ranges::find(sweep_ways, each.name) != sweep_ways.end();
        if (wanted && why_not(each.name, kind).empty()) chosen.emplace_back(each.name);
    }
    return chosen;
}

std::vector<std::string> chosen_ways(std::string_view list, workload_kind kind) {
    std::vector<std::string> chosen;
    for (const std::string& name : split(list, ',')) {
        if (std::ranges::find(all_ways(), name, &way_description::name) == all_ways().end())
            throw option_error(
                fmt::format("--ways: no way is called '{}': there are {}", name, listed(all_ways())));
        const std::string reason = why_not(name, kind);
        if (!reason.empty()) throw option_error(fmt::format("--ways: '{}' cannot run: {}", name, reason));
        if (std::ranges::find(chosen, name) == chosen.end()) chosen.push_back(name);
    }
    return chosen;
}

/// A file that cannot be written is told before the measurements are made, not after.
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

void read_outputs(const given_options& given, options& asked) {
    given.read_name("format", asked.format, format_names);
    if (given.has("output")) asked.output = read_file(given, "output");
    for (const auto& each : format_names) {
        const std::string option(each.name);
        if (given.has(option)) asked.files.push_back({each.value, read_file(given, option)});
    }
    std::vector<std::string> paths{asked.output};
    for (const auto& each : asked.files) paths.push_back(each.path);
    std::erase(paths, "");
    std::ranges::sort(paths);
    if (const auto twice = std::ranges::adjacent_find(paths); twice != paths.end())
        throw option_error(fmt::format("'{}' is to hold two reports: name a file for each", *twice));
}

void refuse_with_topology(const given_options& given, const options& asked) {
    for (const char* name :
         {"workload", "input", "items", "file-size", "item-cost", "skew", "chunk", "ways", "repetitions",
          "warmup", "seed", "progress", "trace", "peer-report", "markdown", "html", "csv", "json"})
        given.refuse(name, "cannot go with --topology, which measures nothing");
    if (asked.format != report_format::table && asked.format != report_format::json)
        throw option_error("--format with --topology is one of table, json");
    if (count_points(asked.axes) > 1)
        throw option_error("--topology shows one pool: give it one number of ranks, and of threads");
}

std::string quoted(const std::string& text) {
    const bool plain = text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                              "_-./,:+@%=") == std::string::npos;
    if (plain) return text;
    std::string inside;
    for (const char c : text) inside += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return '\'' + inside + '\'';
}

} // namespace

options parse_options(const std::vector<std::string>& arguments) {
    const given_options given(parsed(arguments));
    options asked;
    asked.help = given.has("help");
    if (asked.help) return asked;
    const std::size_t threads = spmd::available_threads();
    asked.axes.threads = {{threads}, fmt::format("{}", threads)};
    given.read_name("workload", asked.workload, workload_names);
    refuse_useless(given, asked.workload);
    asked.input = read_input(given);
    read_axes(given, asked.axes);
    given.read_name("placement", asked.placement, placement_names);
    asked.pin = given.has("pin");
    asked.progress = given.shared(apps::asked_progress);
    asked.trace = given.shared(apps::asked_trace);
    const bool sweeps = count_points(asked.axes) > 1;
    if (sweeps) asked.measurement.repetitions = sweep_repetitions;
    given.read_count("repetitions", asked.measurement.repetitions, 1, most_repetitions);
    given.read_count("warmup", asked.measurement.warmup, 0, most_repetitions);
    given.read_count("seed", asked.measurement.seed, 0, std::numeric_limits<std::uint64_t>::max());
    asked.ways = given.has("ways") ? chosen_ways(given.text("ways"), asked.workload)
                                   : usual_ways(asked.workload, sweeps);
    const auto runs = [&](const char* way) { return std::ranges::find(asked.ways, way) != asked.ways.end(); };
    asked.peer_reports = given.texts("peer-report");
    if (sweeps) given.refuse("peer-report", "is for one point, not for a sweep");
    if (!runs("map-chunked")) given.refuse("chunk", "is for the way map-chunked, which is not among --ways");
    read_outputs(given, asked);
    asked.topology = given.has("topology");
    if (asked.topology) refuse_with_topology(given, asked);
    return asked;
}

workload_options workload_at(const options& asked, const sweep_point& at) {
    return {.kind = asked.workload,
            .items = at.items,
            .file_size = at.file_size,
            .input = asked.input,
            .item_cost = at.item_cost,
            .skew = at.skew,
            .seed = asked.measurement.seed};
}

spmd::engine_pool_options pool_at(const options& asked, const sweep_point& at) {
    return {.ranks = at.ranks, .threads = at.threads, .placement = asked.placement, .pin_workers = asked.pin};
}

std::string help_text() {
    std::ostringstream text;
    text << "Usage: spmd_bench [OPTION...]\n"
            "       spmd_bench compare [OPTION...] BEFORE.json AFTER.json\n"
            "Runs the same items in several ways, compares the results, reports the times,\n"
            "and says which of map and SPMD to take. By default the items are 500 files of\n"
            "1 KiB, five for each of 100 ranks.\n\n"
         << described()
         << "\n* One value, or several for a sweep, which measures all combinations: 1,10,100,\n"
            "or a range with a factor or a step: 1:4096:*4, 0:10us:+2us.\n\nWays:\n";
    for (const way_description& each : all_ways()) text << fmt::format("  {:<15}{}\n", each.name, each.text);
    text << "\nReport: the median of the times with bounds that hold it with a confidence of\n"
            "95 % (bootstrap), their MAD (median absolute deviation), items and bytes per\n"
            "second at the median, tasks submitted per run, and the time over that of map:\n"
            "the median of the ratios within each round, with bounds. The ways, and the\n"
            "points of a sweep, take turns in random order. Every result, also of warm-up\n"
            "runs, is compared with that of a plain loop.\n"
            "Exit status: 0; 1 for a result that differs or an error; 2 for bad options.\n";
    return text.str();
}

std::vector<std::string> spelled_out(const options& asked) {
    const sweep_axes& axes = asked.axes;
    std::vector<std::string> all{fmt::format("--workload {}", name_of(asked.workload))};
    if (asked.input.empty()) {
        all.push_back("--items " + quoted(axes.items.text));
        if (has_bytes(asked.workload)) all.push_back("--file-size " + quoted(axes.file_size.text));
    } else {
        all.push_back("--input " + quoted(asked.input));
    }
    if (has_cost(asked.workload)) all.push_back("--item-cost " + quoted(axes.item_cost.text));
    if (asked.workload == workload_kind::mixed) all.push_back("--skew " + quoted(axes.skew.text));
    all.push_back("--ranks " + quoted(axes.ranks.text));
    all.push_back("--threads " + quoted(axes.threads.text));
    if (std::ranges::find(asked.ways, "map-chunked") != asked.ways.end())
        all.push_back("--chunk " + quoted(axes.chunk.text));
    all.push_back(fmt::format("--placement {}", name_of(asked.placement)));
    if (asked.pin) all.emplace_back("--pin");
    for (const std::string& path : asked.peer_reports) all.push_back("--peer-report " + quoted(path));
    all.push_back(fmt::format("--repetitions {}", asked.measurement.repetitions));
    all.push_back(fmt::format("--warmup {}", asked.measurement.warmup));
    all.push_back(fmt::format("--seed {}", asked.measurement.seed));
    if (asked.ways != usual_ways(asked.workload, count_points(asked.axes) > 1))
        all.push_back(fmt::format("--ways {}", fmt::join(asked.ways, ",")));
    return all;
}

bool has_bytes(workload_kind kind) { return kind == workload_kind::files || kind == workload_kind::memory; }
bool has_cost(workload_kind kind) { return kind == workload_kind::spin || kind == workload_kind::mixed; }

std::string_view name_of(workload_kind kind) { return name_in(workload_names, kind); }
std::string_view name_of(spmd::placement placement) { return name_in(placement_names, placement); }

} // namespace spmd_bench
