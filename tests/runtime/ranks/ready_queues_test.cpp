// Guards the queues of ready ranks: a rank that is claimed twice or never, one that leaves its arena, and a
// thread that empties another's queue while its own is full.

#include <spmd/detail/ranks/ready_queues.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace {

using spmd::index_range;
using spmd::detail::any_arena;
using spmd::detail::placed_range;
using spmd::detail::ready_queues;

} // namespace

TEST_CASE("a thread claims from its own queue first, in ranges of half of what is left") {
    const placed_range all{0, {0, 100}};
    ready_queues queues({&all, 1}, 2);
    REQUIRE(queues.count() == 2);
    CHECK_FALSE(queues.has_ready());
    queues.add({0, 100});
    CHECK(queues.has_ready());
    CHECK(queues.claim_near(1, any_arena, 1) == index_range{50, 75});
    CHECK(queues.claim_near(1, any_arena, 1) == index_range{75, 87});
    CHECK(queues.claim_near(1, any_arena, 100) == index_range{87, 100});
    CHECK(queues.claim_near(1, any_arena, 1) == index_range{0, 12}); // a quarter of another's
    CHECK(queues.claim(1000) == index_range{12, 50});
    CHECK(queues.claim(1).empty());
    CHECK(queues.claim_near(0, any_arena, 1).empty());
    CHECK_FALSE(queues.has_ready());
}

TEST_CASE("ranks become ready in the queue of their block, and neighbours join") {
    const placed_range all{0, {0, 8}};
    ready_queues queues({&all, 1}, 2);
    queues.add({3, 5}); // across both blocks
    queues.add({5, 6});
    CHECK(queues.claim_near(1, any_arena, 10) == index_range{4, 6});
    CHECK(queues.claim_near(1, any_arena, 10) == index_range{3, 4});
}

TEST_CASE("ranks stay in their arena") {
    const std::vector<placed_range> shares{{4, {0, 10}}, {9, {10, 30}}};
    ready_queues queues(shares, 4);
    REQUIRE(queues.count() == 4);
    queues.add({0, 30});
    CHECK(queues.has_ready_in(4));
    CHECK_FALSE(queues.has_ready_in(5));
    std::size_t claimed = 0;
    for (index_range range = queues.claim_near(0, 9, 1); !range.empty(); range = queues.claim_near(0, 9, 1)) {
        CHECK(range.first >= 10);
        claimed += range.size();
    }
    CHECK(claimed == 20);
    CHECK_FALSE(queues.has_ready_in(9));
    CHECK(queues.has_ready_in(4));
    CHECK(queues.has_ready());
}

TEST_CASE("a thread keeps its queue, and threads have different ones as long as there are enough") {
    const placed_range all{0, {0, 100}};
    ready_queues queues({&all, 1}, 2);
    const std::size_t mine = queues.home_in(0);
    CHECK(queues.home_in(0) == mine);
    std::size_t other = mine;
    std::jthread([&] { other = queues.home_in(0); }).join();
    CHECK(other != mine);
    std::size_t third = 2;
    std::jthread([&] { third = queues.home_in(any_arena); }).join();
    CHECK(third < 2);
}

TEST_CASE("there are queues for fewer ranks than threads, and for none") {
    const placed_range one{0, {0, 1}};
    ready_queues queues({&one, 1}, 8);
    queues.add({0, 1});
    CHECK(queues.claim(1) == index_range{0, 1});
    const placed_range none{0, {0, 0}};
    ready_queues empty({&none, 1}, 8);
    empty.add({0, 0});
    CHECK_FALSE(empty.has_ready());
}

TEST_CASE("threads that add and claim at the same time claim each rank as often as it was added") {
    constexpr std::size_t count = 1000;
    constexpr int rounds = 50;
    const std::vector<placed_range> shares{{0, {0, 600}}, {1, {600, count}}};
    ready_queues queues(shares, 4);
    std::vector<std::atomic<int>> claimed(count);
    std::atomic<std::size_t> left{count * rounds};
    {
        std::vector<std::jthread> threads;
        for (std::size_t thread = 0; thread < 4; ++thread)
            threads.emplace_back([&, thread] {
                for (int round = 0; round < rounds; ++round)
                    for (std::size_t i = thread * 250; i < (thread + 1) * 250; i += 5) queues.add({i, i + 5});
                while (left.load() > 0) {
                    const index_range range = queues.claim_near(thread, any_arena, 1 + thread);
                    for (std::size_t i = range.first; i < range.last; ++i) ++claimed[i];
                    left -= range.size();
                }
            });
    }
    CHECK(std::ranges::all_of(claimed, [](const auto& times) { return times == rounds; }));
    CHECK_FALSE(queues.has_ready());
}
