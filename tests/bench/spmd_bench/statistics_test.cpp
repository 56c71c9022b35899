// Guards against: a statistic that depends on the order of the values, is off by one in the middle, or is not 0
// for nothing; and bounds that promise more than so few values can.

#include <catch2/catch.hpp>
#include <spmd_bench/statistics.hpp>

#include <numeric>
#include <vector>

using namespace spmd_bench;

TEST_CASE("every statistic of nothing is 0") {
    CHECK(median({}) == 0);
    CHECK(median_absolute_deviation({}) == 0);
    CHECK(minimum({}) == 0);
    CHECK(median_bounds({}).low == 0);
    CHECK(median_bounds({}).high == 0);
}

TEST_CASE("statistics of few values are those worked out by hand") {
    const std::vector<double> one{7};
    CHECK(median(one) == 7);
    CHECK(median_absolute_deviation(one) == 0);
    CHECK(minimum(one) == 7);

    const std::vector<double> odd{9, 1, 4, 2, 100};
    CHECK(median(odd) == 4);
    CHECK(median_absolute_deviation(odd) == 3); // of 5 3 0 2 96
    CHECK(minimum(odd) == 1);

    const std::vector<double> even{4, 1, 3, 2};
    CHECK(median(even) == 2.5);
    CHECK(median_absolute_deviation(even) == 1); // of 1.5 1.5 0.5 0.5
}

TEST_CASE("the bounds of a median are the values whose ranks a table of the sign test names") {
    // n, and the rank from each end: Conover, Practical Nonparametric Statistics, for 95 % two-sided.
    const std::vector<std::pair<int, int>> table{{6, 1},   {7, 1},   {8, 1},   {9, 2},  {10, 2},
                                                 {11, 2},  {12, 3},  {15, 4},  {20, 6}, {25, 8},
                                                 {50, 18}, {51, 19}, {100, 40}};
    for (const auto& [n, rank] : table) {
        std::vector<double> values(static_cast<std::size_t>(n));
        std::iota(values.rbegin(), values.rend(), 1.0);
        CAPTURE(n);
        CHECK(median_bounds(values).low == rank);
        CHECK(median_bounds(values).high == n + 1 - rank);
    }
}

TEST_CASE("the bounds of few values are the least and the largest") {
    const std::vector<double> values{3, 1, 2, 5, 4};
    static_assert(fewest_for_bounds == 6);
    CHECK(median_bounds(values).low == 1);
    CHECK(median_bounds(values).high == 5);
}

TEST_CASE("the bounds of very many values are near their median") {
    std::vector<double> values(100'001);
    std::iota(values.begin(), values.end(), 0.0);
    // The normal approximation: 50,000 -+ 1.96 * sqrt(100,001) / 2 = 49,690 and 50,310.
    CHECK(median_bounds(values).low == Approx(49'690).margin(3));
    CHECK(median_bounds(values).high == Approx(50'310).margin(3));
}
