// Guards against: a figure in the wrong column, unit or row, a format that its readers cannot parse, and a
// conclusion that claims more than was measured.

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <spmd_bench/render.hpp>
#include <spmd_bench/report.hpp>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

using namespace spmd_bench;

namespace {

/// Times in ns that were chosen for their medians: serial 2,000,000, map 1,000,000, spmd 900,000, read 500,000.
std::vector<measurement> measured() {
    return {{"serial", 0, {2.0e6, 2.0e6, 2.1e6, 1.9e6, 2.0e6, 2.0e6, 2.2e6}},
            {"map", 500, {1.0e6, 1.0e6, 1.0e6, 1.0e6, 1.0e6, 1.0e6, 1.0e6}},
            {"map-chunked", std::nullopt, {1.1e6, 1.2e6, 1.1e6, 1.1e6, 1.1e6, 1.1e6, 1.1e6}},
            {"spmd", 100, {0.9e6, 0.8e6, 0.9e6, 0.95e6, 0.9e6, 0.9e6, 0.9e6}},
            {"read", 100, {0.5e6, 0.5e6, 0.5e6, 0.5e6, 0.5e6, 0.5e6, 0.5e6}}};
}

report sample() {
    report made;
    made.cpu = "AMD EPYC 9J14";
    made.available_threads = 2;
    made.pool.arenas = {{.threads = 2, .ranks = {0, 100}}};
    made.asked.ways = {"serial", "map", "map-chunked", "spmd", "read"};
    made.asked.threads = 2;
    made.workload = "MD5 of 500 files, 500 KiB in all, random bytes, seed 1";
    made.items = 500;
    made.bytes = 512'000;
    made.ways = summarise(measured(), made.items, made.bytes);
    return made;
}

std::vector<std::string> lines_of(const std::string& text) {
    std::istringstream stream(text);
    std::vector<std::string> lines;
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

way_summary with_ratio(std::vector<double> spmd) {
    const std::vector<double> map(spmd.size(), 100);
    const std::vector<measurement> both{{"map", 1, map}, {"spmd", 1, std::move(spmd)}};
    return summarise(both, 1, 1)[1];
}

} // namespace

TEST_CASE("a summary holds the figures of its way") {
    const auto ways = summarise(measured(), 500, 512'000);
    const way_summary& serial = *find_way(ways, "serial");
    CHECK(serial.median_ns == 2.0e6);
    CHECK(serial.mad_ns == 0);
    CHECK(serial.min_ns == 1.9e6);
    CHECK(serial.items_per_second == Approx(250'000));
    CHECK(serial.bytes_per_second == Approx(256e6));
    CHECK(serial.to_map->value == Approx(2));
    CHECK(serial.to_read->value == Approx(4));
    CHECK(find_way(ways, "spmd")->to_map->value == Approx(0.9));
    CHECK(find_way(ways, "spmd")->to_map->likely.low == Approx(0.8));
    CHECK(find_way(ways, "spmd")->to_map->likely.high == Approx(0.95));
    CHECK(find_way(ways, "openmp") == nullptr);
    CHECK_FALSE(summarise(std::vector{measured()[0]}, 1, 1)[0].to_map);
    const std::vector<measurement> nothing{{"serial", 0, {}}};
    CHECK(summarise(nothing, 5, 5)[0].items_per_second == 0);
}

TEST_CASE("the table is the one that a reader expects") {
    CHECK(render_table(sample()) ==
          "machine   AMD EPYC 9J14, 2 threads used, 2 available\n"
          "pool      100 ranks on 2 threads, compact\n"
          "workload  MD5 of 500 files, 500 KiB in all, random bytes, seed 1\n"
          "runs      51 repetitions, the ways in random order; warm-up runs before each: 1\n"
          "options   --workload files --items 500 --file-size 1024 --ranks 100 --threads 2\n"
          "          --placement compact --repetitions 51 --warmup 1 --seed 1\n"
          "          --ways serial,map,map-chunked,spmd,read\n"
          "\n"
          "way          median  MAD   min   items  bytes  submitted  x map  x read\n"
          "                 us   us    us  1000/s  MiB/s\n"
          "serial         2000    0  1900     250    244          0   2.00    4.00\n"
          "map            1000    0  1000     500    488        500   1.00    2.00\n"
          "map-chunked    1100    0  1100     455    444       auto   1.10    2.20\n"
          "spmd            900    0   800     556    543        100   0.90    1.80\n"
          "read            500    0   500    1000    977        100   0.50    1.00\n"
          "\n"
          "x map, x read: medians of the ratios within each repetition\n"
          "spmd took 0.900 x map's time (95 % sure: 0.800 to 0.950).\n");
}

TEST_CASE("the table fits 80 columns with all ways and the longest figures") {
    report wide = sample();
    wide.asked.ways.clear();
    wide.pool.asked = spmd::placement::per_numa_node;
    wide.pool.reason = "the machine has one NUMA node, or oneTBB's tbbbind cannot tell";
    std::vector<measurement> slow;
    for (const way_description& each : all_ways()) {
        wide.asked.ways.emplace_back(each.name);
        slow.push_back({std::string(each.name), 100'000, std::vector<double>(10, 123'456e6)});
    }
    slow.back().nanoseconds.assign(10, 1'234e6);
    wide.ways = summarise(slow, 1'000'000, 1'000'000'000);
    for (const std::string& line : lines_of(render_table(wide))) {
        CAPTURE(line);
        CHECK(line.size() <= 80);
        CHECK_FALSE(line.ends_with(' '));
    }
    CHECK_THAT(render_table(wide), Catch::Contains("compact instead of per_numa_node: the machine"));
}

TEST_CASE("what was not measured is a dash, without a unit") {
    report without = sample();
    const std::vector<measurement> only{{"serial", 0, {100}}};
    without.ways = summarise(only, 0, 0);
    const auto lines = lines_of(render_table(without));
    CHECK(lines[lines.size() - 3] == "serial     100    0  100      -      -          0      -       -");
    CHECK(lines.back() == "serial took 100 ns.");
}

TEST_CASE("markdown has a row per way, all as wide as the head") {
    const auto lines = lines_of(render_markdown(sample()));
    CHECK(lines[0] == "- machine: AMD EPYC 9J14, 2 threads used, 2 available");
    CHECK(lines[6] ==
          "| way | median (us) | MAD (us) | min (us) | items (1000/s) | bytes (MiB/s) | submitted | x map | "
          "x read |");
    CHECK(lines[7] == "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    CHECK(lines[11] == "| spmd | 900 | 0 | 800 | 556 | 543 | 100 | 0.90 | 1.80 |");
    for (std::size_t i = 6; i <= 12; ++i) CHECK(std::ranges::count(lines[i], '|') == 10);
}

TEST_CASE("csv has this header and one line per way") {
    const auto lines = lines_of(render_csv(sample()));
    REQUIRE(lines.size() == 6);
    CHECK(lines[0] ==
          "way,median_ns,mad_ns,min_ns,items_per_second,bytes_per_second,submissions,ratio_to_map,"
          "ratio_to_read");
    CHECK(lines[1] == "serial,2000000,0,1900000,250000,256000000,0,2.0000,4.0000");
    CHECK(lines[3] == "map-chunked,1100000,0,1100000,454545,465454545,,1.1000,2.2000");
}

TEST_CASE("json parses and holds everything") {
    report what = sample();
    what.asked.workload.input = "not \xff UTF-8";
    const auto parsed = nlohmann::json::parse(render_json(what));
    CHECK(parsed["machine"]["cpu"] == "AMD EPYC 9J14");
    CHECK(parsed["machine"]["available_threads"] == 2);
    CHECK(parsed["pool"]["ranks"] == 100);
    CHECK(parsed["pool"]["threads"] == 2);
    CHECK(parsed["pool"]["placement"] == "compact");
    CHECK(parsed["workload"]["kind"] == "files");
    CHECK(parsed["workload"]["items"] == 500);
    CHECK(parsed["workload"]["bytes"] == 512'000);
    CHECK(parsed["repetitions"] == 51);
    CHECK(parsed["ways"].size() == 5);
    CHECK(parsed["ways"][3]["way"] == "spmd");
    CHECK(parsed["ways"][3]["median_ns"] == 0.9e6);
    CHECK(parsed["ways"][3]["submissions"] == 100);
    CHECK(parsed["ways"][3]["ratio_to_map"]["high"] == Approx(0.95));
    CHECK(parsed["ways"][3]["times_ns"].size() == 7);
    CHECK(parsed["ways"][2]["submissions"].is_null());
    CHECK(parsed["conclusion"] == conclusion(what.ways));
}

TEST_CASE("the format that is asked for is rendered") {
    report what = sample();
    CHECK(render(what) == render_table(what));
    what.asked.format = report_format::markdown;
    CHECK(render(what) == render_markdown(what));
    what.asked.format = report_format::csv;
    CHECK(render(what) == render_csv(what));
    what.asked.format = report_format::json;
    CHECK(render(what) == render_json(what));
}

TEST_CASE("the conclusion claims a difference only where there is one") {
    CHECK(conclusion(std::vector{with_ratio({90, 91, 92, 93, 94, 95})}) ==
          "spmd took 0.925 x map's time (95 % sure: 0.900 to 0.950).");
    CHECK(conclusion(std::vector{with_ratio({110, 110, 110, 110, 110, 110})}) ==
          "spmd took 1.100 x map's time (95 % sure: 1.100 to 1.100).");
    CHECK(conclusion(std::vector{with_ratio({90, 90, 90, 90, 90, 110})}) ==
          "spmd and map tie: 0.900 x map's time (95 % sure: 0.900 to 1.100).");
    CHECK(conclusion(std::vector{with_ratio({90, 90, 90, 90, 90})}) ==
          "spmd took 0.900 x map's time; 5 repetitions are too few to tell that from chance.");
    CHECK(conclusion(summarise(std::vector{measured()[0], measured()[1]}, 1, 1)) ==
          "map had the least median, 1 ms; measure spmd and map to compare them.");
    CHECK(conclusion({}) == "nothing was measured.");
}
