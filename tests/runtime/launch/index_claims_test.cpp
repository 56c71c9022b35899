// Guards the claims by which threads divide a job: an index claimed twice or never, ranges so small that
// claiming costs more than running, and ranges so large that one thread ends last.

#include <spmd/detail/launch/index_claims.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>
#include <thread>
#include <vector>

namespace {

using spmd::index_range;
using spmd::detail::any_arena;
using spmd::detail::index_claims;
using spmd::detail::placed_range;

std::vector<index_range> claim_all(index_claims& claims, std::size_t arena = any_arena) {
    std::vector<index_range> ranges;
    std::size_t cursor = 0;
    for (;;) {
        const index_range range = claims.claim_in(arena, cursor);
        if (range.empty()) return ranges;
        ranges.push_back(range);
    }
}

std::vector<std::size_t> sizes(const std::vector<index_range>& ranges) {
    std::vector<std::size_t> sizes;
    for (const index_range range : ranges) sizes.push_back(range.size());
    return sizes;
}

bool covers(std::vector<index_range> ranges, std::size_t count) {
    std::ranges::sort(ranges, {}, &index_range::first);
    std::size_t next = 0;
    for (const index_range range : ranges) {
        if (range.first != next) return false;
        next = range.last;
    }
    return next == count;
}

} // namespace

TEST_CASE("claims are disjoint, in order, and never empty while something is left") {
    const std::vector<placed_range> shares{{0, {0, 5}}, {1, {5, 10}}};
    index_claims claims(shares, 1, 2, 1);
    CHECK(claims.count() == 10);
    CHECK(claims.claim_up_to(7) == index_range{5, 8});
    CHECK(claims.claim_up_to(7).empty());
    CHECK(claims.claim_up_to(6).empty());
    CHECK(claims.claim_up_to(2) == index_range{0, 3});
    CHECK(claims.claim(100) == index_range{3, 5});
    CHECK(claims.claim(1) == index_range{8, 9});
    CHECK(claims.claim_up_to(9) == index_range{9, 10});
    CHECK(claims.claim(1).empty());
    CHECK(claim_all(claims).empty());
}

TEST_CASE("an arena's claims stay in its shares") {
    const std::vector<placed_range> shares{{2, {0, 10}}, {0, {10, 30}}, {2, {30, 35}}, {1, {35, 50}}};
    index_claims claims(shares, 3, 2, 1);
    CHECK(claims.share_of(0) == 20);
    CHECK(claims.share_of(1) == 15);
    CHECK(claims.share_of(2) == 15);
    CHECK(claims.share_of(3) == 0);
    std::vector<index_range> all = claim_all(claims, 2);
    CHECK(all == std::vector<index_range>{{0, 3}, {3, 6}, {6, 9}, {9, 10}, {30, 33}, {33, 35}});
    CHECK(claim_all(claims, 3).empty());
    for (const index_range range : claim_all(claims)) all.push_back(range);
    CHECK(covers(all, 50));
}

TEST_CASE("guided ranges begin large and end at one index") {
    const placed_range all{0, {0, 10'000}};
    index_claims claims({&all, 1}, 0, 2, 1);
    const std::vector<index_range> ranges = claim_all(claims);
    const std::vector<std::size_t> sized = sizes(ranges);
    CHECK(covers(ranges, 10'000));
    CHECK(sized.front() > 100);
    CHECK(sized.front() <= 10'000 / (2 * 2)); // leaves work for the others
    CHECK(std::ranges::is_sorted(sized, std::greater<>{}));
    CHECK(sized.back() == 1);
    CHECK(sized.size() < 200); // not one by one
}

TEST_CASE(
    "cheap indices are claimed in larger ranges, but hardly more than a thread's share of what is left") {
    const placed_range all{0, {0, 10'000}};
    for (const std::size_t worth_claiming : {1U, 100U, 2000U, 1'000'000U}) {
        index_claims claims({&all, 1}, 0, 2, worth_claiming);
        std::size_t left = 10'000;
        for (const index_range range : claim_all(claims)) {
            CHECK(range.size() <= std::max({left / 2, worth_claiming / 8, std::size_t{1}}));
            CHECK(range.size() >= std::min({left, worth_claiming, std::max<std::size_t>(left / 2, 1)}));
            left -= range.size();
        }
        CHECK(left == 0);
    }
}

TEST_CASE("ranges of a given size have it, but for the last of each share") {
    const std::vector<placed_range> shares{{0, {0, 7}}, {1, {7, 12}}};
    index_claims claims(shares, 3, 2, 1000);
    CHECK(sizes(claim_all(claims)) == std::vector<std::size_t>{3, 3, 1, 3, 2});
}

TEST_CASE("claims of very many indices begin at multiples of 16") {
    const placed_range few{0, {0, 16'383}};
    const placed_range many{0, {0, 16'384 + 5}};
    CHECK(index_claims({&few, 1}, 0, 2, 1).grain() == 0);
    CHECK(index_claims({&many, 1}, 7, 2, 1).grain() == 0); // not where the size is given
    index_claims claims({&many, 1}, 0, 2, 1);
    CHECK(claims.grain() == index_claims::coarse_grain);
    CHECK(claims.claim_up_to(3) == index_range{0, 16});
    CHECK(claims.claim(1) == index_range{16, 32});
    CHECK(claims.claim(17) == index_range{32, 64});
    for (const index_range range : claim_all(claims)) CHECK(range.first % 16 == 0);
}

TEST_CASE("threads that claim at the same time claim each index once") {
    const std::vector<placed_range> shares{{0, {0, 30'000}}, {1, {30'000, 50'000}}};
    for (const std::size_t chunk : {0U, 1U, 7U}) {
        index_claims claims(shares, chunk, 4, 1);
        std::vector<std::vector<index_range>> claimed(4);
        {
            std::vector<std::jthread> threads;
            for (std::size_t i = 0; i < 4; ++i)
                threads.emplace_back([&, i] {
                    for (std::size_t k = i; k < 50'000; k += 997)
                        if (const index_range range = claims.claim_up_to(k); !range.empty())
                            claimed[i].push_back(range);
                    for (const index_range range : claim_all(claims)) claimed[i].push_back(range);
                });
        }
        std::vector<index_range> all;
        for (const auto& each : claimed) all.insert(all.end(), each.begin(), each.end());
        CHECK(covers(all, 50'000));
    }
}
