// Guards against reports that are lost where several threads make the first one at once, or share a counter.

#include <spmd/detail/item_tally.hpp>

#include <catch2/catch.hpp>

#include <barrier>
#include <cstddef>
#include <thread>
#include <vector>

TEST_CASE("a tally to which nothing was reported is 0") { CHECK(spmd::detail::item_tally().total() == 0); }

TEST_CASE("every report counts, whichever thread made it, also when all make the first one") {
    constexpr std::size_t threads = 40; // more than there are counters
    for (int round = 0; round < 20; ++round) {
        spmd::detail::item_tally tally;
        std::barrier start(static_cast<std::ptrdiff_t>(threads));
        {
            std::vector<std::jthread> running;
            for (std::size_t i = 0; i < threads; ++i)
                running.emplace_back([&, i] {
                    start.arrive_and_wait();
                    for (std::size_t report = 0; report < 100; ++report) tally.add(i);
                });
        }
        CHECK(tally.total() == 100 * threads * (threads - 1) / 2);
    }
}
