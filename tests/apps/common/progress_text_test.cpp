// Guards the figures of progress lines: the direction of rounding, and the ends of their ranges.

#include <catch2/catch.hpp>
#include <common/progress_text.hpp>

#include <chrono>
#include <limits>

using namespace std::chrono_literals;

TEST_CASE("percent is rounded down, so that 100 means the end") {
    CHECK(apps::percent(0, 500) == "  0 %");
    CHECK(apps::percent(124, 500) == " 24 %");
    CHECK(apps::percent(499, 500) == " 99 %");
    CHECK(apps::percent(500, 500) == "100 %");
    CHECK(apps::percent(501, 500) == "100 %");
    CHECK(apps::percent(0, 0) == "100 %");
}

TEST_CASE("sizes have three digits and a binary unit") {
    CHECK(apps::size_text(0) == "0 B");
    CHECK(apps::size_text(1023) == "1023 B");
    CHECK(apps::size_text(1024) == "1.00 KiB");
    CHECK(apps::size_text(12.3 * 1024 * 1024) == "12.3 MiB");
    CHECK(apps::size_text(9.996 * 1024) == "10.0 KiB");
    CHECK(apps::size_text(99.96 * 1024) == "100 KiB");
    CHECK(apps::size_text(5000.0 * 0x1p40) == "5000 TiB");
}

TEST_CASE("times are whole seconds, rounded up") {
    CHECK(apps::clock_text(0s) == "0:00");
    CHECK(apps::clock_text(1ns) == "0:01");
    CHECK(apps::clock_text(7s) == "0:07");
    CHECK(apps::clock_text(12min + 5s) == "12:05");
    CHECK(apps::clock_text(1h + 2min + 3s) == "1:02:03");
    CHECK(apps::clock_text(100h) == "100:00:00");
}

TEST_CASE("the time left is the rest at the average rate so far") {
    CHECK(apps::time_left(10s, 0, 100).empty());
    CHECK(apps::time_left(10s, 25, 100) == "0:30 left");
    CHECK(apps::time_left(10s, 100, 100) == "0:00 left");
    CHECK(apps::time_left(10s, 101, 100) == "0:00 left");
    CHECK(apps::time_left(24h, 1, std::numeric_limits<std::uint64_t>::max()) == "1000 h left");
}
