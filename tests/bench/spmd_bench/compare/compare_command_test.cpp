// Guards against: an exit status that lets a slower program pass a gate, and wrong usage that is accepted.

#include "bench/spmd_bench/two_reports.hpp"

#include <catch2/catch.hpp>
#include <spmd_bench/compare/compare_command.hpp>

#include <string>
#include <vector>

using Catch::Contains;
using spmd_bench::run_compare;
using namespace test_support;

TEST_CASE("the command has its options, its status, and errors for wrong usage") {
    const two_reports files(report_of(json::array({point_of(4, {way_of("map", times(1000, 1))})})),
                            report_of(json::array({point_of(4, {way_of("map", times(1200, 2))})})));
    CHECK(run_compare({files.first, files.second}).status == 0);
    CHECK(run_compare({files.first, files.second, "--fail-if-slower", "10"}).status == 1);
    CHECK(run_compare({files.first, files.second, "--fail-if-slower", "50"}).status == 0);
    CHECK(run_compare({files.first, files.second, "--fail-if-slower", "20"}).status == 3); // at its bound
    CHECK(run_compare({files.second, files.first, "--fail-if-slower", "5"}).status == 0);  // faster
    CHECK(json::parse(run_compare({"--format=json", files.first, files.second}).text)["ways"].size() == 1);
    CHECK_THAT(run_compare({"--help"}).text, Contains("--fail-if-slower PCT"));
    struct mistake {
        std::vector<std::string> arguments;
        const char* said;
    };
    for (const mistake& wrong :
         {mistake{{"a"}, "compare needs two reports, before and after, not 1"},
          mistake{{"a", "b", "c"}, "compare needs two reports, before and after, not 3"},
          mistake{{"a", "b", "--format", "xml"}, "--format is one of table, json, not 'xml'"},
          mistake{{"a", "b", "--fail-if-slower", "4"},
                  "--fail-if-slower is at least 5, as less is never reported as a change, not '4'"},
          mistake{{"a", "b", "--fail", "10"}, "unrecognised option '--fail'"},
          mistake{{"a", "b", "--fail-if-slower", "-1"},
                  "--fail-if-slower is a number of per cent such as 10, not '-1'"},
          mistake{{"a", "b", "--nonsense"}, "unrecognised option '--nonsense'"}})
        CHECK_THROWS_WITH(run_compare(wrong.arguments), wrong.said);
}
