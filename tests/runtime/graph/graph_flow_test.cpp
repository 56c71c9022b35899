// Guards streams through the task graph: no more batches in flight than requested, single-threaded stages in
// batch order, a correct prefix delivered and the batch named when one fails, and each batch destroyed once,
// however the run ends.
#include "support/pools.hpp"

#include <spmd/spmd.hpp>

#include <catch2/catch.hpp>
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <numeric>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#ifndef __SANITIZE_ADDRESS__ // which replaces the allocator itself
namespace {
std::atomic<std::size_t> allocated{0};
}
void* operator new(std::size_t size) {
    void* const memory = std::malloc(size);
    if (memory == nullptr) throw std::bad_alloc();
    allocated += malloc_usable_size(memory);
    return memory;
}
void operator delete(void* memory) noexcept {
    allocated -= malloc_usable_size(memory);
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    allocated -= malloc_usable_size(memory);
    std::free(memory);
}
#endif

namespace {

using namespace std::chrono_literals;
using numbers = std::vector<std::size_t>;

/// A batch that is counted while it lives, until it is moved from.
class counted {
public:
    explicit counted(std::size_t number) : number_(number) {
        const std::size_t now = ++living();
        std::size_t most = most_living();
        while (most < now && !most_living().compare_exchange_weak(most, now)) continue;
    }
    counted(counted&& from) noexcept : number_(std::exchange(from.number_, nothing)) {}
    counted& operator=(counted&&) = delete;
    ~counted() {
        if (number_ != nothing) --living();
    }
    std::size_t number() const { return number_; }

    static std::atomic<std::size_t>& living() {
        static std::atomic<std::size_t> count{0};
        return count;
    }
    static std::atomic<std::size_t>& most_living() {
        static std::atomic<std::size_t> count{0};
        return count;
    }

private:
    static constexpr std::size_t nothing = ~std::size_t{0};
    std::size_t number_;
};

/// Generates batches 0, 1, … up to an end; detects calls by two threads at once.
class count_up {
public:
    explicit count_up(std::size_t batches) : batches_(batches) {}

    auto generator() {
        return [this]() -> std::optional<counted> {
            if (calling_.exchange(true)) overlaps_ = true;
            ++calls_;
            std::optional<counted> next;
            if (next_ < batches_) next.emplace(next_);
            if (next_ == fails_at) throw std::runtime_error("boom");
            ++next_;
            calling_ = false;
            return next;
        };
    }
    void restart() {
        next_ = 0;
        calls_ = 0;
        calling_ = false;
    }
    std::size_t calls() const { return calls_; }
    bool overlapped() const { return overlaps_; }

    std::size_t fails_at = ~std::size_t{0};

private:
    std::size_t batches_;
    std::size_t next_ = 0;
    std::atomic<std::size_t> calls_{0};
    std::atomic<bool> calling_{false};
    std::atomic<bool> overlaps_{false};
};

/// Records a stage's inputs, and whether two threads add one at once.
class record {
public:
    void add(std::size_t value) {
        if (adding_.exchange(true)) overlaps_ = true;
        values_.push_back(value);
        adding_ = false;
    }
    void clear() { values_.clear(); }
    const numbers& values() const { return values_; }
    bool overlapped() const { return overlaps_; }

private:
    numbers values_;
    std::atomic<bool> adding_{false};
    std::atomic<bool> overlaps_{false};
};

numbers first_numbers(std::size_t count) {
    numbers all(count);
    std::iota(all.begin(), all.end(), std::size_t{0});
    return all;
}

/// The stage_error of a run; one with an empty stage if none was thrown.
spmd::stage_error error_of_run(spmd::task_graph& graph) {
    try {
        graph.run();
    } catch (const spmd::stage_error& error) {
        return error;
    }
    return {"", std::make_exception_ptr(std::runtime_error("nothing was thrown"))};
}

std::vector<std::size_t> swept_in_flight() { return {1, 2, 3, 8}; }

} // namespace

//  batches ──> number ──> parts ──> flat ──┬──> (each)
//                │                         └──> write ──> after
//                └──> doubled ──> sum ────────────────────┘
TEST_CASE("each batch passes all stages, and single-threaded stages see them in order") {
    constexpr std::size_t batches = 40;
    for (const std::size_t threads : {1U, 2U, 8U}) {
        for (const std::size_t ranks : {1U, 3U, 100U}) {
            for (const std::size_t in_flight : swept_in_flight()) {
                const spmd::engine_pool pool{{.ranks = ranks, .threads = threads}};
                spmd::task_graph graph{pool};
                count_up source(batches);
                record numbered, each_part, written, sums, after;
                const auto stream = graph.stream("batches", source.generator(), {.in_flight = in_flight});
                const auto number = graph.once("number", stream, [&](const counted& batch) {
                    numbered.add(batch.number());
                    return batch.number();
                });
                const auto parts = graph.broadcast("parts", number, [](spmd::rank me, std::size_t batch) {
                    return numbers{batch * me.size() + me.id()};
                });
                const auto flat = graph.concat("flat", parts);
                graph.each("each", flat, [&](const numbers& part) { each_part.add(part.front()); });
                const auto write = graph.once("write", flat, [&](const numbers& all) {
                    for (const std::size_t value : all) written.add(value);
                });
                const auto items =
                    graph.once("items", number, [](std::size_t batch) { return numbers(2, batch); });
                const auto doubled = graph.map("doubled", items, [](std::size_t value) { return 2 * value; });
                const auto sum = graph.reduce("sum", doubled, [&](std::size_t a, std::size_t b) {
                    sums.add(a);
                    return a + b;
                });
                graph.once("after", std::tuple(write, sum), [&](std::size_t value) { after.add(value); });
                for (int run = 0; run < 2; ++run) {
                    INFO(ranks << " ranks, " << threads << " threads, " << in_flight << " in flight, run "
                               << run);
                    for (record* each : {&numbered, &each_part, &written, &sums, &after}) each->clear();
                    source.restart();
                    graph.run();
                    CHECK(source.calls() == batches + 1);
                    CHECK(numbered.values() == first_numbers(batches));
                    CHECK(each_part.values() == first_numbers(batches * ranks));
                    CHECK(written.values() == first_numbers(batches * ranks));
                    numbers doubles = first_numbers(batches);
                    for (std::size_t& value : doubles) value *= 2;
                    CHECK(sums.values() == doubles);
                    for (std::size_t& value : doubles) value *= 2;
                    CHECK(after.values() == doubles);
                    CHECK(counted::living() == 0);
                }
                for (const record* each : {&numbered, &each_part, &written, &sums, &after})
                    CHECK_FALSE(each->overlapped());
                CHECK_FALSE(source.overlapped());
            }
        }
    }
}

TEST_CASE("exactly in_flight batches live at once, however slow a stage") {
    const std::string slow = GENERATE("once", "broadcast", "each");
    for (const std::size_t in_flight : swept_in_flight()) {
        INFO(in_flight << " in flight, slow: " << slow);
        const spmd::engine_pool pool{{.ranks = 2, .threads = 2}};
        spmd::task_graph graph{pool};
        count_up source(30);
        std::atomic<bool> filled{false};
        const auto is_slow = [&](const std::string& stage, std::size_t batch) {
            if (slow != stage) return;
            // The first batch waits until the pipeline is full, the others a little.
            if (batch == 0)
                filled = test_support::eventually([&] { return counted::living() == in_flight; });
            else
                std::this_thread::sleep_for(50us);
        };
        counted::most_living() = 0;
        const auto stream = graph.stream("batches", source.generator(), {.in_flight = in_flight});
        const auto parts = graph.broadcast("parts", stream, [&](spmd::rank me, const counted& batch) {
            if (me.id() == 0) is_slow("broadcast", batch.number());
            return numbers{batch.number()};
        });
        const auto flat = graph.concat("flat", parts);
        graph.each("each", flat, [&](const numbers& part) { is_slow("each", part.front()); });
        graph.once("write", std::tuple(flat, stream),
                   [&](const numbers&, const counted& batch) { is_slow("once", batch.number()); });
        graph.run();
        CHECK(filled);
        CHECK(counted::most_living() == in_flight);
        CHECK(counted::living() == 0);
    }
}

TEST_CASE("broadcasts of several batches run at the same time") {
    const spmd::engine_pool pool{{.ranks = 1, .threads = 4}};
    spmd::task_graph graph{pool};
    std::atomic<bool> second_began{false};
    std::atomic<bool> met{false};
    count_up source(2);
    const auto stream = graph.stream("batches", source.generator(), {.in_flight = 2});
    graph.concat("flat", graph.broadcast("parts", stream, [&](spmd::rank, const counted& batch) {
        if (batch.number() == 1) second_began = true;
        if (batch.number() == 0) met = test_support::eventually([&] { return second_began.load(); });
        return numbers{};
    }));
    graph.run();
    CHECK(met);
}

TEST_CASE("an empty stream runs no stage") {
    for (const std::size_t in_flight : swept_in_flight()) {
        const spmd::engine_pool pool{{.ranks = 3}};
        spmd::task_graph graph{pool};
        count_up source(0);
        std::size_t ran = 0;
        graph.once("never", graph.stream("nothing", source.generator(), {.in_flight = in_flight}),
                   [&](const counted&) { ++ran; });
        graph.run();
        CHECK(ran == 0);
        CHECK(source.calls() == 1);
    }
}

TEST_CASE("a stream without consumers, and one consumed only by a broadcast, run to their end") {
    const spmd::engine_pool pool{{.ranks = 7, .threads = 2}};
    spmd::task_graph graph{pool};
    count_up lonely(100);
    count_up taken(100);
    std::atomic<std::size_t> sum{0};
    graph.stream("lonely", lonely.generator());
    graph.broadcast("sum", graph.stream("taken", taken.generator()),
                    [&](spmd::rank, const counted& batch) { sum += batch.number(); });
    graph.run();
    CHECK(lonely.calls() == 101);
    CHECK(taken.calls() == 101);
    CHECK(sum == 7 * 4950);
    CHECK(counted::living() == 0);
}

namespace {

/// A graph in which each kind of stage can fail at chosen batches, and a record of its deliveries.
struct failing_graph {
    failing_graph(const spmd::engine_pool& pool, std::size_t in_flight) : graph(pool) {
        const auto stream = graph.stream("source", source.generator(), {.in_flight = in_flight});
        const auto number = graph.once("number", stream, [this](const counted& batch) {
            fail_if("number", batch.number());
            return batch.number();
        });
        const auto parts = graph.broadcast("broadcast", number, [this](spmd::rank me, std::size_t batch) {
            if (me.id() == 2) fail_if("broadcast", batch);
            return numbers{batch * me.size() + me.id()};
        });
        const auto flat = graph.concat("flat", parts);
        graph.each("each", flat, [this](const numbers& part) {
            if (part.front() % 4 == 2) fail_if("each", part.front() / 4);
            parts_seen.add(part.front());
        });
        const auto items = graph.once("items", flat, [](const numbers& all) { return all; });
        const auto mapped = graph.map("map", items, [this](std::size_t item) {
            if (item % 4 == 1) fail_if("map", item / 4);
            return item;
        });
        const auto sum = graph.reduce("reduce", mapped, [this](std::size_t a, std::size_t b) {
            if (a % 4 == 0 && b == a + 1) fail_if("reduce", a / 4);
            return a + b;
        });
        graph.once("write", std::tuple(flat, sum, number),
                   [this](const numbers&, std::size_t, std::size_t batch) {
                       fail_if("write", batch);
                       written.add(batch);
                   });
    }
    void fail_if(const std::string& stage, std::size_t batch) const {
        if (stage == fails && std::ranges::count(failing_batches, batch) > 0)
            throw std::runtime_error("boom");
    }
    void restart() {
        source.restart();
        parts_seen.clear();
        written.clear();
    }

    static constexpr std::size_t batches = 30;
    count_up source{batches};
    spmd::task_graph graph;
    std::string fails;
    numbers failing_batches;
    record parts_seen;
    record written;
};

} // namespace

TEST_CASE(
    "a failed stage is named with its batch, the deliveries before are right, and the graph can run again") {
    const std::string stage = GENERATE("source", "number", "broadcast", "each", "map", "reduce", "write");
    const std::size_t batch = GENERATE(std::size_t{0}, std::size_t{14}, failing_graph::batches - 1);
    for (const std::size_t threads : {1U, 2U, 8U}) {
        for (const std::size_t in_flight : swept_in_flight()) {
            INFO(stage << " fails at " << batch << ", " << threads << " threads, " << in_flight
                       << " in flight");
            const spmd::engine_pool pool{{.ranks = 4, .threads = threads}};
            failing_graph failing(pool, in_flight);
            for (int round = 0; round < 3; ++round) {
                failing.restart();
                failing.fails = stage;
                failing.failing_batches = {batch, batch + 1, batch + 2};
                if (stage == "source") failing.source.fails_at = batch;
                const spmd::stage_error error = error_of_run(failing.graph);
                CHECK(error.stage() == stage);
                CHECK(error.batch() == batch);
                std::string text = "boom";
                if (stage == "broadcast") text = "1 of 4 ranks failed: rank 2: boom";
                if (stage == "map") text = "1 of 4 items failed: item 1: boom";
                CHECK(error.what() ==
                      "stage \"" + stage + "\", batch " + std::to_string(batch) + ": " + text);
                // Stages that do not depend on the failed one have that batch as well.
                CHECK(failing.written.values() == first_numbers(stage == "each" ? batch + 1 : batch));
                const numbers& parts = failing.parts_seen.values();
                CHECK(parts == first_numbers(parts.size()));
                CHECK(parts.size() >= 4 * batch);
                if (stage == "source" || stage == "number") CHECK(parts.size() == 4 * batch);
                if (stage == "broadcast" || stage == "each") CHECK(parts.size() == 4 * batch + 2);
                CHECK(failing.source.calls() <= batch + in_flight);
                CHECK(counted::living() == 0);

                failing.restart();
                failing.fails.clear();
                failing.source.fails_at = ~std::size_t{0};
                failing.graph.run();
                CHECK(failing.written.values() == first_numbers(failing_graph::batches));
                CHECK(failing.parts_seen.values() == first_numbers(4 * failing_graph::batches));
            }
        }
    }
}

TEST_CASE("the first of several failing batches is named, whichever fails first") {
    const spmd::engine_pool pool{{.ranks = 3, .threads = 2}};
    spmd::task_graph graph{pool};
    count_up source(8);
    std::atomic<bool> later_failed{false};
    record seen;
    const auto stream = graph.stream("source", source.generator(), {.in_flight = 8});
    const auto parts = graph.broadcast("parts", stream, [&](spmd::rank me, const counted& batch) {
        if (batch.number() == 4 && me.id() == 0) {
            later_failed = true;
            throw std::runtime_error("later");
        }
        if (batch.number() == 2 && me.id() == 2) {
            // Bounded: the later batch runs only if a thread is left for it.
            for (int look = 0; look < 1000 && !later_failed; ++look) std::this_thread::sleep_for(20us);
            throw std::runtime_error("earlier");
        }
        return numbers{batch.number()};
    });
    graph.each("see", graph.concat("flat", parts), [&](const numbers& part) { seen.add(part.front()); });
    const spmd::stage_error error = error_of_run(graph);
    CHECK(error.batch() == 2U);
    CHECK(seen.values() == numbers{0, 0, 0, 1, 1, 1, 2, 2});
}

TEST_CASE("the first failing batch is named also where its error is found last") {
    const spmd::engine_pool pool{{.ranks = 1, .threads = 4}};
    spmd::task_graph graph{pool};
    count_up source(8);
    std::atomic<bool> later_failed{false};
    graph.broadcast("only", graph.stream("source", source.generator(), {.in_flight = 8}),
                    [&](spmd::rank, const counted& batch) {
                        if (batch.number() == 3) {
                            later_failed = true;
                            throw std::runtime_error("later");
                        }
                        if (batch.number() != 2) return;
                        static_cast<void>(test_support::eventually([&] { return later_failed.load(); }, 1s));
                        std::this_thread::sleep_for(20ms); // the later batch ends meanwhile
                        throw std::runtime_error("earlier");
                    });
    for (int round = 0; round < 3; ++round) {
        source.restart();
        later_failed = false;
        const spmd::stage_error error = error_of_run(graph);
        CHECK(error.batch() == 2U);
        CHECK_THAT(error.what(), Catch::EndsWith("rank 0: earlier"));
    }
}

TEST_CASE("stages that do not depend on the failed one get a prefix as well") {
    const spmd::engine_pool pool{{.ranks = 4, .threads = 2}};
    for (const std::size_t in_flight : swept_in_flight()) {
        for (int round = 0; round < 20; ++round) {
            spmd::task_graph graph{pool};
            count_up source(20);
            record left, right, after_right;
            const auto stream = graph.stream("source", source.generator(), {.in_flight = in_flight});
            graph.once("left", stream, [&](const counted& batch) { left.add(batch.number()); });
            const auto good = graph.once("right", stream, [&](const counted& batch) {
                if (batch.number() == 9) throw std::runtime_error("boom");
                right.add(batch.number());
            });
            graph.once("after", good, [&] { after_right.add(0); });
            CHECK(error_of_run(graph).batch() == 9U);
            CHECK(left.values() == first_numbers(left.values().size()));
            CHECK(left.values().size() >= 10);
            CHECK(right.values() == first_numbers(9));
            CHECK(after_right.values().size() == 9);
        }
    }
}

TEST_CASE("ranks of a streamed broadcast meet with any number in flight, also on one thread") {
    for (const std::size_t threads : {1U, 2U, 8U}) {
        for (const std::size_t ranks : {1U, 2U, 100U}) {
            for (const std::size_t in_flight : swept_in_flight()) {
                INFO(ranks << " ranks, " << threads << " threads, " << in_flight << " in flight");
                const spmd::engine_pool pool{{.ranks = ranks, .threads = threads}};
                spmd::task_graph graph{pool};
                count_up source(20);
                record written;
                const auto stream = graph.stream("batches", source.generator(), {.in_flight = in_flight});
                const auto sums = graph.broadcast(
                    "sums", stream, [](spmd::rank me, const counted& batch) -> spmd::task<numbers> {
                        const std::size_t sum = co_await me.all_reduce(batch.number(), std::plus<>{});
                        co_await me.barrier();
                        const std::size_t same = co_await me.broadcast(sum, 0);
                        co_return numbers{same / me.size()};
                    });
                const auto flat = graph.concat("flat", sums);
                graph.once("write", flat, [&](const numbers& all) {
                    written.add(all.front());
                    if (all != numbers(all.size(), all.front())) written.add(~std::size_t{0});
                });
                graph.run();
                CHECK(written.values() == first_numbers(20));
            }
        }
    }
}

TEST_CASE("ranks of a streamed broadcast that wait for an ended rank fail with stage and batch") {
    const spmd::engine_pool pool{{.ranks = 3, .threads = 2}};
    spmd::task_graph graph{pool};
    count_up source(10);
    const auto stream = graph.stream("batches", source.generator(), {.in_flight = 2});
    graph.broadcast("meet", stream, [](spmd::rank me, const counted& batch) -> spmd::task<> {
        if (batch.number() == 5 && me.id() == 1) co_return;
        co_await me.barrier();
    });
    const spmd::stage_error error = error_of_run(graph);
    CHECK_THAT(error.what(),
               Catch::StartsWith("stage \"meet\", batch 5: 2 of 3 ranks failed: ranks 0, 2: "
                                 "rank 1 returned before it reached barrier at graph_flow_test.cpp:"));
}

TEST_CASE("a cancel or drop at any moment leaves a prefix delivered, and the graph can run again") {
    std::minstd_rand random(1);
    for (const std::size_t threads : {1U, 2U, 8U}) {
        const spmd::engine_pool pool{{.ranks = 4, .threads = threads}};
        for (const std::size_t in_flight : swept_in_flight()) {
            failing_graph failing(pool, in_flight);
            for (int round = 0; round < 25; ++round) {
                INFO(threads << " threads, " << in_flight << " in flight, round " << round);
                failing.restart();
                {
                    auto run = failing.graph.run_async();
                    const auto until =
                        std::chrono::steady_clock::now() +
                        std::chrono::microseconds(std::uniform_int_distribution(0, 300)(random));
                    while (std::chrono::steady_clock::now() < until) std::this_thread::yield();
                    if (round % 3 != 0) {
                        run.cancel();
                        try {
                            run.get();
                            CHECK(failing.written.values().size() == failing_graph::batches);
                        } catch (const spmd::cancelled_error&) {
                            CHECK(failing.written.values().size() <= failing_graph::batches);
                        }
                    }
                }
                CHECK(failing.written.values() == first_numbers(failing.written.values().size()));
                CHECK(failing.parts_seen.values() == first_numbers(failing.parts_seen.values().size()));
                CHECK(counted::living() == 0);
            }
            failing.restart();
            failing.graph.run();
            CHECK(failing.written.values() == first_numbers(failing_graph::batches));
        }
    }
}

TEST_CASE("cancel reaches the ranks of all batches in flight") {
    const spmd::engine_pool pool{{.ranks = 2, .threads = 2}};
    spmd::task_graph graph{pool};
    count_up source(100);
    std::atomic<bool> began{false};
    graph.broadcast("endless", graph.stream("batches", source.generator()),
                    [&](spmd::rank me, const counted&) {
                        began = true;
                        while (!me.stop_requested()) std::this_thread::yield();
                    });
    auto run = graph.run_async();
    while (!began) std::this_thread::yield();
    run.cancel();
    CHECK_THROWS_WITH(run.get(), "cancelled: 2 of 2 stages did not run to their end");
    CHECK(counted::living() == 0);
}

TEST_CASE("a failing batch stops the ranks of later ones, not of earlier ones") {
    const spmd::engine_pool pool{{.ranks = 2, .threads = 4}};
    spmd::task_graph graph{pool};
    count_up source(100);
    std::atomic<bool> earlier_stopped{false};
    std::atomic<bool> later_began{false};
    record seen;
    const auto stream = graph.stream("batches", source.generator(), {.in_flight = 4});
    const auto ranks = graph.broadcast("ranks", stream, [&](spmd::rank me, const counted& batch) {
        if (batch.number() < 5) earlier_stopped = earlier_stopped || me.stop_requested();
        if (batch.number() == 5) {
            static_cast<void>(test_support::eventually([&] { return later_began.load(); }, 1s));
            throw std::runtime_error("boom");
        }
        if (batch.number() > 5) {
            later_began = true;
            while (!me.stop_requested()) std::this_thread::yield(); // would never end
        }
        return numbers{batch.number()};
    });
    graph.each("see", graph.concat("flat", ranks), [&](const numbers& part) { seen.add(part.front()); });
    CHECK(error_of_run(graph).batch() == 5U);
    CHECK_FALSE(earlier_stopped);
    CHECK(seen.values() == numbers{0, 0, 1, 1, 2, 2, 3, 3, 4, 4});
}

//  batches ──────────┬───> scale ──> flat ──> write
//  table ──> parts ──┴────────────────────────┘
TEST_CASE("stages that do not depend on the stream run once, before the first batch, and serve all batches") {
    for (const std::size_t in_flight : swept_in_flight()) {
        const spmd::engine_pool pool{{.ranks = 3, .threads = 2}};
        spmd::task_graph graph{pool};
        count_up source(20);
        std::atomic<std::size_t> tables{0};
        std::atomic<bool> table_is_there{false};
        record written;
        bool fails = false;
        const auto table = graph.once("table", [&] {
            ++tables;
            if (fails) throw std::runtime_error("no table");
            return std::size_t{10};
        });
        const auto parts = graph.broadcast("parts", table, [&](spmd::rank me, std::size_t value) {
            table_is_there = true;
            return numbers{value + me.id()};
        });
        const auto all_parts = graph.concat("all parts", parts); // concat of a constant stage
        auto next = source.generator();
        const auto stream = graph.stream("batches",
                                         [&, next]() mutable {
                                             if (!table_is_there)
                                                 throw std::logic_error("before its constants");
                                             return next();
                                         },
                                         {.in_flight = in_flight});
        const auto scaled =
            graph.broadcast("scale", std::tuple(stream, parts),
                            [](spmd::rank me, const counted& batch, const std::vector<numbers>& all) {
                                return numbers{batch.number() * all[me.id()].front()};
                            });
        graph.once("write", std::tuple(graph.concat("flat", scaled), all_parts),
                   [&](const numbers& flat, const numbers& constants) {
                       written.add(std::accumulate(flat.begin(), flat.end(), constants.size() - 3));
                   });
        graph.run();
        CHECK(tables == 1);
        numbers expected = first_numbers(20);
        for (std::size_t& value : expected) value *= 33;
        CHECK(written.values() == expected);
        CHECK(graph.result(all_parts) == numbers{10, 11, 12}); // the value of a constant stage is kept
        CHECK(graph.result(parts).size() == 3);

        fails = true;
        source.restart();
        const spmd::stage_error error = error_of_run(graph);
        CHECK(error.stage() == "table");
        CHECK_FALSE(error.batch().has_value());
        CHECK(source.calls() == 0);
    }
}

TEST_CASE("move-only batches and results are accepted") {
    using owned = std::vector<std::unique_ptr<std::size_t>>;
    const spmd::engine_pool pool{{.ranks = 3, .threads = 2}};
    spmd::task_graph graph{pool};
    std::size_t next = 0;
    record written;
    const auto stream = graph.stream("batches", [&]() -> std::optional<std::unique_ptr<std::size_t>> {
        if (next == 20) return std::nullopt;
        return std::make_unique<std::size_t>(next++);
    });
    const auto parts =
        graph.broadcast("parts", stream, [](spmd::rank me, const std::unique_ptr<std::size_t>& batch) {
            owned one;
            one.push_back(std::make_unique<std::size_t>(*batch * me.size() + me.id()));
            return one;
        });
    graph.once("write", graph.concat("flat", parts), [&](const owned& all) {
        for (const auto& each : all) written.add(*each);
    });
    graph.run();
    CHECK(written.values() == first_numbers(60));
}

//            ┌──> left ──┬──> left whole ──┐
//  batches ──┤           ├──> left flat ───┼──> both
//            └──> right ───────────────────┘
TEST_CASE("one stage feeds several that join again, batch by batch") {
    for (const std::size_t in_flight : swept_in_flight()) {
        const spmd::engine_pool pool{{.ranks = 5, .threads = 2}};
        spmd::task_graph graph{pool};
        count_up source(50);
        record sums;
        const auto stream = graph.stream("batches", source.generator(), {.in_flight = in_flight});
        const auto left = graph.broadcast(
            "left", stream, [](spmd::rank, const counted& batch) { return numbers{batch.number()}; });
        // Added before the concat that reads the parts, yet runs after it.
        const auto whole =
            graph.once("left whole", left, [](const std::vector<numbers>& parts) { return parts; });
        const auto flat = graph.concat("left flat", left);
        const auto right =
            graph.broadcast("right", stream, [](spmd::rank, const counted& b) { return b.number(); });
        graph.once("both", std::tuple(whole, flat, right, stream),
                   [&](const std::vector<numbers>& parts, const numbers& all, const numbers& other,
                       const counted& batch) {
                       const std::size_t same = batch.number();
                       sums.add(parts == std::vector<numbers>(5, numbers{same}) && all == numbers(5, same) &&
                                        other == numbers(5, same)
                                    ? same
                                    : ~std::size_t{0});
                   });
        graph.run();
        CHECK(sums.values() == first_numbers(50));
    }
}

TEST_CASE("a thousand tiny batches of a thousand ranks pass") {
    const spmd::engine_pool pool{{.ranks = 1000}};
    spmd::task_graph graph{pool};
    count_up source(1000);
    record sums;
    const auto stream = graph.stream("batches", source.generator());
    const auto values =
        graph.broadcast("values", stream, [](spmd::rank, const counted& b) { return b.number(); });
    graph.once("sum", graph.reduce("reduce", values, std::plus<>{}),
               [&](std::size_t sum) { sums.add(sum / 1000); });
    graph.run();
    CHECK(sums.values() == first_numbers(1000));
}

#ifndef __SANITIZE_ADDRESS__
TEST_CASE("memory does not grow with the number of batches") {
    const bool peers = GENERATE(false, true);
    const spmd::engine_pool pool{{.ranks = 16, .threads = 2}};
    for (const std::size_t in_flight : {1U, 4U}) {
        spmd::task_graph graph{pool};
        constexpr std::size_t batches = 20'000;
        count_up source(batches);
        std::size_t most_at_first = 0;
        std::size_t most_later = 0;
        const auto stream = graph.stream("batches", source.generator(), {.in_flight = in_flight});
        const auto parts =
            peers ? graph.broadcast("parts", stream,
                                    [](spmd::rank me, const counted& b) -> spmd::task<numbers> {
                                        co_await me.barrier();
                                        co_return numbers(8, b.number());
                                    })
                  : graph.broadcast("parts", stream,
                                    [](spmd::rank, const counted& b) { return numbers(8, b.number()); });
        graph.once("write", std::tuple(graph.concat("flat", parts), stream),
                   [&](const numbers&, const counted& b) {
                       std::size_t& most = b.number() < batches / 4 ? most_at_first : most_later;
                       most = std::max(most, allocated.load());
                   });
        graph.run();
        INFO(most_at_first << " bytes at first, " << most_later << " later");
        CHECK(most_later < most_at_first + 100'000); // 5 bytes per batch would exceed this
    }
}
#endif

TEST_CASE("a stage of two streams is rejected, naming both") {
    const spmd::engine_pool pool{{.ranks = 2}};
    spmd::task_graph graph{pool};
    count_up one_source(10);
    count_up other_source(20);
    record ones, others;
    const auto one = graph.stream("one", one_source.generator());
    const auto other = graph.stream("other", other_source.generator());
    const auto of_one = graph.once("of one", one, [&](const counted& batch) { ones.add(batch.number()); });
    CHECK_THROWS_WITH(
        graph.once("both", std::tuple(of_one, other), [](const counted&) {}),
        Catch::StartsWith("stage \"both\" depends on two streams, \"one\" and \"other\", which may have"));
    graph.once("of other", other, [&](const counted& batch) { others.add(batch.number()); });
    graph.run(); // each by itself is valid
    CHECK(ones.values() == first_numbers(10));
    CHECK(others.values() == first_numbers(20));
}

TEST_CASE("an in_flight of zero, or beyond the limit, is rejected with the stream's name") {
    const spmd::engine_pool pool{{.ranks = 2}};
    spmd::task_graph graph{pool};
    CHECK_THROWS_AS(graph.stream("nothing", [] { return std::optional<int>(); }, {.in_flight = 0}),
                    std::invalid_argument);
    CHECK_THROWS_WITH(graph.stream("nothing", [] { return std::optional<int>(); }, {.in_flight = 0}),
                      Catch::StartsWith("stream \"nothing\": at least 1 batch must be in flight, not 0"));
    CHECK_THROWS_WITH(graph.stream("all", [] { return std::optional<int>(); }, {.in_flight = 65'537}),
                      Catch::StartsWith("stream \"all\": at most 65536 batches can be in flight, not 65537"));
    const auto empty = graph.stream("very many", [] { return std::optional<int>(); }, {.in_flight = 65'536});
    graph.once("take", empty, [](int) {});
    graph.run();
}

TEST_CASE("stages of a stream keep no value, and the error says so") {
    const spmd::engine_pool pool{{.ranks = 2}};
    spmd::task_graph graph{pool};
    count_up source(10);
    const auto stream = graph.stream("batches", source.generator());
    const auto number = graph.once("number", stream, [](const counted& batch) { return batch.number(); });
    graph.run();
    CHECK_THROWS_AS(graph.result(number), std::logic_error);
    CHECK_THROWS_WITH(graph.result(number),
                      Catch::StartsWith("stage \"number\" keeps no value: it works on the "
                                        "batches of stream \"batches\""));
    CHECK_THROWS_AS(graph.take(number), std::logic_error);
}

TEST_CASE("a stream runs inside a rank, on the same pool, with stages that use the pool") {
    for (const std::size_t threads : {1U, 2U, 4U}) {
        for (const std::size_t in_flight : {1U, 3U}) {
            const spmd::engine_pool pool{{.ranks = 5, .threads = threads}};
            const auto sums =
                pool.broadcast([&](spmd::rank me) {
                        spmd::task_graph graph{pool};
                        std::size_t next = 0;
                        std::size_t total = 0;
                        const auto stream = graph.stream("batches",
                                                         [&]() -> std::optional<std::size_t> {
                                                             if (next == 10) return std::nullopt;
                                                             return next++;
                                                         },
                                                         {.in_flight = in_flight});
                        const auto inner = graph.once("inner", stream, [&](std::size_t batch) {
                            return pool.broadcast([&](spmd::rank) { return batch + me.id(); })
                                .reduce(std::plus<>{});
                        });
                        const auto ids = graph.broadcast("ids", inner, [&](spmd::rank, std::size_t sum) {
                            return pool.map([&](std::size_t i) { return sum + i; }, numbers{0, 1})
                                .reduce(std::plus<>{});
                        });
                        graph.once("sum", graph.reduce("reduce", ids, std::plus<>{}),
                                   [&](std::size_t sum) { total += sum; });
                        graph.run();
                        return total;
                    })
                    .get();
            for (std::size_t rank = 0; rank < 5; ++rank) {
                std::size_t expected = 0;
                for (std::size_t batch = 0; batch < 10; ++batch) expected += 5 * (2 * 5 * (batch + rank) + 1);
                CHECK(sums[rank] == expected);
            }
        }
    }
}

TEST_CASE("streams of several graphs run on one pool at once") {
    const spmd::engine_pool pool{{.ranks = 6, .threads = 2}};
    std::vector<numbers> written(4);
    {
        std::vector<std::jthread> threads;
        for (std::size_t graph_number = 0; graph_number < written.size(); ++graph_number)
            threads.emplace_back([&, graph_number] {
                spmd::task_graph graph{pool};
                count_up source(200);
                const auto stream =
                    graph.stream("batches", source.generator(), {.in_flight = graph_number + 1});
                const auto parts = graph.broadcast("parts", stream, [](spmd::rank me, const counted& b) {
                    return numbers{b.number() * 6 + me.id()};
                });
                graph.each("write", graph.concat("flat", parts),
                           [&](const numbers& part) { written[graph_number].push_back(part.front()); });
                graph.run();
            });
    }
    for (const numbers& each : written) CHECK(each == first_numbers(1200));
    CHECK(counted::living() == 0);
}

TEST_CASE("dot shows a stream as its source") {
    const spmd::engine_pool pool{{.ranks = 2}};
    spmd::task_graph graph{pool};
    const auto stream = graph.stream("batches", [] { return std::optional<int>(); });
    graph.once("take", stream, [](int) {});
    CHECK_THAT(graph.dot(),
               Catch::Contains(R"(s0 [label="batches\nstream: int"];)") && Catch::Contains("s0 -> s1;"));
}
