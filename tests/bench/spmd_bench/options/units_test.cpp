// Guards against: a quantity that is read with the wrong power, a malformed one that is read as 0, and an
// exact figure that is shown rounded.

#include <catch2/catch.hpp>
#include <spmd_bench/options/units.hpp>

#include <limits>

using namespace spmd_bench;
using namespace std::chrono_literals;

TEST_CASE("counts are digits only") {
    CHECK(parse_count("0") == 0U);
    CHECK(parse_count("18446744073709551615") == std::numeric_limits<std::uint64_t>::max());
    for (const char* bad : {"", "-1", "+1", " 1", "1 ", "1.5", "0x10", "ten", "18446744073709551616"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_count(bad));
    }
}

TEST_CASE("sizes are in the units of GNU coreutils") {
    CHECK(parse_size("1024") == 1024U);
    CHECK(parse_size("0") == 0U);
    CHECK(parse_size("512B") == 512U);
    CHECK(parse_size("64K") == 65'536U);
    CHECK(parse_size("1KiB") == 1'024U);
    CHECK(parse_size("1KB") == 1'000U);
    CHECK(parse_size("1.5MiB") == 1'572'864U);
    CHECK(parse_size("1M") == 1'048'576U);
    CHECK(parse_size("1MB") == 1'000'000U);
    CHECK(parse_size("2G") == 2'147'483'648U);
    CHECK(parse_size("1GB") == 1'000'000'000U);
    for (const char* bad :
         {"", "K", "-1", "-0", "1k", "1 K", "0.3B", "1.0001K", "1e3", "inf", "nan", "9999999999G", "1KiBs"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_size(bad));
    }
}

TEST_CASE("decimals have no sign and no exponent") {
    CHECK(parse_decimal("2") == 2.0);
    CHECK(parse_decimal("0.25") == 0.25);
    for (const char* bad : {"", "-1", "+1", "1e3", "inf", "nan", "1 ", "1,5", "x"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_decimal(bad));
    }
}

TEST_CASE("durations need a unit, but for 0") {
    CHECK(parse_duration("0") == 0ns);
    CHECK(parse_duration("100ns") == 100ns);
    CHECK(parse_duration("1us") == 1'000ns);
    CHECK(parse_duration("1.5µs") == 1'500ns);
    CHECK(parse_duration("2ms") == 2'000'000ns);
    CHECK(parse_duration("1s") == 1'000'000'000ns);
    CHECK(parse_duration("0ns") == 0ns);
    for (const char* bad : {"", "1", "ns", "-1us", "0.5ns", "1m", "2 ms", "3601s"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_duration(bad));
    }
}

TEST_CASE("quantities are shown in the largest unit that is not above them") {
    CHECK(text_of_size(0) == "0 B");
    CHECK(text_of_size(1023) == "1023 B");
    CHECK(text_of_size(1024) == "1 KiB");
    CHECK(text_of_size(512'000) == "500 KiB");
    CHECK(text_of_size(1'500'000) == "1.43 MiB");
    CHECK(text_of_size(1ULL << 40U) == "1024 GiB");
    CHECK(text_of_duration(0ns) == "0 ns");
    CHECK(text_of_duration(1'500ns) == "1.5 us");
    CHECK(text_of_duration(79'048ns) == "79 us");
    CHECK(text_of_duration(2ms) == "2 ms");
    CHECK(text_of_duration(90s) == "90 s");
}
