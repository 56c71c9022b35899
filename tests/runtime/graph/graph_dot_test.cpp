// Guards against pictures that Graphviz rejects or draws wrong, for any names of stages, and against counts
// of another stage or of an earlier run.

#include "support/child_process.hpp"
#include "support/temporary_directory.hpp"

#include <spmd/spmd.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <numeric>
#include <optional>
#include <regex>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

namespace {

using Catch::Matchers::Contains;
using namespace std::chrono_literals;
using numbers = std::vector<std::size_t>;

numbers first_numbers(std::size_t count) {
    numbers all(count);
    std::iota(all.begin(), all.end(), std::size_t{0});
    return all;
}
numbers my_part(spmd::rank me, const numbers& all) {
    const auto mine = me.part(all);
    return {mine.begin(), mine.end()};
}

/// The text with each time replaced by "TIME".
std::string without_times(const std::string& text) {
    return std::regex_replace(text, std::regex("[0-9.]+ (ns|us|ms|s)\\b"), "TIME");
}

std::size_t count_of(const std::string& what, const std::string& text) {
    std::size_t count = 0;
    for (std::size_t position = text.find(what); position != std::string::npos;
         position = text.find(what, position + 1))
        ++count;
    return count;
}

test_support::program_result drawn(const spmd::task_graph& graph, const std::string& format) {
    const test_support::temporary_directory scratch;
    const std::string file = scratch.write("graph.dot", graph.dot());
    return test_support::run_program({"sh", "-c", "dot -T" + format + " '" + file + "' 2>&1"});
}

} // namespace

TEST_CASE("a picture before a run shows stages, their kinds and result types, and edges") {
    const spmd::engine_pool pool{{.ranks = 2}};
    spmd::task_graph graph{pool};
    const auto list = graph.once("list", [] { return first_numbers(2); });
    const auto parts = graph.broadcast("parts", list, my_part);
    const auto flat = graph.concat("flat", parts);
    graph.each("show", flat, [](const numbers&) {});
    const auto names = graph.map("name", flat, [](std::size_t n) { return std::to_string(n); });
    graph.once("last", std::tuple(graph.reduce("sum", flat, std::plus<>{}), names), [](auto&&...) {});
    graph.broadcast("nothing", [](spmd::rank) {});
    CHECK(graph.dot() == R"(digraph spmd {
    rankdir=LR;
    node [shape=box];
    s0 [label="list\nonce: std::vector<unsigned long>"];
    s1 [label="parts\nbroadcast: std::vector<unsigned long> per rank"];
    s2 [label="flat\nconcat: std::vector<unsigned long>"];
    s3 [label="show\neach"];
    s4 [label="name\nmap: std::string per item"];
    s5 [label="sum\nreduce: unsigned long"];
    s6 [label="last\nonce"];
    s7 [label="nothing\nbroadcast"];
    s0 -> s1;
    s1 -> s2;
    s2 -> s3;
    s2 -> s4;
    s2 -> s5;
    s5 -> s6;
    s4 -> s6;
}
)");
}

TEST_CASE("a picture after a run shows that run's figures, not those of earlier ones") {
    const spmd::engine_pool pool{{.ranks = 3}};
    spmd::task_graph graph{pool};
    std::size_t size = 7;
    const auto list = graph.once("list", [&] { return first_numbers(size); });
    const auto flat = graph.concat("flat", graph.broadcast("parts", list, my_part));
    graph.each("show", flat, [](const numbers&) {});
    graph.map("name", flat, [](std::size_t n) { return std::to_string(n); });
    graph.reduce("sum", flat, std::plus<>{});
    for (const std::size_t now : {std::size_t{7}, std::size_t{10}}) {
        size = now;
        graph.run();
        const std::string items = std::to_string(now) + " items";
        CHECK_THAT(without_times(graph.dot()),
                   Contains("list\\nonce: std::vector<unsigned long>\\nTIME\"]") &&
                       Contains("per rank\\n3 ranks, TIME\"]") &&
                       Contains("flat\\nconcat: std::vector<unsigned long>\\n3 parts, TIME\"]") &&
                       Contains("show\\neach\\n3 parts, TIME\"]") &&
                       Contains("name\\nmap: std::string per item\\n" + items + ", TIME\"]") &&
                       Contains("sum\\nreduce: unsigned long\\n" + items + ", TIME\"]"));
    }
}

TEST_CASE("a broadcast's time ends with its last rank, a stage's own with its task") {
    const spmd::engine_pool pool{{.ranks = 2, .threads = 2}};
    spmd::task_graph graph{pool};
    const auto slow = graph.broadcast("slow", [](spmd::rank) { std::this_thread::sleep_for(30ms); });
    graph.once("wait", slow, [] { std::this_thread::sleep_for(2s); });
    graph.run();
    const auto milliseconds_of = [text = graph.dot()](const std::string& stage) {
        std::smatch found;
        REQUIRE(std::regex_search(text, found, std::regex("\"" + stage + "[^\"]*?([0-9.]+) (us|ms|s)\"")));
        return std::stod(found[1]) * (found[2] == "s" ? 1000 : found[2] == "ms" ? 1 : 0.001);
    };
    CHECK(milliseconds_of("slow") >= 29.9);
    CHECK(milliseconds_of("slow") < 2000); // excludes the next stage
    CHECK(milliseconds_of("wait") >= 1990);
}

TEST_CASE("stages that failed, were cancelled or did not run are distinguished") {
    const spmd::engine_pool pool{{.ranks = 2}};
    spmd::task_graph graph{pool};
    const auto bad = graph.once("bad", []() -> int { throw std::runtime_error("no"); });
    graph.once("after", bad, [](int) {});
    graph.once("good", [] {});
    CHECK_THROWS_AS(graph.run(), spmd::stage_error);
    CHECK_THAT(without_times(graph.dot()), Contains("bad\\nonce: int\\nTIME\\nfailed\", color=red]") &&
                                               Contains("after\\nonce\\ndid not run\", style=dashed]") &&
                                               Contains("good\\nonce\\nTIME\"]"));

    const spmd::engine_pool wide{{.ranks = 100}}; // more than threads: some ranks never start
    spmd::task_graph stopped{wide};
    std::atomic<bool> began = false;
    stopped.broadcast("long", [&](spmd::rank me) {
        began = true;
        while (!me.stop_requested()) std::this_thread::yield();
    });
    auto run = stopped.run_async();
    while (!began) std::this_thread::yield();
    run.cancel();
    CHECK_THROWS_AS(run.get(), spmd::cancelled_error);
    CHECK_THAT(without_times(stopped.dot()),
               Contains("long\\nbroadcast\\n100 ranks, TIME\\ncancelled\", color=red]"));
}

TEST_CASE("a stream's stages show the number of batches processed, and of those that failed") {
    const spmd::engine_pool pool{{.ranks = 2}};
    spmd::task_graph graph{pool};
    std::size_t next = 0;
    std::size_t bad = 3;
    std::size_t not_to_show = 6;
    const auto refuse = [](std::size_t batch, std::size_t refused) {
        if (batch == refused) throw std::runtime_error("no");
    };
    const auto batches = graph.stream(
        "batches", [&] { return next < 6 ? std::optional(next++) : std::nullopt; }, {.in_flight = 1});
    const auto parts = graph.broadcast("parts", batches, [&](spmd::rank, std::size_t batch) {
        refuse(batch, bad);
        return numbers{batch};
    });
    const auto flat = graph.concat("flat", parts);
    graph.each("show", flat, [&](const numbers& part) { refuse(part[0], not_to_show); });

    CHECK_THROWS_AS(graph.run(), spmd::stage_error); // batches 0 to 3
    CHECK_THAT(without_times(graph.dot()),
               Contains("batches\\nstream: unsigned long\\n4 runs, TIME\"]") &&
                   Contains("4 runs, 8 ranks, TIME\\n1 failed\", color=red]") &&
                   Contains("flat\\nconcat: std::vector<unsigned long>\\n3 runs, 6 parts, TIME\"]") &&
                   Contains("show\\neach\\n3 runs, 6 parts, TIME\"]"));
    bad = 4;
    CHECK_THROWS_AS(graph.run(), spmd::stage_error); // batch 4
    CHECK_THAT(without_times(graph.dot()), Contains("2 ranks, TIME\\nfailed\", color=red]") &&
                                               Contains("show\\neach\\ndid not run\", style=dashed]"));
    not_to_show = 5;
    CHECK_THROWS_AS(graph.run(), spmd::stage_error); // batch 5
    CHECK_THAT(without_times(graph.dot()),
               Contains("show\\neach\\n1 part, TIME\\nfailed\", color=red]") &&
                   Contains("flat\\nconcat: std::vector<unsigned long>\\n2 parts, TIME\"]"));
    next = 5;
    not_to_show = 6;
    graph.run();
    CHECK_THAT(graph.dot(), !Contains("failed"));
}

TEST_CASE("a run in which no stage ran is shown as such") {
    const spmd::engine_pool pool{{.ranks = 2}};
    spmd::task_graph graph{pool};
    graph.once("take", graph.stream("nothing", [] { return std::optional<int>(); }), [](int) {});
    CHECK_THAT(graph.dot(), !Contains("did not run"));
    graph.run();
    CHECK(count_of("did not run", graph.dot()) == 2);
}

TEST_CASE("Graphviz draws a graph whatever its stages are called") {
    const spmd::engine_pool pool{{.ranks = 2}};
    spmd::task_graph graph{pool};
    struct name {
        std::string given;
        std::string drawn; // the SVG
    };
    const std::vector<name> names{
        {"a \"quoted\" \\ name", "a &quot;quoted&quot; \\ name"},
        {"two\nlines", ">two<"},
        {"ends in \\", "ends in \\<"},
        {"not a \\n line", "not a \\n line"},
        {"\\N \\G \\L", "\\N \\G \\L"},
        {"größer → 方 😀", "größer → 方 😀"},
        {"a &lt; b & c", "a &amp;lt; b &amp; c"},
        {"<b>no html</b>", "&lt;b&gt;no html&lt;/b&gt;"},
        {"bad \xff\xc3 utf", "bad \uFFFD\uFFFD utf"},
        {"over \xc0\x80 \xed\xa0\x80 \xf5 \xe2\x82", "over \uFFFD\uFFFD \uFFFD\uFFFD\uFFFD \uFFFD"},
        {std::string("nul \0 bell \a", 12), "nul \uFFFD bell \uFFFD"},
        {"long \xe0\x80\x80 \xf0\x80\x80\x80 \xef\xbf\xbe",
         "long \uFFFD\uFFFD\uFFFD \uFFFD\uFFFD\uFFFD\uFFFD \uFFFD"},
        {"", "once"},
        {"} ]; digraph {", "} ]; digraph {"}};
    for (const name& each : names) graph.once(each.given, [] { return 0; });
    graph.run();
    const auto picture = drawn(graph, "svg");
    CHECK(picture.status == 0);
    CHECK(count_of("Warning", picture.output) == 0);
    CHECK(count_of("Error", picture.output) == 0);
    CHECK(count_of("class=\"node\"", picture.output) == names.size());
    // Graphviz writes some characters as numeric entities.
    std::string readable = std::regex_replace(picture.output, std::regex("&#160;"), " ");
    readable = std::regex_replace(readable, std::regex("&#45;"), "-");
    for (const name& each : names) {
        CAPTURE(each.drawn);
        CHECK_THAT(readable, Contains(each.drawn));
    }
}

TEST_CASE("Graphviz draws every stage and every edge") {
    const spmd::engine_pool pool{{.ranks = 2}};
    spmd::task_graph graph{pool};
    const auto list = graph.once("list", [] { return first_numbers(2); });
    graph.concat("flat", graph.broadcast("parts", list, my_part));
    const auto drawing = drawn(graph, "plain");
    CHECK(drawing.status == 0);
    CHECK(count_of("\nnode ", drawing.output) == 3);
    CHECK(count_of("\nedge ", drawing.output) == 2);
}
