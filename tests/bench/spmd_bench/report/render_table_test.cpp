// Guards against: a figure in the wrong column, unit or row, and a table that a terminal or a reader of
// Markdown cannot show.

#include "bench/spmd_bench/sample_report.hpp"

#include <catch2/catch.hpp>
#include <spmd_bench/analysis/answer.hpp>
#include <spmd_bench/report/render.hpp>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

using namespace spmd_bench;
using namespace test_support;

namespace {

std::vector<std::string> lines_of(const std::string& text) {
    std::istringstream stream(text);
    std::vector<std::string> lines;
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

void check_width(const std::string& table) {
    for (const std::string& line : lines_of(table)) {
        CAPTURE(line);
        CHECK(line.size() <= 80);
        CHECK_FALSE(line.ends_with(' '));
    }
}

} // namespace

TEST_CASE("the table of one point is the expected one") {
    report what = sample_report();
    what.answer.sentences = {
        "Use spmd, it saves 10 %: it took 0.900 x map's time (95 % sure: 0.800 to 0.950).",
        "spmd is limited by memory or I/O."};
    what.points[0].warnings.clear();
    what.absent_peers = {{"openmp", "this spmd_bench was built by a compiler without OpenMP"}};
    CHECK(render_table(what) ==
          "machine   AMD EPYC 9J14, 2 threads available\n"
          "version   1.2.3, commit 0123456789ab\n"
          "pool      100 ranks on 2 threads, compact\n"
          "workload  MD5 of 500 files, 500 KiB in all, random bytes, seed 1\n"
          "runs      51 rounds in random order; warm-up until stable, then 1 before each; a\n"
          "          clock reading takes 25 ns\n"
          "command   spmd_bench --workload files --items 500 --file-size 1024 --ranks 100\n"
          "          --threads 2 --chunk auto --placement compact --repetitions 51\n"
          "          --warmup 1 --seed 1 --ways serial,map,map-chunked,spmd,read\n"
          "absent    openmp: this spmd_bench was built by a compiler without OpenMP\n"
          "\n"
          "way          median  95 % sure  MAD  bytes  tasks  x map  95 % sure\n"
          "                 us         us   us  MiB/s\n"
          "serial         2000  1900-2200    0    244      0   2.00  1.90-2.20\n"
          "map            1000  1000-1000    0    488    500   1.00  1.00-1.00\n"
          "map-chunked    1100  1100-1200    0    444   auto   1.10  1.10-1.20\n"
          "spmd            900    800-950    0    543    100   0.90  0.80-0.95\n"
          "read            500    500-500    0    977    100   0.50  0.50-0.50\n"
          "\n"
          "Use spmd, it saves 10 %: it took 0.900 x map's time (95 % sure: 0.800 to 0.950).\n"
          "spmd is limited by memory or I/O.\n");
}

TEST_CASE("the table of a sweep has a row per point, with the swept settings and the ratio of spmd") {
    CHECK_THAT(render_table(sample_sweep()),
               Catch::EndsWith("\n\n"
                               "item cost     map     spmd  spmd/map  95 % sure\n"
                               "0 ns       100 us     0 ns      0.00  0.00-0.00\n"
                               "100 ns     150 us  75.0 us      0.50  0.50-0.50\n"
                               "1 us       600 us   750 us      1.25  1.25-1.25\n"
                               "\n"));
}

TEST_CASE("warnings are at the end, those of a sweep once for all points") {
    report one = sample_report();
    one.points[0].warnings = {{symptom::wide_interval, "map 12 %"}};
    CHECK_THAT(
        render_table(one),
        Catch::EndsWith("\n\nwarning: wide intervals: map 12 %; four times the --repetitions halve them\n"));
    CHECK_THAT(render_markdown(one),
               Catch::EndsWith("\n\n- warning: wide intervals: map 12 %; four times the "
                               "--repetitions halve them\n"));
    report sweep = sample_sweep();
    sweep.points[1].warnings = one.points[0].warnings;
    sweep.points[2].warnings = one.points[0].warnings;
    CHECK_THAT(render_table(sweep),
               Catch::EndsWith(
                   "\n\nwarning: wide intervals at 2 of 3 points, as at item cost 100 ns: map 12 %; four\n"
                   "         times the --repetitions halve them\n"));
}

TEST_CASE("the table fits 80 columns with all ways and the longest figures") {
    report wide = sample_report();
    wide.request.ways.clear();
    wide.pool.requested = spmd::placement::per_numa_node;
    wide.pool.reason = "the machine has one NUMA node, or oneTBB's tbbbind cannot tell";
    std::vector<measurement> slow;
    for (const auto& [name, way] : names<way_kind>) {
        wide.request.ways.push_back(way);
        slow.push_back({way, 100'000, std::vector<double>(10, 123'456e6)});
    }
    slow.back().nanoseconds.assign(10, 1'234e6);
    wide.points = {summarise({.items = 1'000'000}, 1'000'000'000, slow, 25)};
    wide.answer = answer_of(wide, {});
    check_width(render_table(wide));
    CHECK_THAT(render_table(wide), Catch::Contains("compact instead of per_numa_node: the machine"));

    wide.swept = {sweep_axis::threads, sweep_axis::file_size, sweep_axis::items, sweep_axis::ranks};
    wide.points.push_back(wide.points[0]);
    check_width(render_table(wide));
}

TEST_CASE("unmeasured figures are dashes, without a unit") {
    report without = sample_report();
    const std::vector<measurement> only{{way_kind::serial, 0, {100}}}; // too few rounds for bounds
    without.points = {summarise({.items = 0}, 0, only, 0)};
    const auto lines = lines_of(render_table(without));
    CHECK(lines[lines.size() - 2] == "serial     100          -    0      -      0      -          -");
}

TEST_CASE("markdown has the same header, table and sentences") {
    report what = sample_report();
    what.answer.sentences = {"Use spmd."};
    what.points[0].warnings.clear();
    const auto lines = lines_of(render_markdown(what));
    CHECK(lines[0] == "- machine: AMD EPYC 9J14, 2 threads available");
    CHECK(lines[1] == "- version: 1.2.3, commit 0123456789ab");
    REQUIRE(lines.size() == 16);
    CHECK(lines[7] ==
          "| way | median (us) | 95 % sure (us) | MAD (us) | bytes (MiB/s) | tasks | x map | 95 % sure |");
    CHECK(lines[8] == "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    CHECK(lines[12] == "| spmd | 900 | 800-950 | 0 | 543 | 100 | 0.90 | 0.80-0.95 |");
    CHECK(lines[15] == "- Use spmd.");
}
