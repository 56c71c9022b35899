// Guards against: a crossover beside the planted one, bounds that do not contain it, and a false claim.

#include <catch2/catch.hpp>
#include <spmd_bench/analysis/crossing.hpp>

#include <cmath>
#include <numbers>
#include <random>
#include <vector>

using namespace spmd_bench;

namespace {

/// Synthetic times of map and spmd at some costs: map takes `map_each` per item more than the cost, spmd
/// `slope` times the cost; with noise per sample and noise per round.
class made_up {
public:
    made_up(std::vector<double> costs, double map_each, double slope, double noise, std::size_t rounds,
            std::uint64_t seed)
        : costs_(std::move(costs)), map_(costs_.size()), spmd_(costs_.size()), draw_(seed) {
        for (std::size_t round = 0; round < rounds; ++round)
            for (std::size_t i = 0; i < costs_.size(); ++i) {
                const double common = 1 + noise * normal();
                map_[i].push_back((costs_[i] + map_each) * common * (1 + noise * normal()));
                spmd_[i].push_back(slope * costs_[i] * common * (1 + noise * normal()));
            }
    }

    std::vector<cost_samples> samples() const {
        std::vector<cost_samples> all;
        for (std::size_t i = 0; i < costs_.size(); ++i) all.push_back({costs_[i], map_[i], spmd_[i]});
        return all;
    }

private:
    /// Box and Muller: the distributions of standard libraries differ.
    double normal() {
        const auto uniform = [&] { return (static_cast<double>(draw_() >> 11U) + 0.5) * 0x1p-53; };
        const double radius = std::sqrt(-2 * std::log(uniform()));
        return radius * std::cos(2 * std::numbers::pi * uniform());
    }

    std::vector<double> costs_;
    std::vector<std::vector<double>> map_;
    std::vector<std::vector<double>> spmd_;
    std::mt19937_64 draw_;
};

} // namespace

TEST_CASE("without noise the crossing is where the lines meet") {
    // 200 + c = 1.5 c at 400; 200 + c = 1.25 * 1.5 c at 228.57.
    const made_up times({0, 100, 300, 1'000}, 200, 1.5, 0, 9, 1);
    const auto found = crossing(times.samples(), 1);
    REQUIRE(found);
    CHECK(found->value == Approx(400));
    CHECK(found->low == Approx(400));
    CHECK(found->high == Approx(400));
    CHECK(crossing(times.samples(), 1.25)->value == Approx(200 / 0.875));
}

TEST_CASE("a crossing that was planted is within its bounds in about 95 of 100 samples") {
    int held = 0;
    constexpr int samples = 200;
    for (int sample = 0; sample < samples; ++sample) {
        const made_up times({0, 100, 200, 400, 800, 1'600}, 200, 1.5, 0.03, 15,
                            static_cast<std::uint64_t>(sample));
        const auto found = crossing(times.samples(), 1);
        REQUIRE(found);
        held += static_cast<int>(found->holds(400));
    }
    CAPTURE(held);
    CHECK(held >= 184); // 92 %: two standard deviations of 200 tries below 95 %
}

TEST_CASE("none is claimed where the lines do not meet between the costs") {
    CHECK_FALSE(crossing(made_up({0, 100, 300}, 200, 1.5, 0.03, 15, 1).samples(), 1));     // at 400
    CHECK_FALSE(crossing(made_up({500, 900, 2'000}, 200, 1.5, 0.03, 15, 1).samples(), 1)); // at 400
    CHECK_FALSE(crossing(made_up({0, 1'000, 9'000}, 200, 1, 0.03, 15, 1).samples(), 1));   // never
    CHECK_FALSE(crossing({}, 1));
}

TEST_CASE(
    "none is claimed where both take the same time from some cost on, however many such costs there are") {
    int claimed = 0;
    constexpr int samples = 100;
    for (int sample = 0; sample < samples; ++sample) {
        std::vector<double> costs{0};
        for (int i = 0; i < 6; ++i) costs.push_back(1e6 * (1 << i));
        // 200 ns are negligible against 1 ms.
        const made_up times(costs, 200, 1, 0.02, 15, static_cast<std::uint64_t>(sample));
        claimed += static_cast<int>(crossing(times.samples(), 1).has_value());
    }
    CAPTURE(claimed);
    CHECK(claimed <= 8); // 5 of 100, and two standard deviations
}

TEST_CASE("none is claimed from few rounds") {
    CHECK_FALSE(crossing(made_up({0, 1'000}, 200, 1.5, 0, 5, 1).samples(), 1));
}
