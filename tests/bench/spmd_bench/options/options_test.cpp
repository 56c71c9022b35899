// Guards against: a default that is not the notebook's, an option that sets something else or nothing, and a
// bad option that is accepted, or whose error is longer than a line.

#include "support/temporary_directory.hpp"

#include <spmd/machine.hpp>
#include <spmd/placement.hpp>

#include <catch2/catch.hpp>
#include <spmd_bench/options/command_line.hpp>
#include <spmd_bench/options/help.hpp>
#include <spmd_bench/options/options.hpp>

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

/// The only point.
sweep_point only_point(const options& request) {
    REQUIRE(count_points(request.axes) == 1);
    return points_of(request.axes).front();
}

} // namespace

TEST_CASE("the defaults are the notebook's experiment") {
    const options usual = parse("");
    CHECK_FALSE(usual.help);
    CHECK(usual.axes.ranks.values == std::vector<std::size_t>{100});
    CHECK(usual.axes.threads.values == std::vector{spmd::available_threads()});
    CHECK(usual.workload == workload_kind::files);
    CHECK(usual.axes.items.values == std::vector<std::size_t>{500});
    CHECK(usual.axes.file_size.values == std::vector<std::uint64_t>{1024});
    CHECK(usual.input.empty());
    CHECK(usual.format == report_format::table);
    CHECK(usual.output.empty());
    CHECK(usual.files.empty());
    CHECK(usual.measurement.repetitions == 51);
    CHECK(usual.ways.front() == way_kind::serial);
    CHECK(usual.ways.back() == way_kind::read);
}

TEST_CASE("each option sets what it is named after") {
    struct accepted {
        const char* arguments;
        std::function<bool(const options&)> holds;
    };
    const std::vector<accepted> table{
        {"--help", [](const options& o) { return o.help; }},
        {"-h --ranks nonsense", [](const options& o) { return o.help; }},
        {"--ranks 7", [](const options& o) { return only_point(o).ranks == 7 && only_point(o).items == 35; }},
        {"--ranks=7 --items 3",
         [](const options& o) { return only_point(o).ranks == 7 && only_point(o).items == 3; }},
        {"--items 0", [](const options& o) { return only_point(o).items == 0; }},
        {"--file-size 64K", [](const options& o) { return only_point(o).file_size == 65'536; }},
        {"--file-size 1MiB", [](const options& o) { return only_point(o).file_size == 1'048'576; }},
        {"--threads 64", [](const options& o) { return only_point(o).threads == 64; }},
        {"--chunk 12", [](const options& o) { return only_point(o).chunk == 12; }},
        {"--chunk auto", [](const options& o) { return only_point(o).chunk == 0; }},
        {"--workload spin --item-cost 2ms",
         [](const options& o) {
             return o.workload == workload_kind::spin && only_point(o).item_cost == 2ms;
         }},
        {"--workload mixed --skew 2.5 --item-cost 3us",
         [](const options& o) {
             return o.workload == workload_kind::mixed && only_point(o).skew == 2.5 &&
                    only_point(o).item_cost == 3us;
         }},
        {"--workload memory", [](const options& o) { return o.workload == workload_kind::memory; }},
        {"--workload empty",
         [](const options& o) {
             return o.workload == workload_kind::empty && o.ways.back() != way_kind::read;
         }},
        {"--repetitions 3", [](const options& o) { return o.measurement.repetitions == 3; }},
        {"--warmup 0", [](const options& o) { return o.measurement.warmup == 0; }},
        {"--seed 9",
         [](const options& o) { return workload_at(o, {}).seed == 9 && o.measurement.seed == 9; }},
        {"--placement per_numa_node",
         [](const options& o) { return o.placement == spmd::placement::per_numa_node; }},
        {"--placement per-core-type",
         [](const options& o) { return o.placement == spmd::placement::per_core_type; }},
        {"--pin", [](const options& o) { return o.pin; }},
        {"--topology --ranks 7 --format json",
         [](const options& o) { return o.topology && only_point(o).ranks == 7; }},
        {"--progress=never", [](const options& o) { return o.progress == apps::progress_mode::never; }},
        {"--ways spmd,map,spmd",
         [](const options& o) { return o.ways == std::vector{way_kind::spmd, way_kind::map}; }},
        {"--format json", [](const options& o) { return o.format == report_format::json; }},
        {"--format csv", [](const options& o) { return o.format == report_format::csv; }},
        {"--format markdown", [](const options& o) { return o.format == report_format::markdown; }},
    };
    for (const accepted& each : table) {
        CAPTURE(each.arguments);
        CHECK(each.holds(parse(each.arguments)));
    }
}

TEST_CASE("lists and ranges make a sweep, which has other defaults") {
    const options request =
        parse("--workload spin --ranks 1:64:*8 --item-cost 0,1us --threads 1,2 --items 9,8");
    CHECK(request.axes.ranks.values == std::vector<std::size_t>{1, 8, 64});
    CHECK(request.axes.item_cost.values == std::vector<std::chrono::nanoseconds>{0ns, 1us});
    CHECK(request.axes.threads.values == std::vector<std::size_t>{1, 2});
    CHECK(count_points(request.axes) == 24);
    CHECK(request.measurement.repetitions == 15);
    CHECK(request.ways ==
          std::vector{way_kind::serial, way_kind::map, way_kind::map_chunked, way_kind::spmd});
    CHECK(parse("--ranks 10,40").axes.items.values == std::vector<std::size_t>{200});
    CHECK(parse("--ranks 1,2 --repetitions 3 --ways spmd").measurement.repetitions == 3);
    CHECK(parse("--ranks 1,2 --ways spmd").ways == std::vector{way_kind::spmd});
    CHECK(parse("--workload mixed --skew 0:1:+0.5").axes.skew.values == std::vector<double>{0, 0.5, 1});
}

TEST_CASE("a point has its workload and its pool") {
    const options request = parse("--workload mixed --pin --placement per_numa_node --seed 4");
    const sweep_point point{
        .ranks = 3, .items = 4, .threads = 5, .item_cost = 6ns, .file_size = 7, .skew = 8};
    const workload_options work = workload_at(request, point);
    CHECK(work.kind == workload_kind::mixed);
    CHECK(work.items == 4);
    CHECK(work.item_cost == 6ns);
    CHECK(work.file_size == 7);
    CHECK(work.skew == 8);
    CHECK(work.seed == 4);
    const spmd::engine_pool_options pool = pool_at(request, point);
    CHECK(pool.ranks == 3);
    CHECK(pool.threads == 5);
    CHECK(pool.pin_workers);
    CHECK(pool.placement == spmd::placement::per_numa_node);
}

TEST_CASE("a bad option is an error of one line that names it") {
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
        {"photos", "unrecognised argument 'photos'"},
        {"--threads 4097", "--threads is a whole number from 1 to 4096, not '4097'"},
        {"--repetitions 0", "--repetitions is a whole number from 1 to 1000000, not '0'"},
        {"--file-size 1k", "--file-size is a size such as 64K, 1KiB or 1.5MiB, not '1k'"},
        {"--workload spin --item-cost 5", "--item-cost is a time such as 100ns, 1.5us or 2ms, not '5'"},
        {"--item-cost 5us", "--item-cost is for --workload spin and mixed"},
        {"--workload spin --skew 1", "--skew is for --workload mixed"},
        {"--workload mixed --skew 101", "--skew is a number from 0 to 100, not '101'"},
        {"--ranks 1:9", "--ranks accepts ranges such as 1:100:*2 or 1:100:+10, not '1:9'"},
        {"--ranks 1,0", "--ranks is a whole number from 1 to 100000000, not '0'"},
        {"--chunk 0", "--chunk is a whole number from 1 to 1000000000 or auto, not '0'"},
        {"--chunk 3 --ways map", "--chunk is for the way map-chunked, which is not among --ways"},
        {"--ranks 1:200:+1 --items 1:100:+1", "this sweep has 20000 points; at most 10000"},
        {"--topology --ranks 1,2",
         "--topology shows one pool: it needs one number of ranks, and one of threads"},
        {"--json /", "--json '/': Is a directory"},
        {"--csv /nonexistent/report", "--csv '/nonexistent/report': No such file or directory"},
        {"--workload spin --file-size 1K", "--file-size is for --workload files and memory"},
        {"--workload empty --input /", "--input is for --workload files and memory"},
        {"--workload md5", "--workload is one of files, memory, spin, mixed, empty, not 'md5'"},
        {"--placement numa", "--placement is one of compact, per_numa_node, per_core_type, not 'numa'"},
        {"--format xml", "--format is one of table, markdown, html, csv, json, not 'xml'"},
        {"--topology --items 3", "--items cannot be combined with --topology, which measures nothing"},
        {"--topology --peer-report p",
         "--peer-report cannot be combined with --topology, which measures nothing"},
        {"--html same --json same", "two reports would be written to 'same'"},
        {"--output same --csv same", "two reports would be written to 'same'"},
        {"--topology --ways spmd", "--ways cannot be combined with --topology, which measures nothing"},
        {"--topology --format csv", "--format with --topology is one of table, json"},
        {"--progress on", "--progress is one of auto, always, never, not 'on'"},
        {"--input / --items 3", "--items cannot be combined with --input, whose files are all hashed"},
        {"--input / --file-size 3",
         "--file-size cannot be combined with --input, whose files have their own"},
        {"--input /nonexistent", "--input '/nonexistent': No such file or directory"},
        {"--input /dev/null", "--input '/dev/null': Not a directory"},
        {"--ways serial,mpi",
         "--ways: each is one of serial, map, map-chunked, spmd, spmd-graph, "
         "spmd-relist, openmp, openmp-dynamic, std-async, std-par, tbb, tbb-task-group, read, not 'mpi'"},
        {"--ways serial,",
         "--ways: each is one of serial, map, map-chunked, spmd, spmd-graph, "
         "spmd-relist, openmp, openmp-dynamic, std-async, std-par, tbb, tbb-task-group, read, not ''"},
        {"--ways read --workload spin", "--ways: 'read' cannot run: it needs the workload 'files'"},
        {"--output /nonexistent/report", "--output '/nonexistent/report': No such file or directory"},
        {"--output /", "--output '/': Is a directory"},
    };
    for (const refused& each : table) {
        CAPTURE(each.arguments);
        try {
            parse(each.arguments);
            FAIL("it was accepted");
        } catch (const option_error& error) {
            CHECK(std::string(error.what()) == each.message);
        }
    }
}

TEST_CASE("an output file is not created before it is written") {
    const test_support::temporary_directory scratch;
    CHECK(parse("--output " + scratch / "report").output == scratch / "report");
    const options files = parse("--json " + scratch / "report" + " --csv " + scratch / "table");
    REQUIRE(files.files.size() == 2);
    CHECK(files.files[0].format == report_format::csv);
    CHECK(files.files[0].path == scratch / "table");
    CHECK(files.files[1].format == report_format::json);
    CHECK(files.files[1].path == scratch / "report");
    CHECK_FALSE(std::filesystem::exists(scratch / "report"));
}

TEST_CASE("the options spelled out repeat the run") {
    const test_support::temporary_directory scratch;
    for (const std::string& line :
         {std::string(), std::string("--workload spin --item-cost 1.5us --items 3 --warmup 0"),
          std::string("--workload mixed --skew 0,2 --item-cost 1us:4us:+2us --chunk 1,auto --ranks 1:9:+4"),
          std::string("--ranks 3 --file-size 3K --pin --ways spmd,map --placement per-numa-node"),
          std::string("--peer-report other.json --peer-report third.json"),
          "--workload memory --threads 7 --seed 5 --repetitions 2 --input " + scratch.path()}) {
        const options once = parse(line);
        std::string again;
        for (const std::string& word : spelled_out(once)) again += word + ' ';
        CAPTURE(line, again);
        CHECK(spelled_out(parse(again)) == spelled_out(once));
    }
    const std::string odd = scratch.make_directory("it's odd");
    options request = parse("");
    request.input = odd;
    CHECK(spelled_out(parse("--items 1:16:*4"))[1] == "--items '1:16:*4'"); // * is special to the shell
    CHECK(spelled_out(request)[1] == "--input '" + scratch.path() + "/it'\\''s odd'");
}

TEST_CASE("help names every option and every way within 80 columns") {
    const std::string help = help_text();
    for (const char* word :
         {"--workload",  "--input",    "--items",       "--file-size", "--item-cost", "--ranks",  "--threads",
          "--placement", "--ways",     "--repetitions", "--warmup",    "--seed",      "--format", "--output",
          "--pin",       "--topology", "--progress",    "--help",      "5 per rank",  "--skew",   "--chunk",
          "--csv",       "--json",     "--markdown",    "1:4096:*4"})
        CHECK_THAT(help, Catch::Contains(word));
    for (const auto& [name, way] : names<way_kind>)
        CHECK_THAT(help, Catch::Contains("  " + std::string(name)));
    CHECK_THAT(help, !Catch::Contains("stray"));
    std::istringstream lines(help);
    for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 80);
}
