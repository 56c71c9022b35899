// Guards against: a wrong result that is accepted, in any repetition and item; a way that runs more or less
// often than the others; an order that the seed does not determine.

#include <checksum/digest.hpp>

#include <catch2/catch.hpp>
#include <spmd_bench/run/measure.hpp>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

using namespace spmd_bench;

namespace {

const std::vector<std::uint64_t> serial{10, 11, 12};

// Any five ways, by a letter each.
constexpr way_kind a = way_kind::map;
constexpr way_kind b = way_kind::spmd;
constexpr way_kind c = way_kind::tbb;
constexpr way_kind d = way_kind::openmp;
constexpr way_kind e = way_kind::read;

/// Records each of its runs; from run `wrong_from` on its last result is wrong.
class recorded_way final : public way {
public:
    recorded_way(way_kind kind, std::vector<way_kind>& runs, std::size_t wrong_from = 1'000'000)
        : way(kind, 3, std::span(serial)), runs_(&runs), wrong_from_(wrong_from) {}

    void run() override {
        runs_->push_back(kind());
        results_ = serial;
        if (++times_ > wrong_from_) results_.back() = 99;
    }
    results_view results() const override { return std::span(std::as_const(results_)); }

private:
    std::vector<way_kind>* runs_;
    std::size_t wrong_from_;
    std::size_t times_ = 0;
    std::vector<std::uint64_t> results_;
};

std::vector<way_group> groups_of(const std::vector<std::vector<way_kind>>& kinds,
                                 std::vector<way_kind>& runs) {
    std::vector<way_group> groups;
    for (const auto& kinds_of_group : kinds) {
        way_group& group = groups.emplace_back();
        for (const way_kind kind : kinds_of_group)
            group.push_back(std::make_unique<recorded_way>(kind, runs));
    }
    return groups;
}

std::vector<way_kind> runs_of(const measurement_options& options) {
    std::vector<way_kind> runs;
    measure(groups_of({{a, b, c}}, runs), options);
    return runs;
}

} // namespace

TEST_CASE("each round runs every way once, after its warm-up runs") {
    std::vector<way_kind> runs;
    const auto measured = measure(groups_of({{a, b, c}}, runs), {.repetitions = 20, .warmup = 2});
    REQUIRE(measured.size() == 1);
    REQUIRE(measured[0].size() == 3);
    CHECK(measured[0][1].way == b);
    CHECK(measured[0][1].submissions == 3U);
    for (const measurement& each : measured[0]) CHECK(each.nanoseconds.size() == 20);
    const std::size_t settling = runs.size() - 20UL * 3 * 3;
    REQUIRE(settling >= 3);
    for (std::size_t first = settling; first < runs.size(); first += 9) {
        std::map<way_kind, int> times;
        for (std::size_t i = first; i < first + 9; ++i) ++times[runs[i]];
        CHECK(times == std::map<way_kind, int>{{a, 3}, {b, 3}, {c, 3}});
        CHECK(runs[first] == runs[first + 2]);
    }
}

TEST_CASE("before the first round each way runs until it is stable, within a bound; from cold not at all") {
    std::vector<way_kind> runs;
    measure(groups_of({{a}, {b}}, runs), {.repetitions = 1, .warmup = 1});
    for (const way_kind way : {a, b}) {
        const auto count = std::ranges::count(runs, way) - 2;
        CHECK(count >= 10); // twice the window in which times must agree
        CHECK(count <= 50);
    }
    runs.clear();
    measure(groups_of({{a}, {b}}, runs), {.repetitions = 1, .warmup = 0});
    CHECK(runs.size() == 2);
}

TEST_CASE("the ways of a group are consecutive, in any order") {
    std::vector<way_kind> runs;
    const auto measured = measure(groups_of({{a, b}, {c}, {d, e}}, runs), {.repetitions = 30, .warmup = 0});
    REQUIRE(measured.size() == 3);
    CHECK(measured[2][1].way == e);
    std::map<std::vector<way_kind>, int> orders;
    for (auto first = runs.begin(); first != runs.end(); first += 5) {
        const std::vector<way_kind> round(first, first + 5);
        const auto place = [&](way_kind way) { return std::ranges::find(round, way) - round.begin(); };
        CHECK(std::abs(place(a) - place(b)) == 1);
        CHECK(std::abs(place(d) - place(e)) == 1);
        ++orders[round];
    }
    CHECK(orders.size() > 10); // of 24
}

TEST_CASE("progress is reported from the warm-up to the last way") {
    std::vector<way_kind> runs;
    std::vector<measure_progress> reports;
    measure(groups_of({{a}, {b}}, runs), {.repetitions = 2, .warmup = 1},
            [&](const measure_progress& now) { reports.push_back(now); });
    REQUIRE(reports.size() == 6);
    CHECK(reports.front().round == 0);
    CHECK(reports.front().total == 4);
    CHECK(reports[2].round == 1);
    CHECK(reports[2].done == 0);
    CHECK(reports.back().round == 2);
    CHECK(reports.back().done == 3);
}

TEST_CASE("a reading of the clock takes time, but not much") {
    CHECK(clock_overhead_ns() > 0);
    CHECK(clock_overhead_ns() < 100'000);
}

TEST_CASE("the order of the ways is random, and the seed's") {
    const auto first = runs_of({.repetitions = 20, .warmup = 0, .seed = 1});
    CHECK(first == runs_of({.repetitions = 20, .warmup = 0, .seed = 1}));
    CHECK(first != runs_of({.repetitions = 20, .warmup = 0, .seed = 2}));
    // All six orders come up in 60 repetitions, but for a probability of (5/6)^60.
    const auto many = runs_of({.repetitions = 60, .warmup = 0, .seed = 1});
    std::map<std::vector<way_kind>, int> orders;
    for (auto round = many.begin(); round != many.end(); round += 3) ++orders[{round, round + 3}];
    CHECK(orders.size() == 6);
}

TEST_CASE("a result that differs from the serial one is an error, in any run") {
    for (const std::size_t wrong_from : {0U, 1U, 7U}) {
        std::vector<way_kind> runs;
        std::vector<way_group> groups(1);
        groups[0].push_back(std::make_unique<recorded_way>(a, runs));
        groups[0].push_back(std::make_unique<recorded_way>(b, runs, wrong_from));
        CHECK_THROWS_WITH(measure(groups, {.repetitions = 10, .warmup = 0}),
                          "the way 'spmd' differs from the serial loop in round " +
                              std::to_string(wrong_from + 1) + ": item 2 of 3 is 99, not 12");
    }
    std::vector<way_kind> runs;
    std::vector<way_group> groups(1);
    groups[0].push_back(std::make_unique<recorded_way>(b, runs, 1));
    CHECK_THROWS_WITH(
        measure(groups, {.repetitions = 10, .warmup = 1}),
        "the way 'spmd' differs from the serial loop while warming up: item 2 of 3 is 99, not 12");
}

TEST_CASE("a difference is described by its first item") {
    const std::vector<std::uint64_t> numbers{1, 2, 3};
    const std::vector<std::uint64_t> others{1, 7, 8};
    const std::vector<std::uint64_t> fewer{1, 2};
    const std::vector<std::uint64_t> none;
    const std::vector<checksum::md5> digests{checksum::md5_of("")};
    const std::vector<checksum::md5> abc{checksum::md5_of("abc")};
    CHECK(difference(std::span(numbers), std::span(numbers)).empty());
    CHECK(difference(std::span(none), std::span(none)).empty());
    CHECK(difference(std::span(numbers), std::span(others)) == "item 1 of 3 is 7, not 2");
    CHECK(difference(std::span(numbers), std::span(fewer)) == "2 results, not 3");
    CHECK(difference(std::span(digests), std::span(abc)) ==
          "item 0 of 1 is 900150983cd24fb0d6963f7d28e17f72, not d41d8cd98f00b204e9800998ecf8427e");
    CHECK(difference(std::span(digests), std::span(numbers)) == "results of another kind");
}
