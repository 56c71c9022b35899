// Guards against: bounds that hold both "the same" and "twice as long" being called either.
#include <catch2/catch.hpp>
#include <spmd_bench/analysis/verdict.hpp>

#include <limits>
#include <string>

using spmd_bench::interval_estimate;
using spmd_bench::name_of;
using spmd_bench::remedy_for;
using spmd_bench::rounds_to_tell;
using spmd_bench::verdict;
using spmd_bench::verdict_of;

namespace {
constexpr double infinite = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
} // namespace

TEST_CASE("bounds within 5 % are the same, bounds that exclude 1 differ, all others cannot tell") {
    struct bounds {
        double low;
        double value;
        double high;
        verdict wanted;
    };
    for (const bounds& each : {
             bounds{1, 1, 1, verdict::same},
             bounds{0.95, 1, 1.05, verdict::same},
             bounds{1.01, 1.03, 1.04, verdict::same}, // there, and not worth a choice
             bounds{0.97, 1.02, 1.06, verdict::cannot_tell},
             bounds{0.94, 0.98, 1.02, verdict::cannot_tell},
             bounds{1.01, 1.04, 1.07, verdict::cannot_tell}, // slower, by more than 5 % or by less
             bounds{1.01, 1.06, 1.11, verdict::slower},
             bounds{1.2, 1.3, 1.4, verdict::slower},
             bounds{0.48, 0.7, 0.98, verdict::faster},
             bounds{0.93, 0.96, 0.98, verdict::cannot_tell},
             bounds{0.065, 1.021, 17.379, verdict::cannot_tell}, // seen, and called "No difference"
             bounds{0.9, 1.5, 2.5, verdict::cannot_tell},
             bounds{0, 2, infinite, verdict::cannot_tell}, // too few rounds
             bounds{0, infinite, infinite, verdict::cannot_tell},
             bounds{0, not_a_number, infinite, verdict::cannot_tell},
             bounds{not_a_number, not_a_number, not_a_number, verdict::cannot_tell},
         }) {
        CAPTURE(each.low, each.value, each.high);
        CHECK(verdict_of({each.value, each.low, each.high}) == each.wanted);
    }
}

TEST_CASE("the rounds for a verdict grow with the square of the width, and near the limits") {
    CHECK(rounds_to_tell({1, 0.9, 1.1}, 6) == 26);        // (log(1.1/0.9) / 2 / log 1.05)^2 = 4.23
    CHECK(rounds_to_tell({1, 0.9, 1.1}, 60) == 260);      // 253.8, in two digits
    CHECK(rounds_to_tell({1.5, 0.9, 2.5}, 20) == 32);     // (log(2.5/0.9) / 2 / log 1.5)^2 = 1.587
    CHECK(rounds_to_tell({1.04, 1.01, 1.07}, 20) == 28);  // half of 5 %: (0.02886 / 0.0244)^2 = 1.399
    CHECK(rounds_to_tell({1.06, 0.999, 1.12}, 20) == 21); // at least one more
    CHECK(rounds_to_tell({1.021, 0.065, 17.379}, 6) == 0);
    CHECK(rounds_to_tell({2, 0, infinite}, 5) == 0);
    CHECK(rounds_to_tell({not_a_number, 0, infinite}, 5) == 0);
    CHECK(remedy_for({1, 0.9, 1.1}, 6) == "about 26 rounds, or a quieter machine, would tell");
    CHECK(remedy_for({1.021, 0.065, 17.379}, 6) == "a quieter machine would tell");
}

TEST_CASE("verdicts have names") {
    CHECK(name_of(verdict::same) == "the same within 5 %");
    CHECK(name_of(verdict::faster) == "faster");
    CHECK(name_of(verdict::slower) == "slower");
    CHECK(name_of(verdict::cannot_tell) == "cannot tell");
}
