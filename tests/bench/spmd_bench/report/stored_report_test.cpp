// Guards against: a file that is accepted as a report without being one, and an error that does not say which
// file it is.

#include "bench/spmd_bench/two_reports.hpp"

#include <catch2/catch.hpp>
#include <spmd_bench/report/stored_report.hpp>

#include <cstdint>
#include <functional>

using Catch::Contains;
using namespace test_support;

TEST_CASE("reports of the schema's versions 2 and 3 are read") {
    json report = report_of(json::array({point_of(4, {way_of("map", times(1000, 1))})}));
    for (const int version : {2, 3}) {
        report["schema_version"] = version;
        CHECK(two_reports(report, report).compared().ways.size() == 1);
    }
}

TEST_CASE("an error names the file that is not a report, and the fault") {
    const json good = report_of(json::array({point_of(4, {way_of("map", times(1000, 1))})}));
    const auto broken = [&](const std::function<void(json&)>& act) {
        json report = good;
        act(report);
        return report;
    };
    struct fault {
        json report;
        const char* said;
    };
    for (const fault& each :
         {fault{broken([](json& r) { r["schema_version"] = 1; }), "schema_version is 1, not 2 to 3"},
          fault{broken([](json& r) { r["schema_version"] = 4; }), "schema_version is 4, not 2 to 3"},
          fault{broken([](json& r) { r["schema_version"] = "2"; }), "schema_version is \"2\", not 2 to 3"},
          fault{broken([](json& r) { r.erase("points"); }), "'points' not found"},
          fault{broken([](json& r) { r["points"][0]["ways"][0]["samples_ns"] = json::array(); }),
                "a way without samples"},
          fault{broken([](json& r) { r["points"][0]["ways"][0]["samples_ns"][0] = "1"; }),
                "type must be number"},
          fault{broken([](json& r) { r["points"][0]["ways"][0]["samples_ns"][0] = 0; }),
                "samples_ns of the way 'map' has 0, not a positive time"},
          fault{broken([](json& r) { r["points"][0]["ways"][0]["samples_ns"][7] = -1.5; }),
                "samples_ns of the way 'map' has -1.5, not a positive time"},
          fault{broken([](json& r) { r["points"][0]["ways"][0]["pace_ns"] = samples(41, 0.0); }),
                "pace_ns of the way 'map' has 0, not a positive time"},
          fault{broken([](json& r) { r["points"][0]["ways"][0]["submissions"] = -1; }),
                "submissions is -1, not a whole number from 0 to "},
          fault{broken([](json& r) { r["points"][0]["at"]["ranks"] = -1; }),
                "ranks is -1, not a whole number from 1 to "},
          fault{broken([](json& r) { r["points"][0]["at"]["ranks"] = 0; }),
                "ranks is 0, not a whole number from 1 to "},
          fault{broken([](json& r) { r["points"][0]["at"]["items"] = 1.5; }),
                "items is 1.5, not a whole number from 0 to "},
          fault{broken([](json& r) { r["points"][0]["at"]["item_cost_ns"] = ~std::uint64_t{0}; }),
                "item_cost_ns is 18446744073709551615, not a whole number from 0 to 9223372036854775807"},
          fault{broken([](json& r) { r["workload"]["kind"] = "md5"; }),
                "kind is one of files, memory, spin, mixed, empty, not 'md5'"},
          fault{broken([](json& r) { r["swept"] = {"cores"}; }),
                "swept is one of threads, chunk, skew, file_size, items, ranks, item_cost, not 'cores'"},
          fault{json::array(), "not a report of spmd_bench"}, fault{"text", "not a report of spmd_bench"}}) {
        INFO(each.said);
        const two_reports files(good, each.report);
        CHECK_THROWS_WITH(files.compared(),
                          Contains(files.second + ": not a report of spmd_bench: ") && Contains(each.said));
    }
    const temporary_directory scratch;
    CHECK_THROWS_WITH(spmd_bench::compare_reports(scratch / "no", scratch / "no"),
                      (scratch / "no") + ": No such file or directory");
    const two_reports apart(good, report_of(json::array({point_of(5, {way_of("map", times(1, 1))})})));
    CHECK_THROWS_WITH(apart.compared(), Contains("have no way and point in common"));
}
