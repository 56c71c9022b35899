// Guards against reports lost when several threads make the first one at once, or share a counter.

#include <spmd/detail/base/item_tally.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

TEST_CASE("a tally without reports is 0") { CHECK(spmd::detail::item_tally().total() == 0); }

TEST_CASE("every report counts, whichever thread makes it") {
    constexpr std::size_t threads = 40; // more than there are counters
    spmd::detail::item_tally tally;
    {
        std::vector<std::jthread> running;
        for (std::size_t i = 0; i < threads; ++i)
            running.emplace_back([&tally, i] {
                for (std::size_t report = 0; report < 100; ++report) tally.add(i);
            });
    }
    CHECK(tally.total() == 100 * threads * (threads - 1) / 2);
}

TEST_CASE("no first report is lost when two threads report at the same moment") {
    constexpr std::size_t rounds = 20'000;
    std::vector<spmd::detail::item_tally> tallies(rounds);
    std::array<std::atomic<std::size_t>, 2> reached{};
    const auto report = [&](std::size_t me) {
        for (std::size_t round = 0; round < rounds; ++round) {
            reached[me] = round + 1;
            for (int look = 0; reached[1 - me] <= round; ++look)
                if (look > 10'000) std::this_thread::yield(); // both threads may share a core
            tallies[round].add(1);
        }
    };
    {
        const std::jthread other(report, 1);
        report(0);
    }
    std::size_t lost = 0;
    for (const auto& each : tallies) lost += 2 - each.total();
    CHECK(lost == 0);
}
