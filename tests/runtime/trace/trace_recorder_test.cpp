// Guards the trace format: valid JSON whose slices nest on each track, every rank inside its broadcast,
// arrows from broadcast to ranks to concat, counters that return to zero, and a bound on the recorded events.
#include "support/pools.hpp"

#include <spmd/spmd.hpp>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <source_location>
#include <sstream>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using nlohmann::json;

json written(const spmd::trace_recorder& trace) {
    std::ostringstream text;
    trace.write(text);
    return json::parse(text.str());
}

using track = std::pair<int, int>;

/// Events of a trace of one phase ("X", "C", …).
std::vector<json> of_phase(const json& trace, const std::string& phase) {
    std::vector<json> all;
    std::ranges::copy_if(trace["traceEvents"], std::back_inserter(all),
                         [&](const json& each) { return each["ph"] == phase; });
    return all;
}
std::vector<json> named(const std::vector<json>& events, const std::string& name) {
    std::vector<json> all;
    std::ranges::copy_if(events, std::back_inserter(all),
                         [&](const json& each) { return each["name"] == name; });
    return all;
}
track track_of(const json& event) { return {event["pid"], event["tid"]}; }

/// In ns, so that sums are exact.
long long begin_of(const json& event) { return std::llround(event["ts"].get<double>() * 1000); }
long long end_of(const json& slice) {
    return begin_of(slice) + std::llround(slice["dur"].get<double>() * 1000);
}

bool contains(const json& outer, const json& inner) {
    return track_of(outer) == track_of(inner) && begin_of(outer) <= begin_of(inner) &&
           end_of(inner) <= end_of(outer);
}

void require_nested(const json& trace) {
    std::map<track, std::vector<json>> tracks;
    for (const json& each : of_phase(trace, "X")) tracks[track_of(each)].push_back(each);
    for (auto& [where, slices] : tracks) {
        std::ranges::stable_sort(slices, [](const json& left, const json& right) {
            return std::pair(begin_of(left), -end_of(left)) < std::pair(begin_of(right), -end_of(right));
        });
        std::vector<long long> open;
        for (const json& each : slices) {
            while (!open.empty() && open.back() <= begin_of(each)) open.pop_back();
            INFO(each.dump());
            REQUIRE((open.empty() || end_of(each) <= open.back()));
            open.push_back(end_of(each));
        }
    }
}

/// Names of tracks or processes, by the number that the trace's events use.
std::map<track, std::string> names_of(const json& trace, const std::string& what) {
    std::map<track, std::string> names;
    for (const json& each : named(of_phase(trace, "M"), what)) names[track_of(each)] = each["args"]["name"];
    return names;
}

std::set<std::string> numbered(const std::string& word, std::size_t count) {
    std::set<std::string> all;
    for (std::size_t i = 0; i < count; ++i) all.insert(word + std::to_string(i));
    return all;
}

spmd::engine_pool traced_pool(std::size_t ranks, std::size_t threads, const spmd::trace_recorder& trace) {
#ifdef SPMD_TEST_WITHOUT_TBB
    return spmd::detail::pool_maker::make(
        ranks, std::make_unique<test_support::jthread_launcher>(std::vector<std::size_t>{threads}), trace);
#else
    return spmd::engine_pool({.ranks = ranks, .threads = threads, .trace = trace});
#endif
}

spmd::engine_pool named_pool(const std::string& name, const spmd::trace_recorder& trace) {
    std::vector<std::size_t> threads{2};
    return spmd::detail::pool_maker::make(4, std::make_unique<test_support::jthread_launcher>(threads), trace,
                                          name);
}

spmd::task<int> meet_twice(spmd::rank me) {
    co_await me.barrier();
    co_return co_await me.all_reduce(static_cast<int>(me.id()), std::plus<>{});
}

} // namespace

TEST_CASE("every rank is recorded once, named, inside its broadcast, on the threads' tracks") {
    for (const test_support::pool_kind& kind : test_support::pool_kinds()) {
        for (const std::size_t ranks : {std::size_t{1}, std::size_t{100}, std::size_t{1000}}) {
            const spmd::trace_recorder trace;
            {
                const spmd::engine_pool pool =
                    spmd::detail::pool_maker::make(ranks, kind.make_launcher(), trace);
                pool.with({.name = "square"})
                    .broadcast([](spmd::rank me) { return me.id() * me.id(); })
                    .get();
            }
            const json shown = written(trace);
            require_nested(shown);
            const std::vector<json> slices = of_phase(shown, "X");
            std::vector<json> broadcasts = named(slices, "square");
            std::multiset<std::string> seen;
            for (const json& each : slices) {
                if (each["cat"] != "task") continue;
                seen.insert(each["name"]);
                CHECK(std::ranges::any_of(broadcasts,
                                          [&](const json& outer) { return contains(outer, each); }));
            }
            const std::set<std::string> expected = numbered("rank ", ranks);
            CHECK(seen == std::multiset<std::string>(expected.begin(), expected.end()));
            // One more slice than the ranges that threads ran: the submitted broadcast itself.
            CHECK(std::ranges::count_if(broadcasts, [](const json& each) {
                      return each["args"].contains("ranks") && each["args"]["ranks"].is_number();
                  }) == 1);
        }
    }
}

TEST_CASE("ranks have their own tracks, with their waits in them") {
    constexpr std::size_t ranks = 10;
    const spmd::trace_recorder trace({.tracks = spmd::trace_tracks::per_rank});
    const spmd::engine_pool pool = traced_pool(ranks, 2, trace);
    pool.with({.name = "meet"}).broadcast(meet_twice).get();
    const json shown = written(trace);
    require_nested(shown);
    const std::map<track, std::string> names = names_of(shown, "thread_name");
    std::set<std::string> with_a_rank;
    for (const json& each : named(of_phase(shown, "X"), "meet"))
        if (each["cat"] == "task") with_a_rank.insert(names.at(track_of(each)));
    CHECK(with_a_rank == numbered("rank ", ranks));
    for (const char* wait : {"wait: barrier", "wait: all_reduce"}) {
        std::set<std::string> waited;
        for (const json& each : named(of_phase(shown, "X"), wait)) {
            waited.insert(names.at(track_of(each)));
            CHECK_THAT(each["args"]["at"].get<std::string>(), Catch::Contains("trace_recorder_test.cpp:"));
        }
        CHECK(waited == numbered("rank ", ranks));
    }
}

TEST_CASE("on threads' tracks each slice of a rank names the wait before it") {
    const spmd::trace_recorder trace;
    const spmd::engine_pool pool = traced_pool(3, 1, trace);
    pool.broadcast(meet_twice).get();
    std::map<std::string, std::vector<std::string>> waits; // by rank, in order of time
    std::vector<json> parts = of_phase(written(trace), "X");
    std::ranges::stable_sort(parts, {}, begin_of);
    for (const json& each : parts)
        if (each["cat"] == "task")
            waits[each["name"]].push_back(
                each.contains("args") ? each["args"]["waited_for"].get<std::string>() : "");
    const std::vector<std::string> expected{"", "barrier", "all_reduce"};
    CHECK(waits == std::map<std::string, std::vector<std::string>>{
                       {"rank 0", expected}, {"rank 1", expected}, {"rank 2", expected}});
}

TEST_CASE("arrows connect the broadcast to each rank and on to the concat, forward in time") {
    constexpr std::size_t ranks = 20;
    const spmd::trace_recorder trace;
    const spmd::engine_pool pool = traced_pool(ranks, 2, trace);
    pool.with({.name = "ids"})
        .broadcast([](spmd::rank me) { return std::vector<std::size_t>{me.id()}; })
        .concat();
    const json shown = written(trace);
    require_nested(shown);
    std::map<std::string, std::map<std::string, json>> arrows; // by id, then by phase
    for (const char* phase : {"s", "t", "f"})
        for (const json& each : of_phase(shown, phase)) CHECK(arrows[each["id"]].emplace(phase, each).second);
    REQUIRE(arrows.size() == ranks);
    const std::vector<json> slices = of_phase(shown, "X");
    const auto is_in = [&](const json& arrow, const auto& is_it) {
        return std::ranges::any_of(slices, [&](const json& each) {
            return is_it(each) && track_of(each) == track_of(arrow) && begin_of(each) <= begin_of(arrow) &&
                   begin_of(arrow) <= end_of(each);
        });
    };
    for (auto& [id, phases] : arrows) {
        REQUIRE(phases.size() == 3);
        CHECK(begin_of(phases["s"]) <= begin_of(phases["t"]));
        CHECK(begin_of(phases["t"]) <= begin_of(phases["f"]));
        CHECK(is_in(phases["s"], [](const json& each) { return each["name"] == "ids"; }));
        CHECK(is_in(phases["t"], [](const json& each) { return each["cat"] == "task"; }));
        CHECK(is_in(phases["f"], [](const json& each) { return each["name"] == "concat of ids"; }));
    }
}

TEST_CASE("the counter of ready ranks starts at all of them and returns to zero") {
    constexpr int ranks = 50;
    const spmd::trace_recorder trace;
    {
        const spmd::engine_pool pool = traced_pool(ranks, 2, trace);
        pool.broadcast(meet_twice).get();
    }
    const std::vector<json> ready = named(of_phase(written(trace), "C"), "ranks ready");
    REQUIRE(!ready.empty());
    const auto count = [](const json& each) { return each["args"]["count"].get<long long>(); };
    CHECK(count(ready.front()) == ranks);
    CHECK(count(ready.back()) == 0);
    CHECK(std::ranges::all_of(ready,
                              [&](const json& each) { return count(each) >= 0 && count(each) <= ranks; }));
}

#ifndef SPMD_TEST_WITHOUT_TBB // graphs need oneTBB
TEST_CASE("a graph's stages are slices; a stream's batches have tracks and a counter") {
    const spmd::trace_recorder trace;
    constexpr int batches = 12;
    {
        const spmd::engine_pool pool = traced_pool(4, 2, trace);
        spmd::task_graph graph(pool);
        int sent = 0;
        auto source = graph.stream(
            "source",
            [&]() -> std::optional<int> { return sent == batches ? std::nullopt : std::optional(sent++); },
            {.in_flight = 3});
        auto parts = graph.broadcast("double", source, [](spmd::rank me, int batch) {
            return std::vector<std::size_t>{me.id() * static_cast<std::size_t>(batch) * 2};
        });
        auto flat = graph.concat("join", parts);
        graph.each("show", flat, [](const std::vector<std::size_t>&) {});
        graph.run();
    }
    const json shown = written(trace);
    require_nested(shown);
    const std::vector<json> slices = of_phase(shown, "X");
    const auto stages = [&](const std::string& name) {
        std::vector<json> all = named(slices, name);
        std::erase_if(all,
                      [](const json& each) { return each["cat"].get<std::string>().find("stage") != 0; });
        return all.size();
    };
    CHECK(stages("source") == batches + 1); // the last call reports the end of the stream
    CHECK(stages("join") == batches);
    CHECK(stages("show") == batches * 4);
    std::set<std::string> seen;
    std::set<track> lanes;
    for (const json& each : slices) {
        if (each["cat"] != "batch") continue;
        seen.insert(each["name"]);
        lanes.insert(track_of(each));
    }
    CHECK(seen == numbered("batch ", batches));
    CHECK(lanes.size() == 3);
    const std::vector<json> in_flight = named(of_phase(shown, "C"), "batches in flight");
    REQUIRE(!in_flight.empty());
    for (const json& each : in_flight) CHECK(each["args"]["count"] <= 3);
    CHECK(in_flight.back()["args"]["count"] == 0);
    // One arrow from each rank of each batch to the concat that consumed its result.
    CHECK(of_phase(shown, "f").size() == batches * 4);
}
#endif

TEST_CASE("a map's items are slices, and their own submissions nest in them") {
    const spmd::trace_recorder trace;
    const spmd::engine_pool pool = traced_pool(2, 2, trace);
    pool.map(
            [&](int i) {
                pool.with({.name = "inner"}).broadcast([](spmd::rank) {}).get();
                return i;
            },
            std::vector{1, 2, 3})
        .get();
    const json shown = written(trace);
    require_nested(shown);
    const std::vector<json> slices = of_phase(shown, "X");
    for (const std::string& item : numbered("item ", 3)) CHECK(named(slices, item).size() == 1);
    CHECK(named(slices, "rank 1").size() == 3);
}

TEST_CASE("a submission without a name is called by the line where it begins, whichever verb begins it") {
    const spmd::trace_recorder trace;
    std::multiset<std::string> expected;
    const auto note = [&](std::source_location where = std::source_location::current()) {
        expected.insert("trace_recorder_test.cpp:" + std::to_string(where.line()));
    };
    const auto one = [](spmd::rank) { return 1; };
    const auto part = [](spmd::rank) { return std::vector{1}; };
    const auto same = [](int i) { return i; };
    {
        const spmd::engine_pool pool = traced_pool(2, 2, trace);
        const std::vector items{1, 2, 3};
        // clang-format off: one line each
        note(); pool.broadcast(one).get();
        note(); pool.map(same, items).get();
        note(); pool.broadcast(one).start().get();
        note(); pool.broadcast(part).concat();
        note(); pool.broadcast(one).reduce(spmd::plus);
        note(); pool.broadcast(one).reduce(spmd::plus, 0);
        note(); pool.broadcast(one).outcomes();
        note(); for (int value : pool.map(same, items).in_order()) static_cast<void>(value);
        auto described = pool.with({.timing = true}).broadcast(one);
        note(); described.wait();
        static_cast<void>(described.timing());
        described.get();
        const auto with_await = [&](spmd::rank me) -> spmd::task<> {
            if (me.id() != 0) co_return;
            note(); co_await pool.map(same, items);
            note(); auto running = pool.broadcast(one).start();
            co_await running;
        };
        note(); pool.broadcast(with_await).get();
        // clang-format on
        static_cast<void>(pool.broadcast(one)); // never begun
        pool.with({.name = "named"}).broadcast(one).get();
        expected.insert("named");
    }
    std::multiset<std::string> submitted;
    for (const json& each : of_phase(written(trace), "X"))
        if (each.contains("args") && each["args"].contains("at") && !each["args"].contains("waited_for")) {
            submitted.insert(each["name"]);
            CHECK_THAT(each["args"]["at"].get<std::string>(), Catch::Contains("trace_recorder_test.cpp:"));
        }
    CHECK(submitted == expected);
}

TEST_CASE("a named pool's submissions have a track and an argument that name it") {
    const spmd::trace_recorder trace;
    const auto nothing = [](spmd::rank) {};
    named_pool("solver", trace).with({.name = "step"}).broadcast(nothing).get();
    named_pool("", trace).with({.name = "other"}).broadcast(nothing).get();
    const json shown = written(trace);
    const std::map<track, std::string> names = names_of(shown, "thread_name");
    std::map<std::string, std::pair<std::string, std::string>> found; // by name: track and pool
    for (const json& each : of_phase(shown, "X"))
        if (each.contains("args") && each["args"].contains("at"))
            found[each["name"]] = {names.at(track_of(each)), each["args"].value("pool", "none")};
    CHECK(found == std::map<std::string, std::pair<std::string, std::string>>{
                       {"step", {"submitted to solver", "solver"}}, {"other", {"submitted", "none"}}});
}

TEST_CASE("broadcasts that overlap without nesting have separate tracks") {
    const spmd::trace_recorder trace({.tracks = spmd::trace_tracks::per_rank});
    const spmd::engine_pool pool = traced_pool(2, 2, trace);
    auto first =
        pool.broadcast([](spmd::rank) { std::this_thread::sleep_for(std::chrono::milliseconds(1)); }).start();
    auto second =
        pool.broadcast([](spmd::rank) { std::this_thread::sleep_for(std::chrono::milliseconds(2)); }).start();
    second.get();
    first.get();
    require_nested(written(trace));
}

TEST_CASE("a rank that throws and cancelled ranks leave a well-formed trace") {
    const spmd::trace_recorder trace;
    const spmd::engine_pool pool = traced_pool(5, 1, trace);
    const auto fails = [](spmd::rank me) {
        if (me.id() == 1) throw std::runtime_error("no");
    };
    CHECK_THROWS_AS(pool.with({.on_error = spmd::on_error::stop}).broadcast(fails).get(),
                    spmd::composite_error);
    const json shown = written(trace);
    require_nested(shown);
    CHECK(named(of_phase(shown, "X"), "rank 1").size() == 1);
    CHECK(named(of_phase(shown, "X"), "rank 4").empty());
}

TEST_CASE("events beyond the capacity are dropped and counted, and the trace stays well-formed") {
    const spmd::trace_recorder trace({.capacity = 100});
    const spmd::engine_pool pool = traced_pool(1000, 1, trace);
    pool.broadcast([](spmd::rank) {}).get();
    CHECK(trace.events() == 100);
    const json shown = written(trace);
    require_nested(shown);
    CHECK(shown["otherData"]["events"] == 100);
    CHECK(shown["otherData"]["dropped"] == trace.dropped());
    // 1,000 ranks, the submission, and at least one range.
    CHECK(trace.events() + trace.dropped() >= 1002);
}

TEST_CASE("names of arbitrary bytes are quoted") {
    const spmd::trace_recorder trace;
    const spmd::engine_pool pool = traced_pool(1, 2, trace);
    const std::string name = "a \"quoted\\ name\"\n\x01\t caf\xc3\xa9 \xf0\x9f\x98\x80";
    pool.with({.name = name}).broadcast([](spmd::rank) {}).get();
    CHECK(!named(of_phase(written(trace), "X"), name).empty());
    // An invalid UTF-8 byte, half a surrogate, an overlong encoding, and a truncated one.
    for (const auto& [bad, shown] : std::vector<std::pair<std::string, std::string>>{
             {"caf\xe9", "caf\xef\xbf\xbd"},
             {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
             {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
             {"\xf0\x9f\x98", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}}) {
        pool.with({.name = bad}).broadcast([](spmd::rank) {}).get();
        CHECK(!named(of_phase(written(trace), "X"), shown).empty());
    }
}

TEST_CASE("a trace can be written while its pool runs, and several pools can record into one") {
    const spmd::trace_recorder trace;
    const spmd::engine_pool one = traced_pool(50, 2, trace);
    const spmd::engine_pool other = traced_pool(50, 2, trace);
    std::jthread writer([&](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            std::ostringstream text;
            trace.write(text);
        }
    });
    for (int i = 0; i < 50; ++i) {
        one.broadcast([](spmd::rank) {}).get();
        other.broadcast(meet_twice).get();
    }
    writer.request_stop();
    writer.join();
    const json shown = written(trace);
    require_nested(shown);
    // Three slices for each rank that waits twice.
    const std::vector<json> slices = of_phase(shown, "X");
    CHECK(std::ranges::count_if(slices, [](const json& each) { return each["cat"] == "task"; }) ==
          50 * 50 * (1 + 3));
}

TEST_CASE("a file that cannot be written is named") {
    const spmd::trace_recorder trace;
    CHECK_THROWS_WITH(trace.write(std::string("/no/such/folder/trace.json")),
                      Catch::Contains("/no/such/folder/trace.json") && Catch::Contains("No such file"));
    CHECK_THROWS_WITH(trace.write(std::string("/dev/full")), Catch::Contains("/dev/full"));
}
