// Guards a rank's own id, the size of its group and its engine, and its part of every kind of range, which
// must refer to the original items and, over all ranks, hold each of them once.

#include "support/pools.hpp"

#include <spmd/spmd.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <deque>
#include <numeric>
#include <ranges>
#include <set>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace {

using namespace test_support;
using spmd::rank;

template <class Range>
concept partable = requires(const rank& me, Range&& range) { me.part(std::forward<Range>(range)); };

static_assert(partable<std::vector<int>&>);
static_assert(partable<const std::deque<int>&>);
static_assert(partable<std::span<int>>);
static_assert(!partable<std::vector<int>>, "a part refers to its range, which must be there");
static_assert(!partable<std::set<int>&>);

// The items that the ranks own by a rule, in rank order.
template <class Items, class Rule>
auto dealt(const spmd::engine_pool& pool, Items& items, const Rule& rule) {
    return pool
        .broadcast([&](rank me) {
            std::vector<std::ranges::range_value_t<Items>> mine;
            for (const auto& item : me.part(items, rule)) mine.push_back(item);
            return mine;
        })
        .get();
}

template <class Items>
void check_rules(const spmd::engine_pool& pool, Items& items) {
    const auto n = static_cast<std::size_t>(std::ranges::size(items));
    std::vector<double> weights(n);
    for (std::size_t i = 0; i < n; ++i) weights[i] = static_cast<double>(i % 5);
    const spmd::weighted by_weight(weights, pool.size());
    const auto check = [&](const auto& rule) {
        const auto parts = dealt(pool, items, rule);
        for (std::size_t id = 0; id < pool.size(); ++id) {
            const auto expected = rule(n, id, pool.size());
            REQUIRE(parts[id].size() == expected.size());
            for (std::size_t k = 0; k < expected.size(); ++k)
                REQUIRE(parts[id][k] ==
                        std::ranges::begin(
                            items)[static_cast<std::ranges::range_difference_t<Items>>(expected[k])]);
        }
    };
    check(spmd::balanced);
    check(spmd::block);
    check(spmd::cyclic);
    check(by_weight);
}

} // namespace

TEST_CASE("a rank knows its id, the size of its group, and its engine") {
    for_each_pool([](const spmd::engine_pool& pool) {
        struct seen {
            std::size_t id, size, engine;
            bool stop;
        };
        const auto all =
            pool.broadcast([](rank me) { return seen{me.id(), me.size(), me.engine(), me.stop_requested()}; })
                .get();
        for (std::size_t id = 0; id < pool.size(); ++id) {
            REQUIRE(all[id].id == id);
            REQUIRE(all[id].size == pool.size());
            REQUIRE(all[id].engine == id);
            REQUIRE_FALSE(all[id].stop);
        }
    });
}

TEST_CASE("parts of every kind of range follow the rule") {
    for (const std::size_t ranks : {1U, 5U, 13U}) {
        const spmd::engine_pool pool = make_shuffled_pool(ranks, ranks);
        for (const int n : {0, 1, 4, 13, 100}) {
            INFO(ranks << " ranks, " << n << " items");
            std::vector<int> vector(static_cast<std::size_t>(n));
            std::iota(vector.begin(), vector.end(), 100);
            std::deque<int> deque(vector.begin(), vector.end());
            const std::span<const int> span(vector);
            const auto numbers = std::views::iota(0, n);
            const auto squares = numbers | std::views::transform([](int i) { return i * i; });
            check_rules(pool, vector);
            check_rules(pool, std::as_const(vector));
            check_rules(pool, deque);
            check_rules(pool, span);
            check_rules(pool, numbers);
            check_rules(pool, squares);
        }
    }
}

TEST_CASE("a part of an array is a span, of another range a view: the items are the same objects") {
    const spmd::engine_pool pool = make_jthread_pool(5, {2});
    // A separate range for each kind of part: parts by two rules overlap, and ranks run concurrently.
    std::vector<int> vector(23);
    std::vector<int> dealt(23);
    std::deque<int> deque(23);
    std::string text(23, ' ');
    std::array<int, 23> array{};
    pool.broadcast([&](rank me) {
            static_assert(std::same_as<decltype(me.part(vector)), std::span<int>>);
            static_assert(std::same_as<decltype(me.part(std::as_const(vector))), std::span<const int>>);
            static_assert(std::same_as<std::ranges::range_reference_t<decltype(me.part(deque))>, int&>);
            static_assert(
                std::same_as<std::ranges::range_reference_t<decltype(me.part(dealt, spmd::cyclic))>, int&>);
            const int id = static_cast<int>(me.id());
            for (int& item : me.part(vector)) item += 1 + id;
            for (int& item : me.part(dealt, spmd::cyclic)) item += 1 + id;
            for (int& item : me.part(deque)) item += 1 + id;
            for (char& c : me.part(text)) c = static_cast<char>('a' + id);
            for (int& item : me.part(array, spmd::block)) item += 1 + id;
            for (const std::size_t i : me.part(vector.size()).indices()) (void)vector.at(i);
        })
        .get();
    CHECK(text == "aaaaabbbbbcccccddddeeee");
    for (std::size_t i = 0; i < 23; ++i) {
        const int balanced = text[i] - 'a' + 1;
        REQUIRE(deque[i] == balanced);
        REQUIRE(vector[i] == balanced);
        REQUIRE(dealt[i] == static_cast<int>(i % 5) + 1);
        REQUIRE(array[i] == static_cast<int>(i / 5) + 1);
    }
}

TEST_CASE("parts of a number of items, and of views, follow the rules") {
    const spmd::engine_pool pool = make_shuffled_pool(4, 3);
    const auto parts = pool.broadcast([](rank me) { return me.part(10); }).get();
    CHECK(parts == std::vector<spmd::index_range>{{0, 3}, {3, 6}, {6, 8}, {8, 10}});
    const auto strided = pool.broadcast([](rank me) { return me.part(10, spmd::cyclic); }).get();
    CHECK(strided[1] == spmd::strided_range{1, 4, 3});
    const auto sums = pool.broadcast([](rank me) {
                              const auto mine = me.part(std::views::iota(0, 10), spmd::cyclic);
                              return std::accumulate(mine.begin(), mine.end(), 0);
                          })
                          .get();
    CHECK(sums == std::vector<int>{0 + 4 + 8, 1 + 5 + 9, 2 + 6, 3 + 7});
}

TEST_CASE("a group's parts are relative to the group, not to the pool") {
    const spmd::engine_pool pool = make_jthread_pool(10, {2});
    std::vector<int> items(9);
    std::iota(items.begin(), items.end(), 0);
    const auto parts = pool.on({7, 2, 5})
                           .broadcast([&](rank me) {
                               const auto mine = me.part(items);
                               return std::vector<int>(mine.begin(), mine.end());
                           })
                           .get();
    CHECK(parts == std::vector<std::vector<int>>{{0, 1, 2}, {3, 4, 5}, {6, 7, 8}});
}
