// Guards against: a statistic that depends on the order of the values, is off by one in the middle, or is not
// 0 for nothing; bounds that are too narrow or too wide; and a trend or an outlier in pure noise.

#include <catch2/catch.hpp>
#include <spmd_bench/analysis/statistics.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <random>
#include <vector>

using namespace spmd_bench;

namespace {

/// 1 … n in random order.
std::vector<double> shuffled_ranks(std::size_t n) {
    std::vector<double> values(n);
    std::iota(values.begin(), values.end(), 1.0);
    std::mt19937_64 draw(n);
    std::ranges::shuffle(values, draw);
    return values;
}

/// Values of the exponential distribution, whose median is ln 2.
std::vector<double> exponential(std::size_t n, std::mt19937_64& draw) {
    std::vector<double> values(n);
    for (double& value : values) value = -std::log1p(-static_cast<double>(draw() >> 11U) * 0x1p-53);
    return values;
}

} // namespace

TEST_CASE("every statistic of nothing is 0") {
    CHECK(median({}) == 0);
    CHECK(median_absolute_deviation({}) == 0);
    CHECK(minimum({}) == 0);
    CHECK(count_outliers({}) == 0);
    CHECK(drift({}) == 0);
    CHECK(median_estimate({}) == interval_estimate{0, 0, 0});
}

TEST_CASE("statistics of few values are those worked out by hand") {
    const std::vector<double> one{7};
    CHECK(median(one) == 7);
    CHECK(median_absolute_deviation(one) == 0);
    CHECK(minimum(one) == 7);
    CHECK(median_estimate(one) == interval_estimate{7, 7, 7});

    const std::vector<double> odd{9, 1, 4, 2, 100};
    CHECK(median(odd) == 4);
    CHECK(median_absolute_deviation(odd) == 3); // of 5 3 0 2 96
    CHECK(minimum(odd) == 1);

    const std::vector<double> even{4, 1, 3, 2};
    CHECK(median(even) == 2.5);
    CHECK(median_absolute_deviation(even) == 1); // of 1.5 1.5 0.5 0.5
}

TEST_CASE("the median of a resample counts a round as often as it was drawn") {
    const std::vector<double> values{10, 20, 30, 40};
    CHECK(median_of(values, std::vector<std::size_t>{3, 3, 0}) == 40);
    CHECK(median_of(values, std::vector<std::size_t>{0, 1, 2, 3}) == 25);
}

TEST_CASE("an outlier is beyond 3.5 modified z-scores, for values of any scale") {
    // The median is 5, the MAD 2: beyond 5 +- 3.5 / 0.6745 * 2 = -5.38 and 15.38.
    const std::vector<double> values{3, 7, 4, 6, 5, 2, 8, 15.3, -5.3};
    CHECK(count_outliers(values) == 0);
    std::vector<double> far = values;
    far[7] = 15.4;
    far[8] = -5.4;
    CHECK(count_outliers(far) == 2);
    for (double& value : far) value *= 1e9;
    CHECK(count_outliers(far) == 2);
    CHECK(count_outliers(std::vector<double>{1, 1, 1, 1, 9}) == 0); // no scale
}

TEST_CASE("a drift is found, and its size is the difference of the thirds") {
    std::vector<double> rising(30);
    for (std::size_t i = 0; i < rising.size(); ++i) rising[i] = 100 + static_cast<double>(i);
    CHECK(drift(rising) == Approx(20 / 114.5)); // (124.5 - 104.5) / 114.5
    std::ranges::reverse(rising);
    CHECK(drift(rising) == Approx(-20 / 114.5));
    CHECK(drift(std::vector<double>(30, 7)) == 0);
    CHECK(drift(std::vector<double>{1, 2, 3}) == 0); // chance does that once in six times
}

TEST_CASE("chance alone hardly ever drifts") {
    std::mt19937_64 draw(1);
    int drifting = 0;
    for (int sample = 0; sample < 1'000; ++sample)
        drifting += static_cast<int>(drift(exponential(20, draw)) != 0);
    CHECK(drifting <= 8); // 2.7 of 1,000 lie beyond three standard deviations
}

TEST_CASE("the bounds of a median are those of all resamples there are, but for the luck of 2,000") {
    // The least k such that the median of a resample of 1 … n is at most k with more than the tail's
    // probability, by P(median <= k) = P(at least (n+1)/2 of n draws are <= k), and its mirror. The tail is
    // that of the normal distribution beyond sqrt(n / (n-1)) t(n-1), with t from a table: 0.0041, 0.0097 and
    // 0.0132.
    struct expected {
        std::size_t n;
        double low;
        double high;
    };
    for (const expected& each : {expected{7, 1, 7}, expected{11, 3, 9}, expected{15, 4, 12}}) {
        CAPTURE(each.n);
        CHECK(median_estimate(shuffled_ranks(each.n)) ==
              interval_estimate{static_cast<double>(each.n + 1) / 2, each.low, each.high});
    }
    // 0.0213 lies near the probabilities of 19 and 33, so that luck may put either one further.
    const interval_estimate many = median_estimate(shuffled_ranks(51));
    CHECK(many.value == 26);
    CHECK(std::abs(many.low - 19) <= 1);
    CHECK(std::abs(many.high - 33) <= 1);
}

TEST_CASE("the bounds hold the true median in about 95 of 100 samples, also of a skewed distribution") {
    for (const std::size_t rounds : {9U, 15U, 51U}) {
        std::mt19937_64 draw(rounds);
        int held = 0;
        for (int sample = 0; sample < 400; ++sample)
            held += static_cast<int>(median_estimate(exponential(rounds, draw)).holds(std::numbers::ln2));
        CAPTURE(rounds, held);
        CHECK(held >= 372); // 93 %: two standard deviations of 400 tries below 95 %
        CHECK(held <= 396);
    }
}

TEST_CASE("the same seed gives the same bounds, and another one others") {
    std::mt19937_64 draw(7);
    const std::vector<double> values = exponential(40, draw);
    const auto mean = [&](resample rounds) {
        double sum = 0;
        for (const std::size_t round : rounds) sum += values[round];
        return sum / static_cast<double>(rounds.size());
    };
    CHECK(bootstrap(40, mean, 1) == bootstrap(40, mean, 1));
    CHECK_FALSE(bootstrap(40, mean, 1) == bootstrap(40, mean, 2));
}

TEST_CASE("surely below a bound: by the sign test, for one claim and for many") {
    // 1 of 2^6 is less than 2.5 %, 1 of 2^5 is more.
    CHECK(surely_below(std::vector<double>(6, 1.0), 2, 1));
    CHECK_FALSE(surely_below(std::vector<double>(5, 1.0), 2, 1));
    CHECK_FALSE(surely_below(std::vector<double>(6, 1.0), 2, 2));
    CHECK_FALSE(surely_below(std::vector<double>(6, 2.0), 2, 1));
    CHECK_FALSE(surely_below(std::vector<double>(6, 3.0), 2, 1));
    // 1 + 9 of 2^9 is 2 %; 1 + 8 of 2^8 is 3.5 %.
    CHECK(surely_below(std::vector<double>{1, 1, 1, 1, 1, 1, 1, 1, 3}, 2, 1));
    CHECK_FALSE(surely_below(std::vector<double>{1, 1, 1, 1, 1, 1, 1, 3}, 2, 1));
    CHECK_FALSE(surely_below({}, 2, 1));
}

TEST_CASE("bounds of a mean are near its standard error's, and a statistic may be infinite") {
    std::mt19937_64 draw(3);
    const std::vector<double> values = exponential(200, draw);
    const auto mean = [&](resample rounds) {
        double sum = 0;
        for (const std::size_t round : rounds) sum += values[round];
        return sum / static_cast<double>(rounds.size());
    };
    double squares = 0;
    const interval_estimate found = bootstrap(200, mean);
    for (const double value : values) squares += (value - found.value) * (value - found.value);
    const double error = std::sqrt(squares) / 200;
    CHECK(found.high - found.value == Approx(1.96 * error).epsilon(0.15));
    CHECK(found.value - found.low == Approx(1.96 * error).epsilon(0.15));

    const double endless = std::numeric_limits<double>::infinity();
    CHECK(bootstrap(10, [&](resample rounds) { return rounds[0] < 5 ? 1.0 : endless; }).high == endless);
}
