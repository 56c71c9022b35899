// Guards against: a default that is not the notebook's, an option that sets something else or nothing, and a bad
// option that is taken, or told in more than one line.

#include "support/temporary_directory.hpp"

#include <spmd/topology.hpp>

#include <catch2/catch.hpp>
#include <spmd_bench/options.hpp>

#include <functional>
#include <sstream>
#include <string>
#include <vector>

using namespace spmd_bench;
using namespace std::chrono_literals;

namespace {

std::vector<std::string> words_of(const std::string& line) {
    std::istringstream stream(line);
    return {std::istream_iterator<std::string>(stream), {}};
}

options parse(const std::string& line) { return parse_options(words_of(line)); }

} // namespace

TEST_CASE("the defaults are the notebook's experiment") {
    const options usual = parse("");
    CHECK_FALSE(usual.help);
    CHECK(usual.ranks == 100);
    CHECK(usual.threads == spmd::available_threads());
    CHECK(usual.workload.kind == workload_kind::files);
    CHECK(usual.workload.items == 500);
    CHECK(usual.workload.file_size == 1024);
    CHECK(usual.workload.input.empty());
    CHECK(usual.format == report_format::table);
    CHECK(usual.output.empty());
    CHECK(usual.ways.front() == "serial");
    CHECK(usual.ways.back() == "read");
}

TEST_CASE("each option sets what it is named after") {
    struct accepted {
        const char* arguments;
        std::function<bool(const options&)> holds;
    };
    const std::vector<accepted> table{
        {"--help", [](const options& o) { return o.help; }},
        {"-h --ranks nonsense", [](const options& o) { return o.help; }},
        {"--ranks 7", [](const options& o) { return o.ranks == 7 && o.workload.items == 35; }},
        {"--ranks=7 --items 3", [](const options& o) { return o.ranks == 7 && o.workload.items == 3; }},
        {"--items 0", [](const options& o) { return o.workload.items == 0; }},
        {"--file-size 64K", [](const options& o) { return o.workload.file_size == 65'536; }},
        {"--file-size 1MiB", [](const options& o) { return o.workload.file_size == 1'048'576; }},
        {"--threads 64", [](const options& o) { return o.threads == 64; }},
        {"--workload spin --item-cost 2ms",
         [](const options& o) {
             return o.workload.kind == workload_kind::spin && o.workload.item_cost == 2ms;
         }},
        {"--workload memory", [](const options& o) { return o.workload.kind == workload_kind::memory; }},
        {"--workload empty",
         [](const options& o) { return o.workload.kind == workload_kind::empty && o.ways.back() != "read"; }},
        {"--repetitions 3", [](const options& o) { return o.measurement.repetitions == 3; }},
        {"--warmup 0", [](const options& o) { return o.measurement.warmup == 0; }},
        {"--seed 9", [](const options& o) { return o.workload.seed == 9 && o.measurement.seed == 9; }},
        {"--placement per_numa_node",
         [](const options& o) { return o.placement == spmd::placement::per_numa_node; }},
        {"--placement per-core-type",
         [](const options& o) { return o.placement == spmd::placement::per_core_type; }},
        {"--pin", [](const options& o) { return o.pin; }},
        {"--topology --ranks 7 --format json", [](const options& o) { return o.topology && o.ranks == 7; }},
        {"--progress=never", [](const options& o) { return o.progress == apps::progress_mode::never; }},
        {"--ways spmd,map,spmd",
         [](const options& o) { return o.ways == std::vector<std::string>{"spmd", "map"}; }},
        {"--format json", [](const options& o) { return o.format == report_format::json; }},
        {"--format csv", [](const options& o) { return o.format == report_format::csv; }},
        {"--format markdown", [](const options& o) { return o.format == report_format::markdown; }},
    };
    for (const accepted& each : table) {
        CAPTURE(each.arguments);
        CHECK(each.holds(parse(each.arguments)));
    }
}

TEST_CASE("a bad option is told in one line that names it") {
    struct refused {
        const char* arguments;
        const char* message;
    };
    const std::vector<refused> table{
        {"--ranks 0", "--ranks is a whole number from 1 to 100000000, not '0'"},
        {"--ranks -1", "--ranks is a whole number from 1 to 100000000, not '-1'"},
        {"--ranks=1e3", "--ranks is a whole number from 1 to 100000000, not '1e3'"},
        {"--ranks", "the required argument for option '--ranks' is missing"},
        {"--ranks 1 --ranks 2", "option '--ranks' cannot be specified more than once"},
        {"--ranks=", "the argument for option '--ranks' should follow immediately after the equal sign"},
        {"--rank 3", "unrecognised option '--rank'"},
        {"--pin=yes", "option '--pin' does not take any arguments"},
        {"photos", "'photos' is no option"},
        {"--threads 4097", "--threads is a whole number from 1 to 4096, not '4097'"},
        {"--repetitions 0", "--repetitions is a whole number from 1 to 1000000, not '0'"},
        {"--file-size 1k", "--file-size is a size such as 64K, 1KiB or 1.5MiB, not '1k'"},
        {"--workload spin --item-cost 5", "--item-cost is a time such as 100ns, 1.5us or 2ms, not '5'"},
        {"--item-cost 5us", "--item-cost is for --workload spin"},
        {"--workload spin --file-size 1K", "--file-size is for --workload files and memory"},
        {"--workload empty --input /", "--input is for --workload files and memory"},
        {"--workload md5", "--workload is one of files, memory, spin, empty, not 'md5'"},
        {"--placement numa", "--placement is one of compact, per_numa_node, per_core_type, not 'numa'"},
        {"--format xml", "--format is one of table, markdown, csv, json, not 'xml'"},
        {"--topology --items 3", "--items cannot go with --topology, which measures nothing"},
        {"--topology --ways spmd", "--ways cannot go with --topology, which measures nothing"},
        {"--topology --format csv", "--format with --topology is one of table, json"},
        {"--progress on", "--progress is one of auto, always, never, not 'on'"},
        {"--input / --items 3", "--items cannot go with --input, whose files are all taken"},
        {"--input / --file-size 3", "--file-size cannot go with --input, whose files have their own"},
        {"--input /nonexistent", "--input '/nonexistent': No such file or directory"},
        {"--input /dev/null", "--input '/dev/null': Not a directory"},
        {"--ways serial,mpi",
         "--ways: no way is called 'mpi': there are serial, map, map-chunked, spmd, spmd-graph, "
         "spmd-relist, openmp, read"},
        {"--ways serial,",
         "--ways: no way is called '': there are serial, map, map-chunked, spmd, spmd-graph, "
         "spmd-relist, openmp, read"},
        {"--ways read --workload spin", "--ways: 'read' cannot run: it needs the workload 'files'"},
        {"--output /nonexistent/report", "--output '/nonexistent/report': No such file or directory"},
        {"--output /", "--output '/': Is a directory"},
    };
    for (const refused& each : table) {
        CAPTURE(each.arguments);
        try {
            parse(each.arguments);
            FAIL("it was taken");
        } catch (const option_error& error) {
            CHECK(std::string(error.what()) == each.message);
        }
    }
}

TEST_CASE("an output file that can be made is not made yet") {
    const test_support::temporary_directory scratch;
    CHECK(parse("--output " + scratch / "report").output == scratch / "report");
    CHECK_FALSE(std::filesystem::exists(scratch / "report"));
}

TEST_CASE("the options spelled out give the same run again") {
    const test_support::temporary_directory scratch;
    for (const std::string& line :
         {std::string(), std::string("--workload spin --item-cost 1.5us --items 3 --warmup 0"),
          std::string("--ranks 3 --file-size 3K --pin --ways spmd,map --placement per-numa-node"),
          "--workload memory --threads 7 --seed 5 --repetitions 2 --input " + scratch.path()}) {
        const options once = parse(line);
        std::string again;
        for (const std::string& word : spelled_out(once)) again += word + ' ';
        CAPTURE(line, again);
        CHECK(spelled_out(parse(again)) == spelled_out(once));
    }
    const std::string odd = scratch.make_directory("it's odd");
    options asked = parse("");
    asked.workload.input = odd;
    CHECK(spelled_out(asked)[1] == "--input '" + scratch.path() + "/it'\\''s odd'");
}

TEST_CASE("help names every option and every way within 80 columns") {
    const std::string help = help_text();
    for (const char* word :
         {"--workload", "--input", "--items", "--file-size", "--item-cost", "--ranks", "--threads",
          "--placement", "--ways", "--repetitions", "--warmup", "--seed", "--format", "--output", "--pin",
          "--topology", "--progress", "--help", "5 per rank"})
        CHECK_THAT(help, Catch::Contains(word));
    for (const way_description& each : all_ways())
        CHECK_THAT(help, Catch::Contains("  " + std::string(each.name)));
    CHECK_THAT(help, !Catch::Contains("stray"));
    std::istringstream lines(help);
    for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 80);
}
