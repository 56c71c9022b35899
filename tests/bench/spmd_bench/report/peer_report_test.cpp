// Guards against: times of another program for other items than ours, and a duplicate way.
#include "bench/spmd_bench/sample_report.hpp"
#include "support/temporary_directory.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <spmd_bench/report/peer_report.hpp>
#include <spmd_bench/report/render.hpp>
#include <spmd_bench/report/stored_report.hpp>

#include <chrono>
#include <functional>
#include <string>

using nlohmann::json;
using spmd_bench::add_peer_report;
using spmd_bench::report;

namespace {

/// The sample report, as if written by another program.
json peers() {
    json result = json::parse(spmd_bench::render_json(test_support::sample_report()));
    json& ways = result["points"][0]["ways"];
    ways = json::array({ways[0], ways[1]});
    ways[0]["way"] = "serial";
    ways[1]["way"] = "ipython-parallel";
    ways[1]["samples_ns"] = {3e6, 1e6, 2e6};
    ways[1]["submissions"] = 4;
    return result;
}

report with_peers(const json& peers_report) {
    const test_support::temporary_directory scratch;
    report result = test_support::sample_report();
    add_peer_report(result, scratch.write("peers.json", peers_report.dump()));
    return result;
}

} // namespace

TEST_CASE("the ways of a peer follow ours, except its serial one") {
    const std::size_t own = test_support::sample_report().points[0].ways.size();
    const report result = with_peers(peers());
    REQUIRE(result.points[0].ways.size() == own + 1);
    const spmd_bench::way_result& way = result.points[0].ways.back();
    CHECK(way.name == "ipython-parallel");
    CHECK(way.median_ns.value == 2e6);
    CHECK(way.submissions == 4U);
    CHECK(!way.ratio_to_map); // its rounds are not those of map
    CHECK(spmd_bench::render_table(result).find("ipython-parallel") != std::string::npos);
}

TEST_CASE("a way of a name that is already taken is absent") {
    json result = peers();
    result["points"][0]["ways"][1]["way"] = "map";
    const report with = with_peers(result);
    CHECK(with.points[0].ways.size() == test_support::sample_report().points[0].ways.size());
    CHECK(with.absent_peers.back().first.starts_with("map of "));
    CHECK(with.absent_peers.back().second == "there is a way of this name already");
}

TEST_CASE("items of another cost or skew are other items") {
    report own = test_support::sample_report();
    own.request.workload = spmd_bench::workload_kind::mixed;
    own.points[0].bytes = 0;
    own.points[0].settings.item_cost = std::chrono::microseconds(20);
    own.points[0].settings.skew = 2;
    json others = json::parse(spmd_bench::render_json(own));
    const auto reason = [&] {
        const test_support::temporary_directory scratch;
        report result = own;
        add_peer_report(result, scratch.write("peers.json", others.dump()));
        return result.absent_peers.empty() ? "" : result.absent_peers.back().second;
    };
    for (json& way : others["points"][0]["ways"]) way["way"] = "peer";
    others["points"][0]["at"]["item_cost_ns"] = 1000;
    CHECK(reason() == "its items cost 1 us, not 20 us");
    others["points"][0]["at"]["item_cost_ns"] = 20'000;
    others["points"][0]["at"]["skew"] = 3;
    CHECK(reason() == "its skew is 3, not 2");
}

TEST_CASE("a report of other items is absent, with the reason") {
    struct other {
        std::function<void(json&)> act;
        const char* reason;
    };
    for (const other& each :
         {other{[](json& r) { r["workload"]["kind"] = "spin"; }, "its workload is spin, not files"},
          other{[](json& r) { r["points"][0]["at"]["items"] = 7; }, "it has 7 items, not 500"},
          other{[](json& r) { r["points"][0]["at"]["file_size_bytes"] = 7; },
                "its files have 7 bytes, not 1024"},
          other{[](json& r) { r["points"].push_back(r["points"][0]); }, "it is of a sweep"}}) {
        json result = peers();
        each.act(result);
        const report with = with_peers(result);
        CHECK(with.points[0].ways.size() == test_support::sample_report().points[0].ways.size());
        REQUIRE(!with.absent_peers.empty());
        CHECK(with.absent_peers.back().second == each.reason);
    }
}

TEST_CASE("files of another folder are other items") {
    report own = test_support::sample_report();
    own.request.input = "folder";
    own.points[0].bytes = 3000;
    json others = json::parse(spmd_bench::render_json(own));
    for (json& way : others["points"][0]["ways"]) way["way"] = "peer";
    others["points"][0]["bytes"] = 1024;
    const test_support::temporary_directory scratch;
    add_peer_report(own, scratch.write("peers.json", others.dump()));
    REQUIRE(!own.absent_peers.empty());
    CHECK(own.absent_peers.back().second == "its items have 1 KiB, not 2.93 KiB");
}

TEST_CASE("another machine is a warning, and a file that is not a report is an error") {
    json result = peers();
    result["machine"]["cpu"] = "another";
    CHECK(with_peers(result).points[0].warnings.back().what == spmd_bench::symptom::other_machine);
    CHECK_THROWS_AS(with_peers(json::object()), spmd_bench::report_error);
}
