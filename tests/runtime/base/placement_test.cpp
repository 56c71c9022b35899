// Guards against ranks dealt to arenas twice, lost, or out of proportion to the arenas' threads.

#include <spmd/placement.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <numeric>
#include <random>
#include <stdexcept>
#include <vector>

namespace {

using Catch::Matchers::Contains;
using spmd::index_range;

std::size_t sum_of(const std::vector<std::size_t>& values) {
    return std::accumulate(values.begin(), values.end(), std::size_t{0});
}

std::vector<std::size_t> sizes_of(const std::vector<index_range>& blocks) {
    std::vector<std::size_t> sizes;
    sizes.reserve(blocks.size());
    for (const index_range& block : blocks) {
        sizes.push_back(block.size());
    }
    return sizes;
}

// Checks every guarantee of deal_ranks; an arena's share is exactly ranks * threads / all.
void check_dealing(std::size_t ranks, const std::vector<std::size_t>& threads) {
    CAPTURE(ranks, threads);
    const std::vector<index_range> blocks = spmd::deal_ranks(ranks, threads);
    REQUIRE(blocks.size() == threads.size());
    const std::size_t all = sum_of(threads);
    std::size_t next = 0;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        REQUIRE(blocks[i].first == next);
        REQUIRE(blocks[i].last >= next);
        next = blocks[i].last;
        const std::size_t share = ranks * threads[i] / all;
        const bool share_is_whole = ranks * threads[i] % all == 0;
        REQUIRE(blocks[i].size() >= share);
        REQUIRE(blocks[i].size() <= share + (share_is_whole ? 0 : 1));
        REQUIRE((ranks > all || blocks[i].size() <= threads[i]));
    }
    REQUIRE(next == ranks);
}

spmd::pool_topology sample_topology() {
    spmd::pool_topology topology;
    topology.arenas = {{.threads = 2, .ranks = {0, 4}, .numa_node = 0},
                       {.threads = 0, .ranks = {4, 4}, .numa_node = 1},
                       {.threads = 3, .ranks = {4, 10}, .numa_node = 2}};
    return topology;
}

} // namespace

TEST_CASE("ranks are dealt in contiguous blocks in proportion to threads", "[placement]") {
    for (std::size_t ranks = 0; ranks <= 70; ++ranks) {
        for (std::size_t a = 0; a <= 5; ++a) {
            for (std::size_t b = 0; b <= 5; ++b) {
                check_dealing(ranks, {a, 1, b});
                check_dealing(ranks, {1 + a, b});
            }
        }
    }
    std::mt19937 random(11);
    for (int round = 0; round < 1000; ++round) {
        std::vector<std::size_t> threads(1 + random() % 12);
        std::ranges::generate(threads, [&] { return random() % 65; });
        threads.push_back(1);
        check_dealing(random() % 1'000'000, threads);
    }
}

TEST_CASE("equal arenas receive equal shares, also of few ranks", "[placement]") {
    for (std::size_t arenas = 1; arenas <= 9; ++arenas) {
        for (std::size_t ranks = 0; ranks <= 40; ++ranks) {
            const std::vector<std::size_t> threads(arenas, 4);
            const std::vector<std::size_t> sizes = sizes_of(spmd::deal_ranks(ranks, threads));
            const auto [least, most] = std::ranges::minmax_element(sizes);
            CHECK(*most - *least <= 1);
            CHECK((ranks == 0 || sizes.front() == *most));
        }
    }
}

TEST_CASE("ranks are dealt as worked out by hand", "[placement]") {
    using sizes = std::vector<std::size_t>;
    CHECK(sizes_of(spmd::deal_ranks(100, sizes{2})) == sizes{100});
    CHECK(sizes_of(spmd::deal_ranks(12, sizes{4, 2})) == sizes{8, 4});
    CHECK(sizes_of(spmd::deal_ranks(2, sizes{4, 4, 4, 4})) == sizes{1, 0, 1, 0});
    CHECK(sizes_of(spmd::deal_ranks(1, sizes{0, 3, 3})) == sizes{0, 1, 0});
    CHECK(sizes_of(spmd::deal_ranks(0, sizes{3, 3})) == sizes{0, 0});
    const std::size_t largest = std::numeric_limits<std::size_t>::max();
    CHECK(spmd::deal_ranks(largest, sizes{64, 64}) ==
          std::vector<index_range>{{0, largest / 2 + 1}, {largest / 2 + 1, largest}});
}

TEST_CASE("ranks cannot be dealt to arenas without threads", "[placement]") {
    CHECK_THROWS_AS(spmd::deal_ranks(8, {}), std::invalid_argument);
    CHECK_THROWS_WITH(spmd::deal_ranks(8, std::vector<std::size_t>{0, 0}),
                      Contains("8 ranks") && Contains("2 arenas"));
}

TEST_CASE("a pool's topology knows its threads and the arena of each rank", "[placement]") {
    const spmd::pool_topology topology = sample_topology();
    CHECK(topology.threads() == 5);
    CHECK(topology.arena_of(0) == 0);
    CHECK(topology.arena_of(3) == 0);
    CHECK(topology.arena_of(4) == 2);
    CHECK(topology.arena_of(9) == 2);
    CHECK_THROWS_AS(topology.arena_of(10), std::invalid_argument);
    CHECK_THROWS_WITH(topology.arena_of(10), Contains("rank 10"));
    CHECK(spmd::pool_topology{}.threads() == 0);
}
