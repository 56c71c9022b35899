// Guards the task graph: values and their order, a concat that streams in rank order while other ranks run,
// the stages that run after one has thrown and the name its error has, consecutive runs, and that no run is
// left behind.
#include <spmd/spmd.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <latch>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

namespace {

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

std::string message_of_run(spmd::task_graph& graph) {
    try {
        graph.run();
    } catch (const spmd::stage_error& error) {
        return error.what();
    }
    return "nothing was thrown";
}

} // namespace

//  numbers ──> parts ──> flat ──┬──> count ──┐
//     │                         └──> (each)  ├──> both
//     └──────> doubled ──> sum ──────────────┘
TEST_CASE("values flow along the edges, for any ranks and threads") {
    for (const std::size_t threads : {1U, 2U, 8U}) {
        for (const std::size_t ranks : {1U, 2U, 7U, 1000U}) {
            const spmd::engine_pool pool{{.ranks = ranks, .threads = threads}};
            spmd::task_graph graph{pool};
            numbers ends;
            const auto all = graph.once("numbers", [] { return first_numbers(500); });
            const auto parts = graph.broadcast("parts", all, my_part);
            const auto flat = graph.concat("flat", parts);
            graph.each("each", flat,
                       [&](const numbers& part) { ends.push_back(part.empty() ? 0 : part.back()); });
            const auto count = graph.once("count", flat, [](const numbers& values) { return values.size(); });
            const auto doubled = graph.map("doubled", all, [](std::size_t value) { return 2 * value; });
            const auto sum = graph.reduce("sum", doubled, std::plus<>{});
            const auto both = graph.once("both", std::tuple{count, sum}, [](std::size_t a, std::size_t b) {
                return std::to_string(a) + " " + std::to_string(b);
            });
            for (int run = 0; run < 3; ++run) {
                ends.clear();
                graph.run();
                INFO(ranks << " ranks, " << threads << " threads, run " << run);
                CHECK(graph.result(flat) == first_numbers(500));
                CHECK(graph.result(both) == "500 249500");
                CHECK(ends.size() == ranks);
            }
        }
    }
}

TEST_CASE("a concat forwards rank 0's part while the last rank is still running") {
    const spmd::engine_pool pool{{.ranks = 3, .threads = 2}};
    spmd::task_graph graph{pool};
    std::latch first_was_seen(1);
    std::vector<std::size_t> seen;
    const auto parts = graph.broadcast("parts", [&](spmd::rank me) {
        if (me.id() == 2) first_was_seen.wait(); // would wait forever if the concat waited for all
        return std::vector<std::size_t>{me.id()};
    });
    const auto flat = graph.concat("concat", parts);
    graph.each("see", flat, [&](const numbers& part) {
        seen.push_back(part.front());
        if (part.front() == 0) first_was_seen.count_down();
    });
    graph.run();
    CHECK(seen == numbers{0, 1, 2});
    CHECK(graph.result(flat) == numbers{0, 1, 2});
}

TEST_CASE("a broadcast's results reach every stage that consumes them") {
    const spmd::engine_pool pool{{.ranks = 5}};
    spmd::task_graph graph{pool};
    const auto parts = graph.broadcast("parts", [](spmd::rank me) { return numbers(me.id(), me.id()); });
    const auto flat = graph.concat("flat", parts);
    const auto again = graph.concat("again", parts);
    const auto sizes = graph.once("sizes", parts, [](const std::vector<numbers>& all) {
        numbers each;
        for (const numbers& part : all) each.push_back(part.size());
        return each;
    });
    graph.run();
    const numbers expected{1, 2, 2, 3, 3, 3, 4, 4, 4, 4};
    CHECK(graph.result(flat) == expected);
    CHECK(graph.result(again) == expected);
    CHECK(graph.result(sizes) == first_numbers(5));
    CHECK(graph.result(parts).size() == 5);
}

TEST_CASE("a concat has its parts also when another stage consumes them and was added before it") {
    const spmd::engine_pool pool{{.ranks = 64}};
    for (const bool concat_first : {false, true}) {
        spmd::task_graph graph{pool};
        const auto parts = graph.broadcast("parts", [](spmd::rank me) { return numbers(10, me.id()); });
        const auto count = [&] {
            return graph.once("count", parts, [](const std::vector<numbers>& all) { return all.size(); });
        };
        const auto concat = [&] { return graph.concat("flat", parts); };
        if (concat_first) {
            const auto flat = concat();
            const auto counted = count();
            graph.run();
            CHECK(graph.result(flat).size() == 640);
            CHECK(graph.result(counted) == 64);
        } else {
            const auto counted = count();
            const auto flat = concat();
            graph.run();
            CHECK(graph.result(flat).size() == 640);
            CHECK(graph.result(counted) == 64);
        }
    }
}

TEST_CASE("a tuple of inputs accepts stages of every kind") {
    const spmd::engine_pool pool{{.ranks = 3}};
    spmd::task_graph graph{pool};
    const auto parts = graph.broadcast("parts", [](spmd::rank me) { return numbers{me.id()}; });
    const auto other = graph.once("other", [] { return std::size_t{5}; });
    const auto flat = graph.concat("flat", parts);
    const auto sum = graph.once("sum", std::tuple(parts, flat, other),
                                [](const std::vector<numbers>& all, const numbers& whole, std::size_t more) {
                                    return all.size() + whole.size() + more;
                                });
    graph.run();
    CHECK(graph.result(sum) == 11);
}

#ifndef __SANITIZE_ADDRESS__ // which rejects so large a request
TEST_CASE("a broadcast that cannot be submitted is an error of its stage, also before a concat") {
    const spmd::engine_pool pool{{.ranks = std::size_t{1} << 30}};
    spmd::task_graph graph{pool};
    const auto parts =
        graph.broadcast("too large", [](spmd::rank) { return std::array<double, 1'000'000>(); });
    graph.concat("flat", parts);
    CHECK_THAT(message_of_run(graph), Catch::StartsWith("stage \"too large\": "));
}
#endif

TEST_CASE("parts that cannot be copied go to one stage, and a second one is rejected, naming it") {
    using owned = std::vector<std::unique_ptr<int>>;
    const spmd::engine_pool pool{{.ranks = 3}};
    spmd::task_graph graph{pool};
    const auto one_each = [](spmd::rank) {
        owned one;
        one.push_back(std::make_unique<int>(7));
        return one;
    };
    const auto parts = graph.broadcast("parts", one_each);
    const auto others = graph.broadcast("others", one_each);
    const auto flat = graph.concat("flat", parts);
    CHECK_THROWS_WITH(graph.concat("second", parts), Catch::Contains("\"parts\""));
    CHECK_THROWS_WITH(graph.once("both", std::tuple(others, parts), [](const auto&, const auto&) {}),
                      Catch::Contains("\"parts\""));
    const auto flat_others = graph.concat("others, flat", others); // the rejected call left its inputs free
    graph.run();
    CHECK(graph.result(flat).size() == 3);
    CHECK(graph.result(flat_others).size() == 3);
    CHECK_THROWS_AS(graph.result(parts), std::logic_error); // the concat moved them away
}

TEST_CASE("a value can be taken once per run") {
    const spmd::engine_pool pool{{.ranks = 3}};
    spmd::task_graph graph{pool};
    const auto flat =
        graph.concat("flat", graph.broadcast("ids", [](spmd::rank me) { return numbers{me.id()}; }));
    for (int run = 0; run < 2; ++run) {
        graph.run();
        CHECK(graph.take(flat) == numbers{0, 1, 2});
        CHECK_THROWS_AS(graph.take(flat), std::logic_error);
    }
}

TEST_CASE("stages without a value establish an order") {
    const spmd::engine_pool pool{{.ranks = 4}};
    spmd::task_graph graph{pool};
    std::vector<std::string> order;
    std::atomic<int> ran{0};
    const auto first = graph.once("first", [&] { order.emplace_back("first"); });
    const auto all = graph.broadcast("all", first, [&](spmd::rank) { ++ran; });
    graph.once("last", all, [&] { order.emplace_back("last after " + std::to_string(ran.load())); });
    graph.run();
    CHECK(order == std::vector<std::string>{"first", "last after 4"});
}

TEST_CASE("a stage that throws is named; its dependents do not run, the others do") {
    const spmd::engine_pool pool{{.ranks = 100}};
    spmd::task_graph graph{pool};
    bool fails = true;
    bool needy_ran = false;
    const auto good = graph.once("good", [] { return 1; });
    const auto bad = graph.broadcast("bad", good, [&](spmd::rank me, int) {
        if (fails && me.id() % 40 == 7) throw std::runtime_error("boom " + std::to_string(me.id()));
        return numbers{me.id()};
    });
    const auto flat = graph.concat("flat", bad);
    graph.once("needy", flat, [&](const numbers&) { needy_ran = true; });
    const auto other = graph.once("other", good, [](int value) { return value + 1; });

    CHECK(message_of_run(graph) ==
          "stage \"bad\": 3 of 100 ranks failed: rank 7: boom 7; rank 47: boom 47; rank 87: boom 87");
    CHECK_FALSE(needy_ran);
    CHECK(graph.result(other) == 2);
    CHECK_THROWS_AS(graph.result(flat), std::logic_error);

    fails = false; // nothing of the failed run remains
    graph.run();
    CHECK(needy_ran);
    CHECK(graph.result(flat) == first_numbers(100));
}

TEST_CASE("errors of every kind of stage carry its name") {
    const spmd::engine_pool pool{{.ranks = 4}};
    const auto fails = [](const auto&...) -> int { throw std::runtime_error("boom"); };
    SECTION("once") {
        spmd::task_graph graph{pool};
        graph.once("the once", fails);
        CHECK(message_of_run(graph) == "stage \"the once\": boom");
    }
    SECTION("map") {
        spmd::task_graph graph{pool};
        const auto items = graph.once("items", [] { return first_numbers(3); });
        graph.map("the map", items, [](std::size_t item) {
            if (item == 1) throw std::runtime_error("boom");
        });
        CHECK(message_of_run(graph) == "stage \"the map\": 1 of 3 items failed: item 1: boom");
    }
    SECTION("reduce") {
        spmd::task_graph graph{pool};
        const auto items = graph.once("items", [] { return first_numbers(3); });
        graph.reduce("the reduce", items,
                     [](std::size_t, std::size_t) -> std::size_t { throw std::runtime_error("boom"); });
        CHECK(message_of_run(graph) == "stage \"the reduce\": boom");
    }
    SECTION("each, and the concat continues") {
        spmd::task_graph graph{pool};
        const auto parts = graph.broadcast("parts", [](spmd::rank me) { return numbers{me.id()}; });
        const auto flat = graph.concat("flat", parts);
        std::size_t seen = 0;
        graph.each("the each", flat, [&](const numbers&) {
            if (++seen == 2) throw std::runtime_error("boom");
        });
        CHECK(message_of_run(graph) == "stage \"the each\": boom");
        CHECK(seen == 2);
        CHECK(graph.result(flat) == first_numbers(4));
    }
}

TEST_CASE("run_async runs in the background, one run at a time") {
    const spmd::engine_pool pool{{.ranks = 2, .threads = 2}};
    spmd::task_graph graph{pool};
    std::latch open(1);
    std::latch started(1);
    const auto value = graph.once("value", [&] {
        started.count_down();
        open.wait();
        return 42;
    });
    auto run = graph.run_async();
    started.wait();
    CHECK_FALSE(run.ready());
    CHECK_FALSE(run.wait_for(1ms));
    CHECK_THROWS_AS(graph.run(), std::logic_error);
    CHECK_THROWS_AS(graph.once("more", [] {}), std::logic_error);
    open.count_down();
    CHECK(run.wait_for(60s));
    run.get();
    CHECK(graph.result(value) == 42);
    CHECK_THROWS_AS(run.get(), std::logic_error);
}

TEST_CASE("a run that has ended is independent of the graph") {
    const spmd::engine_pool pool{{.ranks = 2, .threads = 2}};
    auto graph = std::make_unique<spmd::task_graph>(pool);
    std::latch open(1);
    std::atomic<bool> waits{false};
    const auto value = graph->once("value", [&] {
        if (waits) open.wait();
        return 1;
    });
    SECTION("dropping it does not cancel the next") {
        auto first = std::make_unique<spmd::graph_run>(graph->run_async());
        first->wait();
        waits = true;
        auto second = graph->run_async();
        CHECK(first->ready());
        first.reset();
        open.count_down();
        second.get();
        CHECK(graph->result(value) == 1);
    }
    SECTION("a stage may be added, and it may outlive the graph") {
        auto run = graph->run_async();
        CHECK(run.wait_for(std::chrono::hours::max()));
        graph->once("more", value, [](int) {});
        graph.reset();
        CHECK(run.ready());
        run.get();
    }
}

TEST_CASE("after cancel a map's items that have not started never do") {
    const spmd::engine_pool pool{{.ranks = 2, .threads = 2}};
    spmd::task_graph graph{pool};
    std::atomic<int> ran{0};
    const auto items = graph.once("items", [] { return first_numbers(1'000'000); });
    graph.map("map", items, [&](std::size_t) {
        ++ran;
        std::this_thread::sleep_for(1ms);
    });
    auto run = graph.run_async();
    while (ran == 0) std::this_thread::yield();
    run.cancel();
    CHECK_THROWS_AS(run.get(), spmd::cancelled_error);
    CHECK(ran < 1'000'000);
}

TEST_CASE("waiting for a graph, or for a broadcast within a stage, progresses where no thread is left") {
    const spmd::engine_pool pool{{.ranks = 2, .threads = 1}};
    const auto sums = pool.broadcast([&](spmd::rank) {
                              spmd::task_graph graph{pool};
                              const auto polled = graph.once("poll", [&] {
                                  auto inner = pool.broadcast([](spmd::rank me) { return me.id(); }).start();
                                  while (!inner.wait_for(1ms)) continue;
                                  return inner.reduce(std::plus<>{});
                              });
                              auto run = graph.run_async();
                              while (!run.wait_for(1ms)) continue;
                              run.get();
                              return graph.result(polled);
                          })
                          .start();
    CHECK(sums.wait_for(60s));
}

TEST_CASE("after cancel broadcasts see the stop, later stages do not start, and the run reports it") {
    const spmd::engine_pool pool{{.ranks = 8, .threads = 2}};
    spmd::task_graph graph{pool};
    std::atomic<int> started{0};
    std::atomic<bool> later{false};
    const auto endless = graph.broadcast("endless", [&](spmd::rank me) {
        ++started;
        while (!me.stop_requested()) std::this_thread::yield();
    });
    graph.once("later", endless, [&] { later = true; });
    auto run = graph.run_async();
    while (started == 0) std::this_thread::yield();
    SECTION("by cancel") {
        run.cancel();
        CHECK_THROWS_AS(run.get(), spmd::cancelled_error);
    }
    SECTION("by dropping the run") { [[maybe_unused]] const auto dropped = std::move(run); }
    SECTION("twice, like once") {
        run.cancel();
        run.cancel();
        run.wait();
    }
    if (started < 8) CHECK_FALSE(later);
}

TEST_CASE("cancel wakes the ranks of a broadcast stage that wait for each other") {
    const spmd::engine_pool pool{{.ranks = 8, .threads = 2}};
    spmd::task_graph graph{pool};
    std::atomic<int> waiting{0};
    std::atomic<bool> go{false};
    graph.broadcast("meet", [&](spmd::rank me) -> spmd::task<> {
        if (me.id() == 7)
            while (!me.stop_requested()) std::this_thread::yield();
        ++waiting;
        co_await me.barrier();
        go = true;
    });
    auto run = graph.run_async();
    while (waiting < 1) std::this_thread::yield();
    run.cancel();
    CHECK_THROWS_AS(run.get(), spmd::cancelled_error);
    CHECK_FALSE(go);
}

TEST_CASE("a graph runs inside a rank, on the same pool") {
    const spmd::engine_pool pool{{.ranks = 6, .threads = 2}};
    const auto sums = pool.broadcast([&](spmd::rank me) {
                              spmd::task_graph graph{pool};
                              const auto ids = graph.broadcast(
                                  "ids", [&](spmd::rank inner) { return inner.id() + me.id(); });
                              const auto sum = graph.reduce("sum", ids, std::plus<>{});
                              graph.run();
                              return graph.result(sum);
                          })
                          .get();
    CHECK(sums == numbers{15, 21, 27, 33, 39, 45});
}

namespace {

/// Inclusive sums over all numbers up to each of the rank's own.
spmd::task<numbers> sums_up_to_mine(spmd::rank me, const numbers& all) {
    numbers mine = my_part(me, all);
    std::inclusive_scan(mine.begin(), mine.end(), mine.begin());
    const std::size_t own = mine.empty() ? 0 : mine.back();
    const std::size_t before = co_await me.exclusive_scan(own, std::plus<>{});
    for (std::size_t& each : mine) each += before;
    co_return mine;
}

constexpr std::size_t barrier_line = __LINE__ + 1;
spmd::task<> wait_at_barrier(spmd::rank me) { co_await me.barrier(); }

} // namespace

//  numbers ──┬──> sums up to ──> flat
//            └──> totals ──> sum
TEST_CASE("ranks of a broadcast stage meet") {
    for (const std::size_t threads : {1U, 2U, 8U}) {
        for (const std::size_t ranks : {1U, 2U, 7U, 1000U}) {
            const spmd::engine_pool pool{{.ranks = ranks, .threads = threads}};
            spmd::task_graph graph{pool};
            const auto all = graph.once("numbers", [] { return first_numbers(500); });
            const auto flat = graph.concat("flat", graph.broadcast("sums up to", all, sums_up_to_mine));
            const auto totals = graph.broadcast(
                "totals", all, [](spmd::rank me, const numbers& values) -> spmd::task<std::size_t> {
                    const auto mine = me.part(values);
                    const std::size_t own = std::accumulate(mine.begin(), mine.end(), std::size_t{0});
                    const spmd::rank group = co_await me.split(me.id() % 2);
                    const std::size_t half = co_await group.all_reduce(own, std::plus<>{});
                    const std::size_t whole = co_await me.all_reduce(own, std::plus<>{});
                    co_return whole * 1000 + (half <= whole ? 1 : 0);
                });
            const auto sum = graph.reduce("sum", totals, std::plus<>{});
            for (int run = 0; run < 3; ++run) {
                graph.run();
                INFO(ranks << " ranks, " << threads << " threads, run " << run);
                REQUIRE(graph.result(flat).size() == 500);
                for (std::size_t i = 0; i < 500; ++i) REQUIRE(graph.result(flat)[i] == i * (i + 1) / 2);
                CHECK(graph.result(sum) == ranks * (124'750 * 1000 + 1));
            }
        }
    }
}

TEST_CASE("a stage whose ranks wait for an ended rank fails with its name, and runs again") {
    for (const std::size_t threads : {1U, 2U}) {
        const spmd::engine_pool pool{{.ranks = 5, .threads = threads}};
        spmd::task_graph graph{pool};
        enum class fault { none, throws, waits } wrong = fault::throws;
        const auto one = graph.once("one", [] { return 1; });
        const auto meet = graph.broadcast("meet", one, [&](spmd::rank me, int) -> spmd::task<numbers> {
            if (wrong == fault::throws && me.id() == 3) throw std::runtime_error("boom");
            if (wrong == fault::waits && me.id() == 3) co_await me.receive<int>(0, 0);
            co_await wait_at_barrier(me);
            co_return numbers{me.id()};
        });
        const auto flat = graph.concat("flat", meet);
        std::string failed = "rank 3 threw before it reached barrier at task_graph_test.cpp:";
        failed += std::to_string(barrier_line) + ": boom";
        CHECK(message_of_run(graph) ==
              "stage \"meet\": 5 of 5 ranks failed: rank 3: boom; ranks 0 to 2, 4: " + failed);
        CHECK_THROWS_AS(graph.result(flat), std::logic_error);
        wrong = fault::waits;
        CHECK_THAT(
            message_of_run(graph),
            Catch::StartsWith("stage \"meet\": 5 of 5 ranks failed: ranks 0 to 4: deadlock: no rank can run: "
                              "ranks 0 to 2, 4: barrier at task_graph_test.cpp:") &&
                Catch::Contains("; rank 3: receive(from 0, tag 0) at task_graph_test.cpp:"));
        wrong = fault::none;
        graph.run();
        CHECK(graph.result(flat) == first_numbers(5));
    }
}

TEST_CASE("a graph without stages runs, and one on a view runs on its ranks") {
    const spmd::engine_pool pool{{.ranks = 10}};
    spmd::task_graph empty{pool};
    empty.run();
    spmd::task_graph some{pool.on({3, 5})};
    const auto engines = some.broadcast("engines", [](spmd::rank me) { return me.engine(); });
    some.run();
    CHECK(some.result(engines) == numbers{3, 5});
}

TEST_CASE("a stage of another graph is rejected, naming it") {
    const spmd::engine_pool pool{{.ranks = 2}};
    spmd::task_graph one{pool};
    spmd::task_graph other{pool};
    const auto value = one.once("value", [] { return 1; });
    CHECK_THROWS_WITH(other.once("wrong", value, [](int) {}), Catch::Contains("\"value\""));
    CHECK_THROWS_AS(other.result(value), std::invalid_argument);
}

TEST_CASE("stages see their ranks' pieces of handles, beside the values of their inputs") {
    const spmd::engine_pool pool{{.ranks = 5, .threads = 2}};
    std::vector<std::size_t> items(17);
    std::iota(items.begin(), items.end(), std::size_t{0});
    std::optional<spmd::scattered<std::size_t>> slices(pool.scatter(items));
    auto runs = pool.make_local<int>(0);
    auto factor = pool.replicate(std::size_t{10});

    spmd::task_graph graph{pool};
    auto offset = graph.once("offset", [] { return std::size_t{100}; });
    auto alone = graph.broadcast("alone", [](spmd::rank, int& mine) { return ++mine; }, runs);
    auto added = graph.broadcast(
        "added", offset,
        [](spmd::rank, std::size_t more, std::span<std::size_t> mine, const std::size_t& scale) {
            for (std::size_t& item : mine) item = scale * item + more;
            return std::vector<std::size_t>(mine.begin(), mine.end());
        },
        *slices, factor);
    auto met = graph.broadcast(
        "met", std::tuple(offset, alone),
        [](spmd::rank me, std::size_t, const std::vector<int>& all,
           const std::span<std::size_t>& mine) -> spmd::task<std::size_t> {
            co_await me.barrier();
            co_return mine.size() + all.size();
        },
        *slices);
    auto flat = graph.concat("flat", added);
    auto squares =
        graph.map("squares", pool.scatter(items, spmd::cyclic), [](std::size_t i) { return i * i; });
    auto tags = graph.map("tags", pool.scatter(numbers{5, 6, 7, 8, 9}, spmd::flatten),
                          [](std::size_t& tag) { return ++tag; });
    slices.reset(); // the graph shares the pieces
    for (int round = 1; round <= 2; ++round) {
        graph.run();
        for (std::size_t& item : items) item = 10 * item + 100;
        CHECK(graph.result(flat) == items);
        CHECK(graph.result(alone) == std::vector<int>(5, round));
        CHECK(graph.result(met) == std::vector<std::size_t>{9, 9, 8, 8, 8});
        CHECK(graph.result(squares).size() == 17);
        CHECK(graph.result(squares)[16] == 256);
        CHECK(graph.result(tags).back() == 9 + static_cast<std::size_t>(round));
    }
}

TEST_CASE("a stage rejects a handle that its ranks cannot use, when it is added") {
    const spmd::engine_pool pool{{.ranks = 4, .threads = 1}};
    const spmd::engine_pool other{{.ranks = 4, .threads = 1}};
    auto foreign = other.make_local<int>(0);
    auto of_some = pool.on({0, 2}).make_local<int>(0);
    const auto task = [](spmd::rank, int& mine) { return ++mine; };
    spmd::task_graph graph{pool};
    CHECK_THROWS_AS(graph.broadcast("foreign", task, foreign), std::invalid_argument);
    CHECK_THROWS_AS(graph.map("foreign", foreign, std::negate<>()), std::invalid_argument);
    CHECK_THROWS_WITH(graph.broadcast("some", task, of_some), Catch::Matchers::Contains("engine 1"));
    CHECK_THROWS_WITH(graph.map("some", of_some, std::negate<>()), Catch::Matchers::Contains("engine 1"));
    spmd::task_graph graph_of_some{pool.on({2, 0})};
    auto good = graph_of_some.broadcast("some", task, of_some);
    graph_of_some.run();
    CHECK(graph_of_some.result(good) == std::vector{1, 1});
}
