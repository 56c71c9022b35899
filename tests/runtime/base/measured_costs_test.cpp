// Guards costs derived from a timing against a rank's time that is attributed to another rank's items, lost
// or counted twice, against parts without items, and against weights that do not even out the load they were
// measured on.

#include <spmd/measured_costs.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace {

using costs = std::vector<double>;

spmd::timing timing_of(const std::vector<int>& nanoseconds) {
    std::vector<spmd::interval> tasks(nanoseconds.size());
    for (std::size_t rank = 0; rank < tasks.size(); ++rank)
        tasks[rank].cpu = std::chrono::nanoseconds(nanoseconds[rank]);
    return spmd::timing(tasks);
}

} // namespace

TEST_CASE("a rank's CPU time is spread over the items of its part") {
    CHECK(spmd::measured_costs(timing_of({9, 8}), 5) == costs{3, 3, 3, 4, 4});
    CHECK(spmd::measured_costs(timing_of({9, 8}), 5, spmd::cyclic) == costs{3, 4, 3, 4, 3});
    CHECK(spmd::measured_costs(timing_of({6, 5, 7}), 4, spmd::block) == costs{3, 3, 2.5, 2.5});
    CHECK(spmd::measured_costs(timing_of({6, 5, 7}), 2) == costs{6, 5});
    CHECK(spmd::measured_costs(timing_of({6, 5, 7}), 0).empty());
    const spmd::weighted uneven(std::vector<int>{1, 1, 2}, 2);
    CHECK(spmd::measured_costs(timing_of({10, 30}), 3, uneven) == costs{5, 5, 30});
}

TEST_CASE("an empty timing, or a rule built for another number of ranks, is rejected") {
    CHECK_THROWS_AS(spmd::measured_costs(timing_of({}), 3), std::invalid_argument);
    const spmd::weighted for_three(std::vector<int>{1, 1, 2}, 3);
    CHECK_THROWS_AS(spmd::measured_costs(timing_of({1, 2}), 3, for_three), std::invalid_argument);
}

TEST_CASE("weighting by measured costs evens out uneven items in a few runs") {
    // The first quarter of the items cost nine times as much as the others.
    constexpr std::size_t items = 1000;
    constexpr std::size_t ranks = 10;
    const auto cost = [](std::size_t item) { return item < items / 4 ? 9 : 1; };
    const auto run = [&](const auto& rule) {
        std::vector<int> spent;
        for (std::size_t rank = 0; rank < ranks; ++rank) {
            const auto part = rule(items, rank, ranks).indices();
            spent.push_back(std::accumulate(part.begin(), part.end(), 0,
                                            [&](int sum, std::size_t item) { return sum + cost(item); }));
        }
        return timing_of(spent);
    };
    const spmd::timing balanced = run(spmd::balanced);
    CHECK(balanced.imbalance() > 2.9);
    spmd::weighted by_cost(spmd::measured_costs(balanced, items), ranks);
    CHECK(run(by_cost).imbalance() < 1.6);
    for (int i = 0; i < 3; ++i) by_cost = {spmd::measured_costs(run(by_cost), items, by_cost), ranks};
    CHECK(run(by_cost).imbalance() < 1.1);
}
