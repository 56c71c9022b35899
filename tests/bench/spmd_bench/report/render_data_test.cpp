// Guards against: data that readers cannot parse, a name without its unit, and a missing sample.
// report_schema_test.py validates reports of the tool against the schema.

#include "bench/spmd_bench/sample_report.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <spmd_bench/analysis/answer.hpp>
#include <spmd_bench/report/render.hpp>

#include <sstream>
#include <string>
#include <vector>

using namespace spmd_bench;
using namespace test_support;

TEST_CASE("csv has a line per way and point, with units in the names and every sample") {
    std::istringstream lines(render_csv(sample_report()));
    std::string line;
    std::getline(lines, line);
    CHECK(line == "ranks,items,threads,chunk,item_cost_ns,file_size_bytes,skew,bytes,way,rounds,median_ns,"
                  "median_low_ns,median_high_ns,mad_ns,min_ns,items_per_second,bytes_per_second,submissions,"
                  "ratio_to_map,ratio_to_map_low,ratio_to_map_high,outliers,unstable,samples_ns");
    std::getline(lines, line);
    CHECK(line == "100,500,2,,,1024,,512000,serial,7,2000000.0,1900000.0,2200000.0,0.0,1900000.0,250000,"
                  "2.56e+08,0,2,1.9,2.2,0,true,2000000 2000000 2100000 1900000 2000000 2000000 2200000");
    for (int i = 0; i < 4; ++i) std::getline(lines, line);
    CHECK(line.starts_with("100,500,2,,,1024,,512000,read,7,500000.0,"));
    CHECK_FALSE(std::getline(lines, line));
}

TEST_CASE("unknown values are empty fields of csv") {
    report what = sample_report();
    const std::vector<measurement> only{{way_kind::map_chunked, std::nullopt, {100}}};
    what.points = {summarise({.chunk = 7}, 0, only, 0)};
    CHECK_THAT(render_csv(what), Catch::Contains("100,500,1,7,,1024,,0,map-chunked,1,") &&
                                     Catch::Contains(",,,,,0,false,100\n"));
}

TEST_CASE(
    "csv has a way's name in quotes where it would be taken for several fields, or for the end of one") {
    report what = sample_report();
    what.points[0].ways[0].name = "ipython-parallel, 4";
    what.points[0].ways[1].name = "the \"fast\" one";
    what.points[0].ways[2].name = "two\nlines";
    const std::string csv = render_csv(what);
    CHECK_THAT(csv, Catch::Contains(",512000,\"ipython-parallel, 4\",7,2000000.0,") &&
                        Catch::Contains(",512000,\"the \"\"fast\"\" one\",7,1000000.0,") &&
                        Catch::Contains(",512000,\"two\nlines\",7,1100000.0,"));
    CHECK_THAT(csv, Catch::Contains(",512000,spmd,7,"));
}

TEST_CASE("settings that a workload does not have, and sizes of files of a directory, are unknown") {
    struct expectation {
        workload_kind kind;
        std::string input;
        std::string fields;
        std::string json;
    };
    for (const expectation& each : {expectation{workload_kind::files, "", ",1024,", "[null,1024,null]"},
                                    expectation{workload_kind::files, "/there", ",,", "[null,null,null]"},
                                    expectation{workload_kind::memory, "", ",1024,", "[null,1024,null]"},
                                    expectation{workload_kind::memory, "/there", ",,", "[null,null,null]"},
                                    expectation{workload_kind::spin, "", "1000,,", "[1000,null,null]"},
                                    expectation{workload_kind::mixed, "", "1000,,1", "[1000,null,1.0]"},
                                    expectation{workload_kind::empty, "", ",,", "[null,null,null]"}}) {
        report what = sample_report();
        what.request.workload = each.kind;
        what.request.input = each.input;
        what.answer.crossovers.push_back({what.points[0].settings, {}, {}});
        what.answer.ranks.push_back({what.points[0].settings, 1, 100});
        CAPTURE(name_of(each.kind), each.input);
        CHECK_THAT(render_csv(what), Catch::Contains("\n100,500,2,," + each.fields + ",512000,serial,"));
        const auto parsed = nlohmann::json::parse(render_json(what));
        for (const auto& at : {parsed["points"][0]["at"], parsed["answer"]["crossovers"][0]["at"],
                               parsed["answer"]["enough_ranks"][0]["at"]})
            CHECK(nlohmann::json{at["item_cost_ns"], at["file_size_bytes"], at["skew"]}.dump() == each.json);
    }
}

TEST_CASE("json holds everything of a point") {
    report what = sample_report();
    what.request.input = "not \xff UTF-8";
    what.absent_peers = {{"openmp", "no compiler"}};
    what.answer = answer_of(
        what, {{way_kind::map, interval_estimate{5, 4, 6}, std::nullopt, interval_estimate{2, 1, 3}}});
    const auto parsed = nlohmann::json::parse(render_json(what));
    CHECK(parsed["schema_version"] == 3);
    CHECK(parsed["version"] == "1.2.3");
    CHECK(parsed["commit"] == "0123456789ab");
    CHECK(parsed["machine"]["cpu"] == "AMD EPYC 9J14");
    CHECK(parsed["machine"]["available_threads"] == 2);
    CHECK(parsed["clock_overhead_ns"] == 25);
    CHECK(parsed["pool"]["placement"] == "compact");
    CHECK(parsed["workload"]["kind"] == "files");
    CHECK(parsed["repetitions"] == 51);
    CHECK(parsed["swept"].empty());
    REQUIRE(parsed["points"].size() == 1);
    const auto& point = parsed["points"][0];
    CHECK(point["at"]["ranks"] == 100);
    CHECK(point["at"]["items"] == 500);
    CHECK(point["at"]["threads"] == 2);
    CHECK(point["at"]["chunk"].is_null());
    CHECK(point["at"]["file_size_bytes"].is_null()); // of a directory
    CHECK(point["bytes"] == 512'000);
    CHECK(point["spmd_parts"]["slower_ns"] == 540'000);
    REQUIRE(point["ways"].size() == 5);
    const auto& spmd = point["ways"][3];
    CHECK(spmd["way"] == "spmd");
    CHECK(spmd["median_ns"]["value"] == 0.9e6);
    CHECK(spmd["submissions"] == 100);
    CHECK(spmd["ratio_to_map"]["high"] == Approx(0.95));
    CHECK(spmd["samples_ns"].size() == 7);
    CHECK(spmd["samples_ns"][1] == 0.8e6);
    CHECK(point["ways"][2]["submissions"].is_null());
    CHECK(parsed["answer"]["sentences"].size() == what.answer.sentences.size());
    CHECK(parsed["answer"]["costs"][0]["per_rank_ns"].is_null());
    CHECK(parsed["answer"]["costs"][0]["per_item_ns"]["low"] == 1);
    CHECK(parsed["absent_peers"][0]["reason"] == "no compiler");
}

TEST_CASE("json holds the points of a sweep and its crossovers") {
    report what = sample_sweep();
    what.answer = answer_of(what, {});
    const auto parsed = nlohmann::json::parse(render_json(what));
    CHECK(parsed["swept"] == std::vector<std::string>{"item_cost"});
    CHECK(parsed["points"].size() == 3);
    CHECK(parsed["points"][1]["at"]["item_cost_ns"] == 100);
    CHECK(parsed["answer"]["crossovers"][0]["crossing_item_cost_ns"]["value"] == Approx(400));
    CHECK(parsed["answer"]["enough_ranks"].empty());
}

TEST_CASE("render() chooses the format") {
    const report what = sample_report();
    CHECK(render(what, report_format::table) == render_table(what));
    CHECK(render(what, report_format::markdown) == render_markdown(what));
    CHECK(render(what, report_format::csv) == render_csv(what));
    CHECK(render(what, report_format::json) == render_json(what));
}
