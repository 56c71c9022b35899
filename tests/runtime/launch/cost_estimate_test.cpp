// Guards the estimate by which a caller decides whether to wake others: one that forgets an expensive run at
// once leaves work on one thread, and one that never forgets wakes threads for nothing.

#include <spmd/detail/launch/cost_estimate.hpp>
#include <spmd/detail/launch/costs.hpp>

#include <catch2/catch.hpp>

#include <chrono>

using namespace std::chrono_literals;
using spmd::detail::cost_estimate;

TEST_CASE("cost_estimate decides by the largest recent cost times the count") {
    cost_estimate cost;
    CHECK_FALSE(cost.is_small(1)); // unknown
    cost.observe(10ns, 10);
    CHECK(cost.is_small(0));
    CHECK(cost.is_small(1));
    CHECK(cost.is_small(5000));
    CHECK_FALSE(cost.is_small(5001)); // above 5 us in all
    cost.observe(1ms, 1);
    CHECK_FALSE(cost.is_small(1));
    cost.observe(1ns, 1);
    CHECK_FALSE(cost.is_small(1)); // one cheap run does not make it forget
    for (int i = 0; i < 20; ++i) cost.observe(1ns, 1);
    CHECK(cost.is_small(1)); // many do
}

TEST_CASE("as many indices are claimed at once as take 20 claims' time") {
    cost_estimate cost;
    CHECK(cost.worth_claiming() == 1); // unknown
    cost.observe(1us, 1);
    CHECK(cost.worth_claiming() == 3); // 2 us and one more
    cost_estimate cheap;
    cheap.observe(10ns, 10);
    CHECK(cheap.worth_claiming() == 2001);
    cost_estimate nothing;
    nothing.observe(0ns, 1'000'000);
    CHECK(nothing.worth_claiming() > 1'000'000); // and no division by 0
}

TEST_CASE("thresholds follow from the measured costs") {
    namespace costs = spmd::detail::costs;
    STATIC_REQUIRE(costs::worth_waking >= costs::waking);
    STATIC_REQUIRE(costs::worth_sharing > costs::worth_waking);
    STATIC_REQUIRE(costs::worth_publishing > costs::worth_sharing);
    STATIC_REQUIRE(costs::linger >= costs::waking_latency);
    STATIC_REQUIRE(costs::looks_before_sleep > costs::looks_before_leaving);
    STATIC_REQUIRE(costs::looks_before_leaving > 1);
}
