// Guards against: items other than the requested ones, bytes that the seed does not determine, a serial
// result of other items, and user files that are missed or changed.

#include "support/temporary_directory.hpp"

#include <checksum/digest.hpp>

#include <catch2/catch.hpp>
#include <spmd_bench/run/workload.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>

using namespace spmd_bench;
using namespace std::chrono_literals;

namespace {

std::string content_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

template <class T>
std::vector<T> copy_of(std::span<const T> values) {
    return {values.begin(), values.end()};
}

} // namespace

TEST_CASE("generated files have the requested number and size, and are removed with their directory") {
    std::string first_path;
    {
        temporary_directory scratch;
        const auto files = std::get<file_workload>(make_workload({.items = 12, .file_size = 100}, scratch));
        REQUIRE(files.items().size() == 12);
        CHECK(files.bytes() == 1'200);
        CHECK(copy_of(files.lengths()) == std::vector<std::uint64_t>(12, 100));
        CHECK(files.list() == copy_of(files.items()));
        for (std::size_t i = 0; i < 12; ++i)
            CHECK(files.serial()[i] == checksum::md5_of(content_of(files.items()[i])));
        first_path = files.items()[0];
        CHECK(std::filesystem::exists(first_path));
    }
    CHECK_FALSE(std::filesystem::exists(std::filesystem::path(first_path).parent_path()));
}

TEST_CASE("messages and files of the same seed have the same bytes, of another seed others") {
    temporary_directory scratch;
    temporary_directory nothing;
    const workload_options request{.items = 5, .file_size = 1'000, .seed = 3};
    workload_options in_memory = request;
    in_memory.kind = workload_kind::memory;
    const auto files = std::get<file_workload>(make_workload(request, scratch));
    const auto messages = std::get<memory_workload>(make_workload(in_memory, nothing));
    CHECK(copy_of(files.serial()) == copy_of(messages.serial()));
    CHECK(content_of(files.items()[4]) == messages.items()[4]);
    in_memory.seed = 4;
    const auto others = std::get<memory_workload>(make_workload(in_memory, nothing));
    CHECK(copy_of(others.serial()) != copy_of(messages.serial()));
    CHECK(messages.items()[0] != messages.items()[1]);
}

TEST_CASE("user files are found at any depth, in the order of their paths") {
    const test_support::temporary_directory mine;
    mine.write("b", "abc");
    mine.write("a/deep/er", "");
    temporary_directory scratch;
    const auto files = std::get<file_workload>(make_workload({.items = 99, .input = mine.path()}, scratch));
    CHECK(copy_of(files.items()) == std::vector{mine / "a/deep/er", mine / "b"});
    CHECK(files.bytes() == 3);
    CHECK(checksum::hex(files.serial()[0]) == "d41d8cd98f00b204e9800998ecf8427e"); // RFC 1321, A.5
    CHECK(checksum::hex(files.serial()[1]) == "900150983cd24fb0d6963f7d28e17f72");

    const auto messages = std::get<memory_workload>(
        make_workload({.kind = workload_kind::memory, .input = mine.path()}, scratch));
    CHECK(copy_of(messages.items()) == std::vector<std::string>{"", "abc"});
    CHECK_THROWS_WITH(file_workload(mine / "absent"), Catch::Contains(mine / "absent"));
}

TEST_CASE(
    "spins of the same length give what depends on their index alone, and take longer for a higher cost") {
    const spin_workload none(3, 0ns);
    CHECK(none.rounds() == 0);
    CHECK(copy_of(none.serial()) == std::vector<std::uint64_t>{0, 1, 2});
    const spin_workload some(50, 1us);
    CHECK(some.rounds() > 10);
    CHECK(some.run(7) == some.run(7));
    CHECK(some.run(7) == some.serial()[7]);
    CHECK(some.run(7) != some.run(8));
    CHECK(spin_workload(1, 1ms).rounds() > 10 * some.rounds());
}

TEST_CASE("an empty item gives its index, and no items are a workload too") {
    CHECK(copy_of(empty_workload(3).serial()) == std::vector<std::uint64_t>{0, 1, 2});
    temporary_directory scratch;
    for (const auto kind :
         {workload_kind::files, workload_kind::memory, workload_kind::spin, workload_kind::empty}) {
        const workload none = make_workload({.kind = kind, .items = 0}, scratch);
        CHECK(std::visit([](const auto& work) { return work.serial().size(); }, none) == 0);
    }
}

TEST_CASE("a workload has a description in words") {
    temporary_directory scratch;
    const workload_options request{.kind = workload_kind::memory, .items = 2, .file_size = 1024, .seed = 7};
    CHECK(description(request, make_workload(request, scratch)) ==
          "MD5 of 2 messages in memory, 2 KiB in all, random bytes, seed 7");
    const workload_options spins{.kind = workload_kind::spin, .items = 3, .item_cost = 1500ns};
    CHECK(description(spins, make_workload(spins, scratch)) == "3 items that spin for 1.5 us each");
}

TEST_CASE("later mixed items cost more, with the requested mean") {
    const mixed_workload even(4, 1us, 0);
    for (const mixed_workload::item& each : even.items()) CHECK(each.rounds == even.items()[0].rounds);
    // (S + 1) ((i + 1/2) / n)^S of the mean: 0.25, 0.75, 1.25, 1.75 for S = 1 and n = 4.
    const mixed_workload triangle(4, 1ms, 1);
    const auto mean = static_cast<double>(rounds_that_take(1e6));
    for (std::size_t i = 0; i < 4; ++i)
        CHECK(static_cast<double>(triangle.items()[i].rounds) ==
              Approx((0.25 + 0.5 * static_cast<double>(i)) * mean).epsilon(0.001));
    const mixed_workload steep(1'000, 10us, 4);
    double sum = 0;
    for (const mixed_workload::item& each : steep.items()) sum += static_cast<double>(each.rounds);
    CHECK(sum / 1'000 == Approx(mean / 100).epsilon(0.01));
    CHECK(steep.serial()[999] == steep.run(steep.items()[999]));
}
