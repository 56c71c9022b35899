// Guards the estimate that keeps cheap waves on one thread and shares heavy ones, line by line of the
// program.

#include <spmd/detail/ranks/wave_estimate.hpp>

#include <catch2/catch.hpp>

#include <source_location>

TEST_CASE("a wave is estimated by the earlier waves of its line, or by the last one where there are none") {
    const auto cheap = std::source_location::current();
    const auto heavy = std::source_location::current();
    spmd::detail::wave_estimate waves;
    CHECK(waves.next(cheap, 500) == 500); // what ran before any collective cost 500
    CHECK(waves.next(heavy, 100) == 100); // what followed the cheap line cost 100
    CHECK(waves.next(cheap, 90'000) == 100);
    CHECK(waves.next(heavy, 100) == 90'000);
    for (int i = 0; i < 50; ++i) {
        CHECK(waves.next(cheap, 90'000) < 110);
        CHECK(waves.next(heavy, 100) > 80'000);
    }
}

TEST_CASE("an estimate forgets half in six waves") {
    const auto line = std::source_location::current();
    spmd::detail::wave_estimate waves;
    waves.next(line, 1);
    std::uint64_t estimate = waves.next(line, 80'000);
    CHECK(estimate == 80'000);
    for (int i = 0; i < 6; ++i) estimate = waves.next(line, 0);
    CHECK(estimate < 40'000);
    CHECK(estimate > 30'000);
}
