// Guards against: another program's times beside ours for other items than ours, or a way that is there twice.
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

/// The sample, as another program could have written it.
json peers() {
    json made = json::parse(spmd_bench::render_json(test_support::sample_report()));
    json& ways = made["points"][0]["ways"];
    ways = json::array({ways[0], ways[1]});
    ways[0]["way"] = "serial";
    ways[1]["way"] = "ipython-parallel";
    ways[1]["samples_ns"] = {3e6, 1e6, 2e6};
    ways[1]["submissions"] = 4;
    return made;
}

report with_peers(const json& of) {
    const test_support::temporary_directory scratch;
    report made = test_support::sample_report();
    add_peer_report(made, scratch.write("peers.json", of.dump()));
    return made;
}

} // namespace

TEST_CASE("the ways of a peer stand below ours, but for its serial one") {
    const std::size_t own = test_support::sample_report().points[0].ways.size();
    const report made = with_peers(peers());
    REQUIRE(made.points[0].ways.size() == own + 1);
    const spmd_bench::way_result& way = made.points[0].ways.back();
    CHECK(way.name == "ipython-parallel");
    CHECK(way.median_ns.value == 2e6);
    CHECK(way.submissions == 4U);
    CHECK(!way.ratio_to_map); // it took no turns with map
    CHECK(spmd_bench::render_table(made).find("ipython-parallel") != std::string::npos);
}

TEST_CASE("a way of a name that there is already is told as absent") {
    json made = peers();
    made["points"][0]["ways"][1]["way"] = "map";
    const report with = with_peers(made);
    CHECK(with.points[0].ways.size() == test_support::sample_report().points[0].ways.size());
    CHECK(with.absent_peers.back().first.starts_with("map of "));
    CHECK(with.absent_peers.back().second == "there is a way of this name already");
}

TEST_CASE("items that cost otherwise, or differ otherwise, are others") {
    report own = test_support::sample_report();
    own.asked.workload = spmd_bench::workload_kind::mixed;
    own.points[0].bytes = 0;
    own.points[0].settings.item_cost = std::chrono::microseconds(20);
    own.points[0].settings.skew = 2;
    json others = json::parse(spmd_bench::render_json(own));
    const auto reason = [&] {
        const test_support::temporary_directory scratch;
        report made = own;
        add_peer_report(made, scratch.write("peers.json", others.dump()));
        return made.absent_peers.empty() ? "" : made.absent_peers.back().second;
    };
    for (json& way : others["points"][0]["ways"]) way["way"] = "peer";
    others["points"][0]["at"]["item_cost_ns"] = 1000;
    CHECK(reason() == "its items cost 1 us, not 20 us");
    others["points"][0]["at"]["item_cost_ns"] = 20'000;
    others["points"][0]["at"]["skew"] = 3;
    CHECK(reason() == "its skew is 3, not 2");
}

TEST_CASE("what is of other items is absent, with the reason") {
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
        json made = peers();
        each.act(made);
        const report with = with_peers(made);
        CHECK(with.points[0].ways.size() == test_support::sample_report().points[0].ways.size());
        REQUIRE(!with.absent_peers.empty());
        CHECK(with.absent_peers.back().second == each.reason);
    }
}

TEST_CASE("files of another folder are others") {
    report own = test_support::sample_report();
    own.asked.input = "folder";
    own.points[0].bytes = 3000;
    json others = json::parse(spmd_bench::render_json(own));
    for (json& way : others["points"][0]["ways"]) way["way"] = "peer";
    others["points"][0]["bytes"] = 1024;
    const test_support::temporary_directory scratch;
    add_peer_report(own, scratch.write("peers.json", others.dump()));
    REQUIRE(!own.absent_peers.empty());
    CHECK(own.absent_peers.back().second == "its items have 1 KiB, not 2.93 KiB");
}

TEST_CASE("another machine is warned of, and a file that is no report is an error") {
    json made = peers();
    made["machine"]["cpu"] = "another";
    CHECK(with_peers(made).points[0].warnings.back().what == spmd_bench::symptom::other_machine);
    CHECK_THROWS_AS(with_peers(json::object()), spmd_bench::report_error);
}
