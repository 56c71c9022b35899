#include "options.hpp"

#include "units.hpp"

#include <boost/program_options.hpp>
#include <common/progress_option.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <sstream>
#include <system_error>
#include <utility>

namespace spmd_bench {
namespace {

namespace po = boost::program_options;

constexpr std::size_t notebook_files_per_rank = 5;
constexpr unsigned help_width = 80;
constexpr std::size_t most_threads = 4096;
constexpr std::size_t most_ranks = 100'000'000;
constexpr std::size_t most_items = 1'000'000'000;
constexpr std::size_t most_repetitions = 1'000'000;

template <class T>
struct named {
    std::string_view name;
    T value;
};

constexpr std::array workload_names{named{"files", workload_kind::files},
                                    named{"memory", workload_kind::memory},
                                    named{"spin", workload_kind::spin}, named{"empty", workload_kind::empty}};
constexpr std::array placement_names{named{"compact", spmd::placement::compact},
                                     named{"per_numa_node", spmd::placement::per_numa_node},
                                     named{"per_core_type", spmd::placement::per_core_type}};
constexpr std::array format_names{named{"table", report_format::table},
                                  named{"markdown", report_format::markdown},
                                  named{"csv", report_format::csv}, named{"json", report_format::json}};

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

    /// Sets `target` to a whole number of least … most, where the option is given.
    void read_count(const std::string& name, std::size_t& target, std::uint64_t least,
                    std::uint64_t most) const {
        if (!has(name)) return;
        const auto count = parse_count(text(name));
        if (!count || *count < least || *count > most)
            fail(name, fmt::format("a whole number from {} to {}", least, most));
        target = *count;
    }
    template <class T, class Parse>
    void read_quantity(const std::string& name, T& target, Parse parse, std::string_view expected) const {
        if (!has(name)) return;
        const auto value = parse(text(name));
        if (!value) fail(name, expected);
        target = *value;
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
    po::options_description all("Options", help_width, help_width / 2);
    const auto add = [&all](const char* name, const char* value, const std::string& text) {
        all.add_options()(name, po::value<std::string>()->value_name(value), text.c_str());
    };
    add("workload", "KIND", "what an item is: " + listed(workload_names) + " (files)");
    add("input", "DIR", "hash the files below DIR; else random ones are made");
    add("items", "N", "how many items in all (5 per rank)");
    add("file-size", "SIZE", "of a random file or message: 64K, 1KiB, 1.5MiB (1KiB)");
    add("item-cost", "TIME", "of an item of the workload spin: 100ns, 2ms (1us)");
    add("ranks", "N", fmt::format("ranks of the pool ({})", usual.ranks));
    add("threads", "N", fmt::format("threads that run them (here {})", usual.threads));
    add("placement", "KIND", listed(placement_names) + " (compact)");
    all.add_options()("topology", "show the pool's arenas, threads and ranks, and end");
    add("ways", "LIST", "which ways, joined by commas (all that are possible)");
    add("repetitions", "N", fmt::format("measured runs of each way ({})", usual.measurement.repetitions));
    add("warmup", "N",
        fmt::format("runs right before each of them; 0: start cold ({})", usual.measurement.warmup));
    add("seed", "N", "of the random bytes and of the order of the runs (1)");
    add("format", "KIND", listed(format_names) + " (table)");
    add("output", "FILE", "write the report to FILE (standard output)");
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

workload_options read_workload(const given_options& given, std::size_t ranks) {
    workload_options work;
    work.items = notebook_files_per_rank * ranks;
    given.read_name("workload", work.kind, workload_names);
    given.read_count("items", work.items, 0, most_items);
    given.read_quantity("file-size", work.file_size, parse_size, "a size such as 64K, 1KiB or 1.5MiB");
    given.read_quantity("item-cost", work.item_cost, parse_duration, "a time such as 100ns, 1.5us or 2ms");
    given.read_count("seed", work.seed, 0, std::numeric_limits<std::uint64_t>::max());
    const bool has_bytes = work.kind == workload_kind::files || work.kind == workload_kind::memory;
    if (work.kind != workload_kind::spin) given.refuse("item-cost", "is for --workload spin");
    if (!has_bytes) {
        given.refuse("file-size", "is for --workload files and memory");
        given.refuse("input", "is for --workload files and memory");
    }
    if (given.has("input")) {
        given.refuse("items", "cannot go with --input, whose files are all taken");
        given.refuse("file-size", "cannot go with --input, whose files have their own");
        work.input = given.text("input");
        std::error_code reason;
        if (!std::filesystem::is_directory(work.input, reason))
            throw option_error(
                fmt::format("--input '{}': {}", work.input, reason ? reason.message() : "Not a directory"));
    }
    return work;
}

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> words;
    std::size_t begin = 0;
    while (begin <= text.size()) {
        const std::size_t end = std::min(text.find(',', begin), text.size());
        words.emplace_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return words;
}

std::vector<std::string> read_ways(const given_options& given, workload_kind kind) {
    std::vector<std::string> chosen;
    if (!given.has("ways")) {
        for (const way_description& each : all_ways())
            if (why_not(each.name, kind).empty()) chosen.emplace_back(each.name);
        return chosen;
    }
    for (const std::string& name : split(given.text("ways"))) {
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
void require_writable(const std::string& path) {
    const std::filesystem::path file(path);
    const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
    int reason = ::access(path.c_str(), W_OK) == 0 ? 0 : errno;
    if (reason == ENOENT) reason = ::access(folder.c_str(), W_OK) == 0 ? 0 : errno;
    if (std::filesystem::is_directory(file)) reason = EISDIR;
    if (reason != 0)
        throw option_error(fmt::format("--output '{}': {}", path, std::generic_category().message(reason)));
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
    given.read_count("ranks", asked.ranks, 1, most_ranks);
    given.read_count("threads", asked.threads, 1, most_threads);
    given.read_name("placement", asked.placement, placement_names);
    asked.pin = given.has("pin");
    asked.progress = given.shared(apps::asked_progress);
    asked.trace = given.shared(apps::asked_trace);
    asked.workload = read_workload(given, asked.ranks);
    asked.topology = given.has("topology");
    if (asked.topology)
        for (const char* name : {"workload", "input", "items", "file-size", "item-cost", "ways",
                                 "repetitions", "warmup", "seed", "progress", "trace"})
            given.refuse(name, "cannot go with --topology, which measures nothing");
    given.read_count("repetitions", asked.measurement.repetitions, 1, most_repetitions);
    given.read_count("warmup", asked.measurement.warmup, 0, most_repetitions);
    asked.measurement.seed = asked.workload.seed;
    asked.ways = read_ways(given, asked.workload.kind);
    given.read_name("format", asked.format, format_names);
    if (asked.topology && asked.format != report_format::table && asked.format != report_format::json)
        throw option_error("--format with --topology is one of table, json");
    if (given.has("output")) {
        asked.output = given.text("output");
        require_writable(asked.output);
    }
    return asked;
}

std::string help_text() {
    std::ostringstream text;
    text << "Usage: spmd_bench [OPTION...]\n"
            "Runs the same items in several ways, compares the results, reports the times.\n"
            "By default the items are 500 files of 1 KiB, five for each of 100 ranks.\n\n"
         << described() << "\nWays:\n";
    for (const way_description& each : all_ways()) text << fmt::format("  {:<13}{}\n", each.name, each.text);
    text << "\nReport: median, MAD (median absolute deviation) and minimum of the times; items\n"
            "and bytes per second at the median; tasks submitted per run; and the time over\n"
            "that of map and of read: the median of the ratios within each repetition.\n"
            "Every result, also of warm-up runs, is compared with that of a plain loop.\n"
            "Exit status: 0; 1 for a result that differs or an error; 2 for bad options.\n";
    return text.str();
}

std::vector<std::string> spelled_out(const options& asked) {
    const workload_options& work = asked.workload;
    std::vector<std::string> all{fmt::format("--workload {}", name_of(work.kind))};
    const bool has_bytes = work.kind == workload_kind::files || work.kind == workload_kind::memory;
    if (work.input.empty()) {
        all.push_back(fmt::format("--items {}", work.items));
        if (has_bytes) all.push_back(fmt::format("--file-size {}", work.file_size));
    } else {
        all.push_back(fmt::format("--input {}", quoted(work.input)));
    }
    if (work.kind == workload_kind::spin)
        all.push_back(fmt::format("--item-cost {}ns", work.item_cost.count()));
    all.push_back(fmt::format("--ranks {}", asked.ranks));
    all.push_back(fmt::format("--threads {}", asked.threads));
    all.push_back(fmt::format("--placement {}", name_of(asked.placement)));
    if (asked.pin) all.emplace_back("--pin");
    all.push_back(fmt::format("--repetitions {}", asked.measurement.repetitions));
    all.push_back(fmt::format("--warmup {}", asked.measurement.warmup));
    all.push_back(fmt::format("--seed {}", asked.measurement.seed));
    all.push_back(fmt::format("--ways {}", fmt::join(asked.ways, ",")));
    return all;
}

std::string_view name_of(workload_kind kind) { return name_in(workload_names, kind); }
std::string_view name_of(spmd::placement placement) { return name_in(placement_names, placement); }

} // namespace spmd_bench
