#include "spmd_bench/options/help.hpp"

#include "spmd_bench/options/options.hpp"
#include "spmd_bench/options/placement_names.hpp"

#include <spmd/machine.hpp>

#include <common/progress_option.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <sstream>
#include <string_view>

namespace spmd_bench {

namespace po = boost::program_options;

po::options_description described_options() {
    const options usual;
    po::options_description all("Options", terminal_width, terminal_width / 2);
    const auto add = [&all](const char* name, const char* value, const std::string& text) {
        all.add_options()(name, po::value<std::string>()->value_name(value), text.c_str());
    };
    std::array<std::string_view, sweep_ways.size()> sweep_names;
    std::ranges::transform(sweep_ways, sweep_names.begin(), name_of<way_kind>);
    add("workload", "KIND", "the kind of items: " + listed_names<workload_kind>() + " (files)");
    add("input", "DIR", "hash the files below DIR instead of random ones");
    add("items", "N *", "number of items in all (5 per rank)");
    add("file-size", "SIZE *", "size of a random file or message: 64K, 1KiB, 1.5MiB (1KiB)");
    add("item-cost", "TIME *", "time of an item of spin, the mean of mixed: 100ns, 2ms (1us)");
    add("skew", "S *", "unevenness of mixed: item i of n costs (S+1)(i/n)^S times the mean (1)");
    add("ranks", "N *", fmt::format("ranks of the pool ({})", usual.axes.ranks.text));
    add("threads", "N *", fmt::format("threads that run them (here {})", spmd::available_threads()));
    add("chunk", "N *", "items per task of map-chunked (auto: the pool chooses)");
    add("placement", "KIND", listed_names<spmd::placement>() + " (compact)");
    all.add_options()("topology", "show the pool's arenas, threads and ranks, and exit");
    add("ways", "LIST",
        fmt::format("ways to run them, separated by commas (all that are possible; in a sweep {})",
                    fmt::join(sweep_names, ",")));
    all.add_options()("peer-report", po::value<std::vector<std::string>>()->value_name("FILE"),
                      "also show the ways of another program's report of the same items; "
                      "bench/README.md has one");
    add("repetitions", "N",
        fmt::format("measured runs of each way ({}; in a sweep {} at each point)",
                    usual.measurement.repetitions, sweep_repetitions));
    add("warmup", "N",
        fmt::format("runs right before each of them; 0: start cold ({})", usual.measurement.warmup));
    add("seed", "N", "seed of the random bytes and of the order of the runs (1)");
    add("format", "KIND", listed_names<report_format>() + " (table)");
    add("output", "FILE", "write the report to FILE (standard output)");
    for (const auto& [name, format] : names<report_format>)
        if (format != report_format::table)
            add(name.data(), "FILE", fmt::format("also write it to FILE as {}", name));
    apps::add_progress_option(all);
    apps::add_trace_options(all);
    all.add_options()("pin", "pin each worker thread to a CPU")("help,h", "print this and exit");
    return all;
}

std::string help_text() {
    std::ostringstream text;
    text << "Usage: spmd_bench [OPTION...]\n"
            "       spmd_bench compare [OPTION...] BEFORE.json AFTER.json\n"
            "Runs the same items in several ways, compares the results, reports the times,\n"
            "and says which of map and SPMD to use. By default the items are 500 files of\n"
            "1 KiB, five for each of 100 ranks.\n\n"
         << described_options()
         << "\n* One value, or several for a sweep, which measures all combinations: 1,10,100,\n"
            "or a range with a factor or a step: 1:4096:*4, 0:10us:+2us.\n\nWays:\n";
    for (const auto& [name, way] : names<way_kind>)
        text << fmt::format("  {:<15}{}\n", name, description_of(way));
    text << "\nReport: the median of the times with bounds that hold it with a confidence of\n"
            "95 % (bootstrap), their MAD (median absolute deviation), items and bytes per\n"
            "second at the median, tasks submitted per run, and the time over that of map:\n"
            "the median of the ratios within each round, with bounds. The ways, and the\n"
            "points of a sweep, take turns in random order. Every result, also of warm-up\n"
            "runs, is compared with that of a plain loop.\n"
            "Exit status: 0; 1 for a result that differs or an error; 2 for bad options.\n";
    return text.str();
}

} // namespace spmd_bench
