// Guards against parts that lose an item, own one twice, run backwards or past n, as the notebook's
// ceil-chunk does; against overflow for huge n; against weights that are summed wrongly or that unbalance the
// parts; and against rules that accept a rank that does not exist. The expected parts come from dealing the
// items one by one, not from the formulas of the header.

#include <spmd/partition.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <list>
#include <numeric>
#include <random>
#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::Equals;
using spmd::index_range;
using spmd::strided_range;

constexpr std::size_t largest = std::numeric_limits<std::size_t>::max();

// Indices owned by each rank.
using owned_indices = std::vector<std::vector<std::size_t>>;

owned_indices dealt_balanced(std::size_t n, std::size_t size) {
    std::vector<std::size_t> counts(size);
    for (std::size_t i = 0; i < n; ++i) {
        ++counts[i % size];
    }
    owned_indices owned(size);
    std::size_t next = 0;
    for (std::size_t rank = 0; rank < size; ++rank) {
        while (owned[rank].size() < counts[rank]) {
            owned[rank].push_back(next++);
        }
    }
    return owned;
}

owned_indices dealt_in_blocks(std::size_t n, std::size_t size) {
    std::size_t chunk = 0;
    while (chunk * size < n) {
        ++chunk;
    }
    owned_indices owned(size);
    std::size_t rank = 0;
    for (std::size_t i = 0; i < n; ++i) {
        if (owned[rank].size() == chunk) {
            ++rank;
        }
        owned[rank].push_back(i);
    }
    return owned;
}

owned_indices dealt_in_turn(std::size_t n, std::size_t size) {
    owned_indices owned(size);
    for (std::size_t i = 0; i < n; ++i) {
        owned[i % size].push_back(i);
    }
    return owned;
}

template <class Rule>
owned_indices parts_by(const Rule& rule, std::size_t n, std::size_t size) {
    owned_indices owned(size);
    for (std::size_t rank = 0; rank < size; ++rank) {
        for (const std::size_t index : rule(n, rank, size).indices()) {
            owned[rank].push_back(index);
        }
    }
    return owned;
}

// Checks that size(), empty() and [] agree with the indices.
template <class Part>
bool is_consistent(const Part& part, const std::vector<std::size_t>& indices) {
    bool same = part.size() == indices.size() && part.empty() == indices.empty();
    for (std::size_t k = 0; same && k < indices.size(); ++k) {
        same = part[k] == indices[k];
    }
    return same;
}

template <class Rule, class Deal>
void check_against_dealing(const Rule& rule, const Deal& deal) {
    for (std::size_t n = 0; n <= 200; ++n) {
        for (std::size_t size = 1; size <= 64; ++size) {
            const owned_indices expected = deal(n, size);
            if (parts_by(rule, n, size) != expected) {
                FAIL("wrong parts for n = " << n << ", size = " << size);
            }
            for (std::size_t rank = 0; rank < size; ++rank) {
                if (!is_consistent(rule(n, rank, size), expected[rank])) {
                    FAIL("inconsistent part for n = " << n << ", rank = " << rank << ", size = " << size);
                }
            }
        }
    }
    SUCCEED("all parts as dealt");
}

// The notebook's get_partition: chunk = ceil(n / size), (rank * chunk, min(begin + chunk, n)).
index_range notebook_partition(std::size_t n, std::size_t rank, std::size_t size) {
    const std::size_t chunk = (n + size - 1) / size;
    return {rank * chunk, std::min((rank + 1) * chunk, n)};
}

template <class Rule>
bool gives_a_reversed_part(const Rule& rule, std::size_t n, std::size_t size) {
    for (std::size_t rank = 0; rank < size; ++rank) {
        const index_range part = rule(n, rank, size);
        if (part.first > part.last) {
            return true;
        }
    }
    return false;
}

template <class Rule>
int pairs_with_a_reversed_part(const Rule& rule) {
    int pairs = 0;
    for (std::size_t n = 0; n <= 200; ++n) {
        for (std::size_t size = 1; size <= 64; ++size) {
            pairs += gives_a_reversed_part(rule, n, size) ? 1 : 0;
        }
    }
    return pairs;
}

// Some ranks of a group too large to visit in full, each with its successor.
std::vector<std::size_t> sample_ranks(std::size_t size) {
    std::vector<std::size_t> ranks;
    for (const std::size_t rank : {std::size_t{0}, std::size_t{1}, size / 3, size / 2, size - 2}) {
        if (rank < size - 1 && size > 1) {
            ranks.push_back(rank);
        }
    }
    return ranks;
}

template <class Rule>
void check_contiguous_cover(const Rule& rule, std::size_t n, std::size_t size) {
    CAPTURE(n, size);
    CHECK(rule(n, 0, size).first == 0);
    CHECK(rule(n, size - 1, size).last == n);
    for (const std::size_t rank : sample_ranks(size)) {
        CAPTURE(rank);
        const index_range part = rule(n, rank, size);
        CHECK(part.first <= part.last);
        CHECK(part.last <= n);
        CHECK(part.last == rule(n, rank + 1, size).first);
    }
}

constexpr std::array huge_counts{largest, largest - 1, largest - 63, largest / 2 + 1, std::size_t{5}};
constexpr std::array group_sizes{std::size_t{1},  std::size_t{2},    std::size_t{3},
                                 std::size_t{64}, std::size_t{1000}, std::size_t{1} << 32U,
                                 largest / 2 + 1, largest - 1,       largest};

template <class Rule>
void check_names_wrong_ranks(const Rule& rule, std::size_t n, std::size_t size) {
    CHECK_THROWS_AS(rule(n, 0, 0), std::invalid_argument);
    CHECK_THROWS_WITH(rule(n, 0, 0), Contains("size 0"));
    CHECK_THROWS_AS(rule(n, size, size), std::invalid_argument);
    CHECK_THROWS_WITH(rule(n, size, size),
                      Equals("rank " + std::to_string(size) + " is not below " + std::to_string(size)));
    CHECK_THROWS_WITH(rule(n, 4711, size), Equals("rank 4711 is not below " + std::to_string(size)));
}

// Boundaries of a weighted partition, including 0 and n.
std::vector<std::size_t> boundaries_of(const spmd::weighted& rule, std::size_t n, std::size_t size) {
    std::vector<std::size_t> boundaries;
    boundaries.reserve(size + 1);
    for (std::size_t rank = 0; rank < size; ++rank) {
        boundaries.push_back(rule(n, rank, size).first);
    }
    boundaries.push_back(rule(n, size - 1, size).last);
    return boundaries;
}

// Applies the documented rule by searching from the front for every boundary; exact for small integral
// weights.
std::vector<std::size_t> boundaries_by_search(const std::vector<int>& weights, std::size_t size) {
    const long total = std::accumulate(weights.begin(), weights.end(), 0L);
    const long parts = static_cast<long>(size);
    std::vector<std::size_t> boundaries{0};
    for (long r = 1; r < parts; ++r) {
        std::size_t cut = 0;
        long before = 0;
        long sum = 0;
        while (sum * parts < r * total) {
            before = sum;
            sum += weights[cut++];
        }
        const bool earlier_is_nearer = r * total - before * parts < sum * parts - r * total;
        boundaries.push_back(cut > 0 && earlier_is_nearer ? cut - 1 : cut);
    }
    boundaries.push_back(weights.size());
    return boundaries;
}

std::vector<int> random_weights(std::mt19937& random, std::size_t n) {
    // Few distinct values, so that ties and zeros are frequent.
    const std::array choices{0, 0, 1, 1, 2, 3, 7, 100};
    std::vector<int> weights(n);
    std::ranges::generate(weights, [&] { return choices[random() % choices.size()]; });
    return weights;
}

} // namespace

static_assert(spmd::balanced(7, 0, 5) == index_range{0, 2});
static_assert(spmd::balanced(7, 4, 5) == index_range{6, 7});
static_assert(spmd::block(7, 3, 5) == index_range{6, 7});
static_assert(spmd::block(7, 4, 5) == index_range{7, 7});
static_assert(spmd::cyclic(7, 1, 5) == strided_range{1, 5, 2});
static_assert(spmd::cyclic(7, 1, 5)[1] == 6);
static_assert(spmd::cyclic(3, 4, 5).empty());
static_assert(spmd::weighted(std::array{1, 1, 2}, 2)(3, 1, 2) == index_range{2, 3});

TEST_CASE("balanced deals each item once, the first ranks one more", "[partition]") {
    check_against_dealing(spmd::balanced, dealt_balanced);
}

TEST_CASE("block fills chunk after chunk", "[partition]") {
    check_against_dealing(spmd::block, dealt_in_blocks);
}

TEST_CASE("cyclic deals the items in turn", "[partition]") {
    check_against_dealing(spmd::cyclic, dealt_in_turn);
}

TEST_CASE("the notebook reverses parts for 8962 pairs of n and size, block and balanced for none",
          "[partition]") {
    // The pairs are (n, size) with n <= 200 and size <= 64 for which at least one rank's part is reversed.
    CHECK(pairs_with_a_reversed_part(notebook_partition) == 8962);
    CHECK(pairs_with_a_reversed_part(spmd::block) == 0);
    CHECK(pairs_with_a_reversed_part(spmd::balanced) == 0);
}

TEST_CASE("block equals the notebook's partition wherever that is not reversed", "[partition]") {
    CHECK(notebook_partition(7, 4, 5) == index_range{8, 7});
    CHECK(spmd::block(7, 4, 5) == index_range{7, 7});
    int differences = 0;
    for (std::size_t n = 0; n <= 200; ++n) {
        for (std::size_t size = 1; size <= 64; ++size) {
            for (std::size_t rank = 0; rank < size; ++rank) {
                const index_range notebook = notebook_partition(n, rank, size);
                const index_range ours = spmd::block(n, rank, size);
                const bool as_due =
                    notebook.first <= notebook.last ? ours == notebook : ours == index_range{n, n};
                differences += as_due ? 0 : 1;
            }
        }
    }
    CHECK(differences == 0);
}

TEST_CASE("contiguous parts cover counts near the largest size_t without overflow", "[partition]") {
    for (const std::size_t n : huge_counts) {
        for (const std::size_t size : group_sizes) {
            check_contiguous_cover(spmd::balanced, n, size);
            check_contiguous_cover(spmd::block, n, size);
        }
    }
    CHECK(spmd::balanced(largest, 0, largest) == index_range{0, 1});
    CHECK(spmd::balanced(largest, 1, 2) == index_range{largest / 2 + 1, largest});
    CHECK(spmd::block(largest, 1, 2) == index_range{largest / 2 + 1, largest});
    CHECK(spmd::block(largest, largest - 2, largest - 1) == index_range{largest, largest});
}

TEST_CASE("cyclic parts end below counts near the largest size_t without overflow", "[partition]") {
    for (const std::size_t n : huge_counts) {
        for (const std::size_t size : group_sizes) {
            for (const std::size_t rank : sample_ranks(size)) {
                CAPTURE(n, size, rank);
                const strided_range part = spmd::cyclic(n, rank, size);
                CHECK(part.empty() == (rank >= n));
                if (!part.empty()) {
                    const std::size_t last = part[part.size() - 1];
                    CHECK(part[0] == rank);
                    CHECK(last < n);
                    CHECK(n - last <= size);
                }
            }
        }
    }
}

TEST_CASE("every rule rejects a rank that does not exist, naming it", "[partition]") {
    check_names_wrong_ranks(spmd::balanced, 10, 3);
    check_names_wrong_ranks(spmd::block, 10, 3);
    check_names_wrong_ranks(spmd::cyclic, 10, 3);
    check_names_wrong_ranks(spmd::weighted(std::vector<int>(10, 1), 3), 10, 3);
    CHECK_THROWS_WITH(spmd::weighted(std::vector<int>(10, 1), 0), Contains("size 0"));
}

TEST_CASE("weighted cuts by the documented rule, for integral and floating weights", "[partition]") {
    std::mt19937 random(20240229);
    for (int round = 0; round < 3000; ++round) {
        const std::size_t n = random() % 40;
        const std::size_t size = 1 + random() % 50;
        std::vector<int> weights = random_weights(random, n);
        weights.push_back(1); // all zero is a separate test case
        const std::vector<std::size_t> expected = boundaries_by_search(weights, size);
        const std::vector<double> floating(weights.begin(), weights.end());
        CAPTURE(weights, size);
        REQUIRE(boundaries_of(spmd::weighted(weights, size), n + 1, size) == expected);
        REQUIRE(boundaries_of(spmd::weighted(floating, size), n + 1, size) == expected);
    }
}

TEST_CASE("weighted parts cover all items, ascend, and weigh the ideal to within one weight", "[partition]") {
    std::mt19937 random(7);
    std::exponential_distribution<double> skewed(0.001);
    for (int round = 0; round < 500; ++round) {
        const std::size_t size = 1 + random() % 64;
        std::vector<double> weights(1 + random() % 300);
        std::ranges::generate(weights, [&] { return skewed(random); });
        const double ideal = std::accumulate(weights.begin(), weights.end(), 0.0) / static_cast<double>(size);
        const double heaviest = *std::ranges::max_element(weights);
        const std::vector<std::size_t> boundaries =
            boundaries_of(spmd::weighted(weights, size), weights.size(), size);
        REQUIRE(boundaries.front() == 0);
        REQUIRE(boundaries.back() == weights.size());
        REQUIRE(std::ranges::is_sorted(boundaries));
        for (std::size_t rank = 0; rank < size; ++rank) {
            const auto first = weights.begin() + static_cast<std::ptrdiff_t>(boundaries[rank]);
            const auto last = weights.begin() + static_cast<std::ptrdiff_t>(boundaries[rank + 1]);
            const double weight = std::accumulate(first, last, 0.0);
            REQUIRE(std::abs(weight - ideal) <= heaviest * (1 + 1e-9));
        }
    }
}

TEST_CASE("weighted parts are adjacent: each ends where the next begins", "[partition]") {
    const spmd::weighted rule(std::vector{5, 1, 1, 1, 9, 0, 2}, 4);
    for (std::size_t rank = 0; rank < 3; ++rank) {
        CHECK(rule(7, rank, 4).last == rule(7, rank + 1, 4).first);
    }
}

TEST_CASE("all-zero weights are partitioned as balanced", "[partition]") {
    const spmd::weighted integral(std::vector<int>(7, 0), 5);
    const spmd::weighted floating(std::vector<double>(7, -0.0), 5);
    const spmd::weighted nothing(std::vector<int>{}, 5);
    for (std::size_t rank = 0; rank < 5; ++rank) {
        CHECK(integral(7, rank, 5) == spmd::balanced(7, rank, 5));
        CHECK(floating(7, rank, 5) == spmd::balanced(7, rank, 5));
        CHECK(nothing(0, rank, 5).empty());
    }
}

TEST_CASE("one huge weight has a rank to itself", "[partition]") {
    const std::vector<std::uint64_t> weights{1, 1, 1, 1'000'000'000'000, 1, 1};
    CHECK(boundaries_of(spmd::weighted(weights, 3), 6, 3) == std::vector<std::size_t>{0, 3, 4, 6});
}

TEST_CASE("ranks beyond the items have empty weighted parts", "[partition]") {
    const spmd::weighted rule(std::vector{1, 1}, 5);
    std::size_t items = 0;
    for (std::size_t rank = 0; rank < 5; ++rank) {
        CHECK(rule(2, rank, 5).size() <= 1);
        items += rule(2, rank, 5).size();
    }
    CHECK(items == 2);
}

TEST_CASE("integral weights are summed without overflow or rounding", "[partition]") {
    const std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
    const std::vector<std::uint64_t> heavy(6, most);
    CHECK(boundaries_of(spmd::weighted(heavy, 3), 6, 3) == std::vector<std::size_t>{0, 2, 4, 6});
    // Half of the total is most + 1/2. For `tie` the sums next to it, most and most + 1, are equally near, so
    // the first one is the cut; for `nearer` they are most and most + 2, and the first is nearer, by one part
    // in 2^64.
    const std::vector<std::uint64_t> tie{most, 1, most};
    CHECK(boundaries_of(spmd::weighted(tie, 2), 3, 2) == std::vector<std::size_t>{0, 2, 3});
    const std::vector<std::uint64_t> nearer{most, 2, most - 1};
    CHECK(boundaries_of(spmd::weighted(nearer, 2), 3, 2) == std::vector<std::size_t>{0, 1, 3});
}

TEST_CASE("weights may be any range of numbers", "[partition]") {
    const std::list<short> listed{1, 1, 2};
    CHECK(spmd::weighted(listed, 2)(3, 1, 2) == index_range{2, 3});
    const std::vector<bool> flags{true, false, true};
    CHECK(spmd::weighted(flags, 2)(3, 0, 2) == index_range{0, 1});
    const auto lengths = std::vector<std::string>{"a", "b", "cc"};
    auto measured = lengths | std::views::transform(&std::string::size);
    CHECK(spmd::weighted(measured, 2)(3, 1, 2) == index_range{2, 3});
}

TEST_CASE("a negative or non-finite weight is named with its index", "[partition]") {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const double infinity = std::numeric_limits<double>::infinity();
    CHECK_THROWS_AS(spmd::weighted(std::vector{1, -3}, 2), std::invalid_argument);
    CHECK_THROWS_WITH(spmd::weighted(std::vector{1, -3}, 2), Contains("weight 1 is -3"));
    CHECK_THROWS_WITH(spmd::weighted(std::vector{-1e-300, 1.0}, 2), Contains("weight 0 is -1e-300"));
    CHECK_THROWS_WITH(spmd::weighted(std::vector{1.0, 1.0, nan}, 2), Contains("weight 2 is nan"));
    CHECK_THROWS_WITH(spmd::weighted(std::vector{infinity}, 2), Contains("weight 0 is inf"));
    const std::vector most(3, std::numeric_limits<long double>::max());
    CHECK_THROWS_WITH(spmd::weighted(most, 2), Contains("overflows"));
}

TEST_CASE("weighted rejects another n or size than it was built for", "[partition]") {
    const spmd::weighted rule(std::vector{1, 2, 3}, 2);
    CHECK_THROWS_AS(rule(4, 0, 2), std::invalid_argument);
    CHECK_THROWS_WITH(rule(4, 0, 2), Contains("3 items on 2 ranks") && Contains("4 on 2"));
    CHECK_THROWS_WITH(rule(3, 0, 5), Contains("3 items on 2 ranks") && Contains("3 on 5"));
}
