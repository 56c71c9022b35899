// Guards the map against results out of index order, items run twice or never for some chunk, ranges that end
// too early or are copied, several ranges of different lengths, and an error that does not name its item.

#include "support/pools.hpp"

#include <spmd/spmd.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <deque>
#include <list>
#include <memory>
#include <numeric>
#include <optional>
#include <ranges>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace test_support;
using Catch::Matchers::Equals;

constexpr auto square_of = [](int x) { return x * x; };
constexpr auto sum_of = [](int x, long y) { return x + y; };
constexpr auto changing = [n = 0](int) mutable { return ++n; };

static_assert(spmd::item_task<decltype(square_of), std::vector<int>>);
static_assert(spmd::item_task<decltype(square_of), const std::deque<int>&>);
static_assert(spmd::item_task<decltype(square_of), std::span<int>>);
static_assert(!spmd::item_task<decltype(square_of), std::list<int>>, "items are taken by index");
static_assert(!spmd::item_task<decltype(square_of), decltype(std::views::iota(0))>,
              "and there are so many of them");
static_assert(!spmd::item_task<decltype(square_of), std::vector<std::string>>);
static_assert(!spmd::item_task<decltype(changing), std::vector<int>>, "one copy serves all items");
static_assert(spmd::item_task<decltype(sum_of), std::vector<int>, std::span<long>>);
static_assert(!spmd::item_task<decltype(sum_of), std::vector<int>>);

std::vector<int> numbers(int count) {
    std::vector<int> all(static_cast<std::size_t>(count));
    std::iota(all.begin(), all.end(), 0);
    return all;
}

} // namespace

TEST_CASE("map orders results by index, for every launcher, number of items and chunk") {
    for_each_launcher(7, [](const spmd::engine_pool& pool) {
        for (const int count : {0, 1, 2, 7, 100, 5000}) {
            const std::vector<int> items = numbers(count);
            std::vector<int> expected;
            for (const int item : items) expected.push_back(item * item);
            for (const std::size_t chunk : {1U, 3U, 1000U, 100'000U}) {
                INFO(count << " items, chunk " << chunk);
                REQUIRE(pool.with({.chunk = chunk}).map(square_of, items).get() == expected);
            }
            REQUIRE(pool.with({.chunk = spmd::automatic}).map(square_of, items).get() == expected);
            REQUIRE(pool.map(square_of, items).get() == expected);
        }
    });
}

TEST_CASE("map runs each item exactly once, whatever the view's ranks") {
    for_each_pool([](const spmd::engine_pool& pool) {
        std::vector<std::atomic<int>> runs(333);
        const auto count_it = [&](std::size_t i) { ++runs[i]; };
        pool.map(count_it, std::views::iota(std::size_t{0}, std::size_t{333})).get();
        pool.on({0}).map(count_it, std::views::iota(std::size_t{0}, std::size_t{333})).get();
        REQUIRE(std::ranges::all_of(runs, [](const auto& ran) { return ran == 2; }));
    });
}

TEST_CASE("each item is a task by default") {
    for_each_concurrent_pool(1, 2, [](const spmd::engine_pool& pool) {
        // The first item ends when another thread has reached the second; in a single task it never would.
        std::atomic<bool> second_ran{false};
        auto result = pool.map(
                              [&](int i) {
                                  if (i == 1) second_ran = true;
                                  return i != 0 || eventually([&] { return second_ran.load(); },
                                                              std::chrono::seconds(10));
                              },
                              numbers(1000))
                          .start();
        CHECK(result.get().front());
    });
}

TEST_CASE("the items of a chunk run on one thread, in order") {
    for_each_concurrent_pool(1, 4, [](const spmd::engine_pool& pool) {
        for (int round = 0; round < 20; ++round) {
            std::atomic<int> turn{0};
            const auto who = pool.with({.chunk = 5})
                                 .map(
                                     [&](int) {
                                         std::this_thread::yield();
                                         return std::pair(std::this_thread::get_id(), ++turn);
                                     },
                                     numbers(203))
                                 .get();
            for (std::size_t i = 0; i < who.size(); ++i) {
                REQUIRE(who[i].first == who[i / 5 * 5].first);
                if (i % 5 > 0) REQUIRE(who[i].second > who[i - 1].second);
            }
        }
    });
}

TEST_CASE("in_order of a map runs only the items it waits for, for any chunk") {
    const spmd::engine_pool pool = make_parked_pool(1);
    for (const std::size_t chunk : {1U, 4U}) {
        std::vector<int> ran;
        auto result = pool.with({.chunk = chunk}).map([&](int i) { ran.push_back(i); }, numbers(10)).start();
        for (const std::size_t index : result.in_order()) {
            CHECK(ran.size() == index + 1);
            if (index == 5) break;
        }
        CHECK(result.progress().done == 6);
        result.wait();
        CHECK(ran == numbers(10));
    }
}

TEST_CASE("map passes one item of each of several ranges") {
    for_each_launcher(3, [](const spmd::engine_pool& pool) {
        const std::vector<int> first{1, 2, 3};
        const std::deque<long> second{10, 20, 30};
        CHECK(pool.map(sum_of, first, second).get() == std::vector<long>{11, 22, 33});
        CHECK(pool.map([](int a, std::string_view b,
                          double c) { return std::to_string(a) + std::string(b) + (c > 1 ? "!" : "?"); },
                       first, std::vector<std::string>{"a", "b", "c"}, std::vector{1.0, 2.0, 0.5})
                  .get() == std::vector<std::string>{"1a?", "2b!", "3c?"});
        CHECK(pool.with({.chunk = 2}).map(sum_of, first, std::views::iota(1L, 4L)).get() ==
              std::vector<long>{2, 4, 6});
    });
}

TEST_CASE("ranges of different lengths are rejected, naming both") {
    for_each_launcher(3, [](const spmd::engine_pool& pool) {
        std::atomic<int> runs{0};
        const auto count_them = [&](int, int) { ++runs; };
        CHECK_THROWS_WITH(pool.map(count_them, numbers(3), numbers(5)).start(),
                          Equals("map over ranges of different sizes: 3 and 5"));
        CHECK_THROWS_AS(pool.map(count_them, numbers(0), numbers(1)).start(), std::invalid_argument);
        CHECK_THROWS_AS(pool.map([&](int, int, int) { ++runs; }, numbers(2), numbers(2), numbers(1)).start(),
                        std::invalid_argument);
        CHECK(runs == 0);
    });
}

TEST_CASE("an empty input yields an empty result") {
    for_each_launcher(5, [](const spmd::engine_pool& pool) {
        const std::vector<int> none;
        const auto empty_of = [](int) { return std::vector<int>{1}; };
        CHECK(pool.map(square_of, none).get().empty());
        CHECK(pool.map(sum_of, none, std::vector<long>{}).get().empty());
        CHECK(pool.map(empty_of, none).concat().empty());
        CHECK(pool.map(square_of, none).outcomes().empty());
        CHECK(pool.with({.timing = true}).map(square_of, none).timing().tasks().empty());
        pool.map([](int) {}, none).get();
        for ([[maybe_unused]] const int each : pool.map(square_of, none).in_order()) FAIL("there is none");
        auto result = pool.map(square_of, none).start();
        CHECK(result.wait_for(std::chrono::milliseconds(0)));
        CHECK(result.ready());
        CHECK(result.progress().total == 0);
        result.cancel();
        CHECK(result.get().empty());
    });
}

TEST_CASE("a range passed as an lvalue is referenced, a temporary is stored") {
    for_each_launcher(4, [](const spmd::engine_pool& pool) {
        std::vector<int> items = numbers(500);
        pool.map([](int& item) { item += 1; }, items).get();
        CHECK(items.front() == 1);
        CHECK(items.back() == 500);
        const auto addresses = pool.map([](const int& item) { return &item; }, std::as_const(items)).get();
        for (std::size_t i = 0; i < 500; ++i) REQUIRE(addresses[i] == &items[i]);

        const int* const data = items.data();
        auto kept = pool.map([](const int& item) { return &item; }, std::move(items)).start();
        CHECK(kept.get().front() == data); // moved, not copied
        auto later = [&] {
            return pool
                .map([](const std::string& s) { return s.size(); },
                     std::vector<std::string>{"a", "bb", std::string(100, 'c')})
                .start();
        }();
        CHECK(later.get() == std::vector<std::size_t>{1, 2, 100});
        CHECK(pool.map(square_of, std::views::iota(0, 5) | std::views::transform([](int i) { return -i; }))
                  .get() == std::vector<int>{0, 1, 4, 9, 16});
        CHECK(pool.map([](bool b) { return !b; }, std::vector<bool>{true, false}).get() ==
              std::deque<bool>{false, true});
        CHECK(pool.map([](const std::unique_ptr<int>& p) { return *p; },
                       [] {
                           std::vector<std::unique_ptr<int>> owners;
                           owners.push_back(std::make_unique<int>(3));
                           return owners;
                       }())
                  .get() == std::vector<int>{3});
    });
}

TEST_CASE("functions and member pointers are tasks too") {
    for_each_launcher(4, [](const spmd::engine_pool& pool) {
        struct file {
            std::string name;
            std::size_t length() const { return name.size(); }
        };
        const std::vector<file> files{{"a"}, {"bcd"}};
        CHECK(pool.map(&file::length, files).get() == std::vector<std::size_t>{1, 3});
        CHECK(pool.map(&file::name, files).get() == std::vector<std::string>{"a", "bcd"});
        CHECK(pool.map(static_cast<double (*)(double)>(std::floor), std::vector{1.5, -1.5}).get() ==
              std::vector{1.0, -2.0});
    });
}

TEST_CASE("an error names the item, and the other items' results survive") {
    for_each_launcher(4, [](const spmd::engine_pool& pool) {
        for (const std::optional<std::size_t> chunk :
             {std::optional<std::size_t>(1), std::optional<std::size_t>(3),
              std::optional<std::size_t>(spmd::automatic)}) {
            std::atomic<int> runs{0};
            auto result = pool.with({.chunk = chunk})
                              .map(
                                  [&](int i) {
                                      ++runs;
                                      if (i == 7 || i == 40)
                                          throw std::runtime_error("no " + std::to_string(i));
                                      return std::to_string(i);
                                  },
                                  numbers(50))
                              .start();
            CHECK_THROWS_WITH(result.get(), Equals("2 of 50 items failed: item 7: no 7; item 40: no 40"));
            CHECK(runs == 50);
            auto all = result.outcomes();
            REQUIRE(all.size() == 50);
            for (std::size_t i = 0; i < 50; ++i) {
                REQUIRE(all[i].has_value() == (i != 7 && i != 40));
                if (all[i]) REQUIRE(all[i].value() == std::to_string(i));
            }
            CHECK_THROWS_WITH(all[40].value(), Equals("no 40"));
        }
    });
}

TEST_CASE("maps nest") {
    for_each_launcher(4, [](const spmd::engine_pool& pool) {
        auto result = pool.map(
                              [&](int i) {
                                  const std::vector<int> squares = pool.map(square_of, numbers(i)).get();
                                  return std::accumulate(squares.begin(), squares.end(), 0);
                              },
                              numbers(20))
                          .get();
        int expected = 0;
        for (int i = 0; i < 20; ++i) {
            REQUIRE(result[static_cast<std::size_t>(i)] == expected);
            expected += i * i;
        }
    });
}
