// Guards per-rank state against an item that reaches another rank than the rule says, or none; an object
// constructed or destroyed once too often, or on a thread of another arena; pieces that share a cache line; a
// handle that works with a foreign pool; and pieces destroyed while a task still uses them.

#include "support/pools.hpp"

#include <spmd/spmd.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <new>
#include <numeric>
#include <optional>
#include <ranges>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace test_support;
using Catch::Matchers::Contains;
using spmd::rank;
using numbers = std::vector<std::size_t>;

constexpr std::array<std::size_t, 6> all_ranks{1, 2, 3, 4, 8, 1000};

numbers first_numbers(std::size_t count) {
    numbers all(count);
    std::iota(all.begin(), all.end(), std::size_t{0});
    return all;
}

// Counts its objects and records the arena of each construction.
struct counted {
    static inline std::atomic<long> constructed{0};
    static inline std::atomic<long> destroyed{0};
    static inline std::atomic<long> copied{0};
    static void reset() { constructed = destroyed = copied = 0; }
    static long alive() { return constructed - destroyed; }

    explicit counted(std::size_t v) : value(v) { ++constructed; }
    counted(const counted& other) : value(other.value) {
        ++constructed;
        ++copied;
    }
    counted(counted&& other) noexcept : value(std::exchange(other.value, gone)) { ++constructed; }
    counted& operator=(const counted& other) = default;
    counted& operator=(counted&& other) noexcept {
        value = std::exchange(other.value, gone);
        return *this;
    }
    ~counted() { ++destroyed; }
    bool operator==(const counted& other) const { return value == other.value; }

    static constexpr std::size_t gone = 999'999'999;
    std::size_t value;
    std::size_t arena = jthread_launcher::arena_of_this_thread();
};

std::vector<counted> first_counted(std::size_t count) {
    std::vector<counted> all;
    for (std::size_t i = 0; i < count; ++i) all.emplace_back(i);
    return all;
}

// Throws for some values, when constructed or copied.
struct choosy : counted {
    explicit choosy(std::size_t v) : counted(v) { refuse(v); }
    choosy(const choosy& other) : counted(other) { refuse(other.value); }
    choosy& operator=(const choosy& other) {
        refuse(other.value);
        value = other.value;
        return *this;
    }
    static void refuse(std::size_t v) {
        if (refused.contains(v)) throw std::runtime_error("no " + std::to_string(v));
    }
    static inline std::set<std::size_t> refused;
};

numbers failed_ranks(const std::function<void()>& call) {
    numbers ranks;
    try {
        call();
    } catch (const spmd::composite_error& error) {
        CHECK(error.kind() == spmd::task_kind::rank);
        for (const spmd::failure& failure : error.failures()) ranks.push_back(failure.index);
    }
    return ranks;
}

template <class Rule>
void check_slices(const spmd::engine_pool& pool, std::size_t count, const Rule& rule) {
    INFO(count << " items");
    const numbers items = first_numbers(count);
    auto slices = pool.scatter(items, rule);
    CHECK(slices.size() == count);
    const auto seen =
        pool.broadcast([](rank, std::span<std::size_t> mine) { return numbers(mine.begin(), mine.end()); },
                       slices)
            .get();
    for (std::size_t id = 0; id < pool.size(); ++id) {
        const auto part = rule(count, id, pool.size()).indices();
        REQUIRE(std::ranges::equal(seen[id], part));
        REQUIRE(std::ranges::equal(slices[id], part));
        REQUIRE(std::ranges::equal(std::as_const(slices)[id], part));
    }
    CHECK(pool.gather(slices) == items);
    CHECK(pool.pull(slices) == seen);

    // Changes a rank makes to its slice persist.
    pool.broadcast(
            [](rank, std::span<std::size_t> mine) {
                for (std::size_t& item : mine) item += 7;
            },
            slices)
        .get();
    numbers expected = items;
    for (std::size_t& item : expected) item += 7;
    CHECK(pool.gather(slices) == expected);
    CHECK(pool.map([](std::size_t& item) { return item -= 7; }, slices).get() == items);
    CHECK(pool.gather(std::move(slices)) == items);
}

spmd::weighted ramp_for(std::size_t count, std::size_t ranks) { return {first_numbers(count), ranks}; }

template <class T>
std::uintptr_t line_of(const T* address) {
    return reinterpret_cast<std::uintptr_t>(address) / 64;
}

// Reserves the cache lines of a piece; returns false if one of them is already reserved.
template <class T>
bool take_lines(std::set<std::uintptr_t>& taken, std::span<const T> piece) {
    if (piece.empty()) return true;
    const auto last = reinterpret_cast<const char*>(piece.data() + piece.size()) - 1;
    bool free = true;
    for (std::uintptr_t line = line_of(piece.data()); line <= line_of(last); ++line)
        free = taken.insert(line).second && free;
    return free;
}

template <class T>
void check_apart(const spmd::engine_pool& pool) {
    auto objects = pool.make_local<T>();
    std::set<std::uintptr_t> taken;
    for (std::size_t engine = 0; engine < pool.size(); ++engine) {
        REQUIRE(reinterpret_cast<std::uintptr_t>(&objects[engine]) % alignof(T) == 0);
        REQUIRE(take_lines(taken, std::span<const T>(&objects[engine], 1)));
    }
}

const auto size_of_slice = [](rank, std::span<const std::size_t> mine) { return mine.size(); };
const auto add_one = [](rank, std::size_t& mine) { ++mine; };

static_assert(!std::is_copy_constructible_v<spmd::scattered<int>> &&
              !std::is_copy_constructible_v<spmd::local<int>>);
static_assert(std::is_nothrow_move_constructible_v<spmd::replicated<int>>);
static_assert(spmd::rank_task<decltype(add_one), spmd::local<std::size_t>&>);
static_assert(!spmd::rank_task<decltype(add_one), const spmd::local<std::size_t>&>,
              "a const handle gives const pieces");
static_assert(!spmd::rank_task<decltype(add_one), spmd::replicated<std::size_t>&>,
              "copies must stay the same");
static_assert(!spmd::rank_task<decltype([](rank, std::span<int>) {}), const spmd::scattered<int>&>);
static_assert(spmd::rank_task<decltype([](rank, std::span<const int>) {}), const spmd::scattered<int>&>);

} // namespace

TEST_CASE("scatter deals by every rule, for every launcher, number of threads, ranks and items") {
    for (const std::size_t ranks : all_ranks)
        for_each_launcher(ranks, [&](const spmd::engine_pool& pool) {
            for (const std::size_t count :
                 {std::size_t{0}, std::size_t{1}, ranks - 1, ranks, 7 * ranks / 2 + 3}) {
                check_slices(pool, count, spmd::balanced);
                check_slices(pool, count, spmd::block);
                check_slices(pool, count, spmd::cyclic);
                check_slices(pool, count, ramp_for(count, ranks));
            }
        });
}

TEST_CASE("large slices are gathered unchanged") {
    for_each_launcher(5, [](const spmd::engine_pool& pool) { check_slices(pool, 700'001, spmd::balanced); });
}

TEST_CASE("a user-defined rule is followed, or rejected if it does not deal each item once") {
    const spmd::engine_pool pool = make_shuffled_pool(3, 1);
    const auto last_first = [](std::size_t n, std::size_t id, std::size_t size) {
        return spmd::balanced(n, size - 1 - id, size);
    };
    auto slices = pool.scatter(first_numbers(7), last_first);
    CHECK(std::ranges::equal(slices[2], numbers{0, 1, 2}));
    CHECK(pool.gather(slices) == first_numbers(7));
    CHECK(pool.on({0, 2}).gather(slices) == numbers{0, 1, 2, 5, 6});
    CHECK(pool.map([](std::size_t item) { return item; }, slices).get() == first_numbers(7));

    const auto too_many = [](std::size_t n, std::size_t, std::size_t) { return spmd::index_range{0, n}; };
    CHECK_THROWS_WITH(pool.scatter(first_numbers(7), too_many), Contains("deals 21 items to 3 ranks, not 7"));
    const auto twice = [](std::size_t, std::size_t id, std::size_t) {
        return spmd::index_range{id == 2 ? 1U : 0U, id == 0 ? 1U : 2U};
    };
    CHECK_THROWS_WITH(pool.scatter(first_numbers(4), twice), Contains("item 0 twice"));
    const auto beyond = [](std::size_t, std::size_t id, std::size_t) {
        return spmd::strided_range{id, 2, 1};
    };
    CHECK_THROWS_WITH(
        pool.scatter(first_numbers(3), [&](std::size_t n, std::size_t id,
                                           std::size_t size) { return beyond(n, 2 * id, size); }),
        Contains("item 4 is not below 3"));
    CHECK_THROWS_WITH(pool.scatter(first_numbers(4), ramp_for(4, 2)), Contains("4 items on 2 ranks"));
}

TEST_CASE("ranges of all kinds are dealt; temporary containers are moved from") {
    for_each_launcher(5, [](const spmd::engine_pool& pool) {
        const auto strings = [] {
            return std::vector<std::string>{"one", "two", "three", "four", "a long one, too long to be small",
                                            "six"};
        };
        std::vector<std::string> kept = strings();
        CHECK(pool.gather(pool.scatter(kept)) == strings());
        CHECK(kept == strings());
        auto moved = pool.scatter(std::move(kept));
        CHECK(kept[4].empty()); // NOLINT(bugprone-use-after-move): each was moved from
        CHECK(pool.gather(moved) == strings());
        CHECK(pool.gather(std::move(moved)) == strings());

        std::vector<std::unique_ptr<int>> owners;
        for (int i = 0; i < 12; ++i) owners.push_back(std::make_unique<int>(i));
        auto dealt = pool.scatter(std::move(owners), spmd::cyclic);
        pool.broadcast(
                [](rank, std::span<std::unique_ptr<int>> mine) {
                    for (auto& each : mine) *each *= 2;
                },
                dealt)
            .get();
        owners = pool.gather(std::move(dealt));
        for (int i = 0; i < 12; ++i) CHECK(*owners[static_cast<std::size_t>(i)] == 2 * i);

        CHECK(pool.gather(pool.scatter(std::views::iota(std::size_t{3}, std::size_t{20}))).size() == 17);
        CHECK(pool.gather(pool.scatter(std::deque<int>{1, 2, 3})) == std::vector{1, 2, 3});
        CHECK(pool.gather(pool.scatter(std::list<int>{1, 2, 3})) == std::vector{1, 2, 3});
        CHECK(pool.gather(pool.scatter(std::set<int>{3, 1, 2}, spmd::cyclic)) == std::vector{1, 2, 3});
        const std::vector<bool> bits{true, false, true, true, false, false, true};
        auto flags = pool.scatter(bits);
        pool.broadcast(
                [](rank, std::span<bool> mine) {
                    for (bool& each : mine) each = !each;
                },
                flags)
            .get();
        CHECK(pool.gather(flags) == std::deque<bool>{false, true, false, false, true, true, false});
    });
}

TEST_CASE("scatter with flatten deals one item per rank, which arrives as T&") {
    for (const std::size_t ranks : all_ranks)
        for_each_launcher(ranks, [](const spmd::engine_pool& pool) {
            auto ids = pool.scatter(std::views::iota(std::size_t{0}, pool.size()), spmd::flatten);
            static_assert(std::is_same_v<decltype(ids), spmd::local<std::size_t>>);
            CHECK(ids.size() == pool.size());
            const auto same =
                pool.broadcast([](rank me, std::size_t& mine) { return mine == me.id(); }, ids).get();
            REQUIRE(std::ranges::all_of(same, std::identity()));
            pool.broadcast(add_one, ids).get();
            for (std::size_t engine = 0; engine < pool.size(); ++engine) REQUIRE(ids[engine] == engine + 1);
            std::vector<std::unique_ptr<int>> owners(pool.size());
            const auto none = pool.gather(pool.scatter(std::move(owners), spmd::flatten));
            CHECK(none.size() == pool.size());
        });
    const spmd::engine_pool pool = make_shuffled_pool(5, 1);
    CHECK_THROWS_AS(pool.scatter(first_numbers(4), spmd::flatten), std::invalid_argument);
    CHECK_THROWS_WITH(pool.scatter(first_numbers(4), spmd::flatten),
                      Catch::Matches("scatter .* one value .* rank: 4 .*for 5.*"));
    CHECK_THROWS_WITH(pool.on({1, 2}).scatter(first_numbers(5), spmd::flatten),
                      Catch::Matches("scatter .* one value .* rank: 5 .*for 2.*"));
}

TEST_CASE("make_local creates one object per rank, which lives as long as its handle") {
    for (const std::size_t ranks : all_ranks)
        for_each_launcher(ranks, [](const spmd::engine_pool& pool) {
            counted::reset();
            {
                auto objects = pool.make_local<counted>(std::size_t{5});
                CHECK(counted::constructed == static_cast<long>(pool.size()));
                for (int i = 0; i < 3; ++i)
                    pool.broadcast([](rank me, counted& mine) { mine.value += me.id(); }, objects).get();
                const auto all = pool.gather(objects);
                for (std::size_t id = 0; id < all.size(); ++id) REQUIRE(all[id].value == 5 + 3 * id);
                spmd::local<counted> elsewhere = std::move(objects);
                CHECK(elsewhere[pool.size() - 1].value == 5 + 3 * (pool.size() - 1));
                CHECK(counted::alive() == 2 * static_cast<long>(pool.size()));
                elsewhere = {};
                CHECK(counted::alive() == static_cast<long>(pool.size()));
            }
            CHECK(counted::alive() == 0);
        });
}

TEST_CASE("objects may be immovable, and be constructed from the rank's other pieces") {
    for_each_launcher(8, [](const spmd::engine_pool& pool) {
        auto counters = pool.make_local<std::atomic<std::size_t>>(std::size_t{3});
        pool.broadcast([](rank me, std::atomic<std::size_t>& mine) { mine += me.id(); }, counters).get();
        for (std::size_t id = 0; id < 8; ++id) CHECK(counters[id] == 3 + id);

        struct sums {
            std::size_t of_slice;
            std::size_t of_all;
        };
        const auto slices = pool.scatter(first_numbers(20));
        struct summing : sums {
            summing(std::span<const std::size_t> mine, const std::size_t& offset, std::size_t all)
                : sums{std::accumulate(mine.begin(), mine.end(), offset), all} {}
        };
        auto objects = pool.make_local<summing>(slices, pool.replicate(std::size_t{1}), std::size_t{190});
        std::size_t total = 0;
        for (std::size_t id = 0; id < 8; ++id) total += objects[id].of_slice;
        CHECK(total == 190 + 8);
        CHECK(objects[3].of_all == 190);
    });
}

TEST_CASE("objects of different ranks never share a cache line, and keep their alignment") {
    struct one {
        char bytes[1];
    };
    struct line {
        char bytes[64];
    };
    struct beyond {
        char bytes[65];
    };
    struct alignas(128) wide {
        char byte;
    };
    struct alignas(4096) paged {
        char byte;
    };
    struct alignas(8192) pages {
        char bytes[10000];
    };
    for_each_launcher(50, [](const spmd::engine_pool& pool) {
        check_apart<one>(pool);
        check_apart<line>(pool);
        check_apart<beyond>(pool);
        check_apart<wide>(pool);
        check_apart<paged>(pool);
        check_apart<pages>(pool);
        for (const std::size_t count : numbers{50, 51, 1000}) {
            auto slices = pool.scatter(std::vector<char>(count));
            auto wides = pool.scatter(std::vector<wide>(count));
            std::set<std::uintptr_t> taken;
            for (std::size_t engine = 0; engine < pool.size(); ++engine) {
                REQUIRE(take_lines(taken, std::as_const(slices)[engine]));
                REQUIRE(take_lines(taken, std::as_const(wides)[engine]));
                REQUIRE(reinterpret_cast<std::uintptr_t>(wides[engine].data()) % alignof(wide) == 0);
            }
        }
    });
}

TEST_CASE("very many small slices are packed, large ones are padded to cache lines") {
    const spmd::engine_pool pool = make_shuffled_pool(100'000, 1);
    const auto small = pool.scatter(std::vector<double>(300'000));
    CHECK(small[99'999].data() - small[0].data() == 3 * 99'999);
    const auto large = pool.scatter(std::vector<char>(100'000 * 2049));
    CHECK(large[99'999].data() - large[0].data() == 2112 * 99'999);
}

TEST_CASE("each piece is constructed by its rank, on a thread of its arena") {
    // Engines 0 … 3 are in arena 0, 4 and 5 in arena 1, 6 and 7 in arena 2.
    const spmd::engine_pool pool = make_jthread_pool(8, {2, 1, 1});
    const numbers arena_of{0, 0, 0, 0, 1, 1, 2, 2};
    for (int round = 0; round < 20; ++round)
        for (const numbers& chosen : {numbers{0, 1, 2, 3, 4, 5, 6, 7}, {7, 0, 6, 1}, {5}, {6, 4, 2, 0}}) {
            const spmd::view some = pool.on(chosen);
            const auto slices = some.scatter(first_counted(30));
            const auto dealt = some.scatter(first_counted(30), spmd::cyclic);
            const auto each = some.scatter(first_counted(chosen.size()), spmd::flatten);
            const auto objects = some.make_local<counted>(std::size_t{1});
            const auto copies = some.replicate(counted(1));
            for (const std::size_t engine : chosen) {
                for (const counted& item : slices[engine]) REQUIRE(item.arena == arena_of[engine]);
                for (const counted& item : dealt[engine]) REQUIRE(item.arena == arena_of[engine]);
                REQUIRE(each[engine].arena == arena_of[engine]);
                REQUIRE(objects[engine].arena == arena_of[engine]);
                REQUIRE(copies[engine].arena == arena_of[engine]);
            }
        }
    // Arenas do not share memory pages.
    const auto bytes = pool.scatter(std::vector<char>(8));
    for (std::size_t engine = 1; engine < 8; ++engine) {
        const bool same_page = reinterpret_cast<std::uintptr_t>(bytes[engine].data()) / 4096 ==
                               reinterpret_cast<std::uintptr_t>(bytes[engine - 1].data()) / 4096;
        CHECK(same_page == (arena_of[engine] == arena_of[engine - 1]));
    }
}

TEST_CASE("an arena whose threads are all busy does not block the others") {
    const spmd::engine_pool pool = make_jthread_pool(4, {1, 1});
    gate done;
    std::atomic<int> running{0};
    auto busy = pool.broadcast([&](rank me) {
                        ++running;
                        done.wait(me);
                    })
                    .start();
    REQUIRE(eventually([&] { return running == 2; }));
    auto ids = pool.scatter(first_numbers(4), spmd::flatten);
    done.open();
    busy.get();
    CHECK(pool.gather(ids) == first_numbers(4));
}

TEST_CASE("state can be created within a task") {
    for_each_launcher(6, [](const spmd::engine_pool& pool) {
        const auto sums = pool.broadcast([&](rank me) {
                                  auto slices = pool.scatter(numbers(20, me.id()));
                                  auto totals = pool.make_local<std::size_t>(std::size_t{0});
                                  pool.broadcast(
                                          [](rank, std::span<std::size_t> mine, std::size_t& total) {
                                              total =
                                                  std::accumulate(mine.begin(), mine.end(), std::size_t{0});
                                          },
                                          slices, totals)
                                      .get();
                                  const auto all = pool.gather(totals);
                                  return std::accumulate(all.begin(), all.end(), std::size_t{0});
                              })
                              .get();
        for (std::size_t id = 0; id < 6; ++id) CHECK(sums[id] == 20 * id);
    });
}

TEST_CASE("replicate creates one copy per arena, shared by its ranks") {
    for (const std::size_t ranks : all_ranks)
        for_each_launcher(ranks, [](const spmd::engine_pool& pool) {
            counted::reset();
            {
                const counted original(7);
                auto copies = pool.replicate(original);
                std::size_t used = 0;
                for (const spmd::arena_place& arena : pool.topology().arenas)
                    if (!arena.ranks.empty()) ++used;
                CHECK(copies.size() == used);
                CHECK(counted::copied == static_cast<long>(used));
                const auto seen =
                    pool.broadcast([](rank, const counted& mine) { return &mine; }, copies).get();
                for (std::size_t engine = 0; engine < pool.size(); ++engine) {
                    REQUIRE(seen[engine]->value == 7);
                    REQUIRE(seen[engine] == &copies[engine]);
                    REQUIRE(seen[engine] ==
                            seen[pool.topology().arenas[pool.topology().arena_of(engine)].ranks.first]);
                }
            }
            CHECK(counted::alive() == 0);
        });
}

TEST_CASE("constructors that throw are reported by rank, and leave nothing behind") {
    for (const std::size_t ranks : {std::size_t{4}, std::size_t{8}, std::size_t{1000}})
        for_each_launcher(ranks, [](const spmd::engine_pool& pool) {
            counted::reset();
            choosy::refused.clear();
            std::vector<choosy> items;
            for (std::size_t i = 0; i < 3 * pool.size(); ++i) items.emplace_back(i);
            choosy::refused = {2, 4, 9}; // the last of rank 0, one in the middle, the first of rank 3
            const long before = counted::alive();
            CHECK(failed_ranks([&] { pool.scatter(items); }) == numbers{0, 1, 3});
            CHECK(counted::alive() == before);
            CHECK(failed_ranks([&] { pool.scatter(items, spmd::cyclic); }) ==
                  (pool.size() == 4   ? numbers{0, 1, 2}
                   : pool.size() == 8 ? numbers{1, 2, 4}
                                      : numbers{2, 4, 9}));
            CHECK(counted::alive() == before);
            CHECK(failed_ranks([&] { pool.scatter(std::span(items).first(pool.size()), spmd::flatten); }) ==
                  (pool.size() == 4   ? numbers{2}
                   : pool.size() == 8 ? numbers{2, 4}
                                      : numbers{2, 4, 9}));
            CHECK(counted::alive() == before);
            CHECK(failed_ranks([&] { pool.make_local<choosy>(std::size_t{4}); }) ==
                  first_numbers(pool.size()));
            CHECK(counted::alive() == before);
            CHECK(failed_ranks([&] { pool.replicate(items[9]); }).front() == 0);
            CHECK(counted::alive() == before);
            CHECK_THROWS_WITH(pool.scatter(items), Contains("rank 0: no 2") && Contains("rank 1: no 4"));
            choosy::refused.clear();
        });
    CHECK(counted::alive() == 0);
}

TEST_CASE("a size beyond any memory is rejected") {
    const spmd::engine_pool pool = make_shuffled_pool(3, 1);
    CHECK_THROWS_AS(pool.scatter(std::views::iota(std::size_t{0}, ~std::size_t{0})), std::bad_alloc);
    CHECK_THROWS_AS(pool.scatter(std::views::iota(std::size_t{0}, ~std::size_t{0} / 9)), std::bad_alloc);
}

TEST_CASE("pieces created on a view belong to the engines of its ranks") {
    for_each_launcher(10, [](const spmd::engine_pool& pool) {
        const spmd::view odd = pool.on({9, 1, 5, 3});
        auto slices = odd.scatter(first_numbers(8));
        auto tags = odd.scatter(numbers{90, 10, 50, 30}, spmd::flatten);
        const auto sees = [](rank, std::span<std::size_t> mine, std::size_t& tag) {
            return mine.front() + tag;
        };
        CHECK(odd.broadcast(sees, slices, tags).get() == numbers{90, 12, 54, 36});
        CHECK(pool.on({1, 3}).broadcast(sees, slices, tags).get() == numbers{12, 36});
        CHECK(odd.on({3, 0}).broadcast(sees, slices, tags).get() == numbers{36, 90});
        CHECK(slices.size() == 8);
        CHECK(tags.size() == 4);
        CHECK(slices[5].size() == 2);
        CHECK(tags[9] == 90);

        CHECK(odd.gather(slices) == first_numbers(8));
        CHECK(pool.on({3, 9}).gather(slices) == numbers{0, 1, 6, 7});
        CHECK(odd.on({1}).gather(slices) == numbers{2, 3});
        CHECK(odd.gather(tags) == numbers{90, 10, 50, 30});
        CHECK(pool.on({5, 9}).pull(tags) == numbers{50, 90});
        CHECK(pool.on({5, 9}).pull(slices) == std::vector{numbers{4, 5}, numbers{0, 1}});
        const auto dealt = odd.scatter(first_numbers(9), spmd::cyclic);
        CHECK(odd.gather(dealt) == first_numbers(9));
        CHECK(pool.on({3, 9}).gather(dealt) == numbers{0, 3, 4, 7, 8});

        for (const auto& use : std::vector<std::function<void()>>{
                 [&] { pool.broadcast(size_of_slice, slices).get(); },
                 [&] { pool.broadcast(add_one, tags).get(); },
                 [&] { pool.on({1, 0}).broadcast(add_one, tags).get(); }, [&] { pool.gather(slices); },
                 [&] { pool.pull(tags); }, [&] { pool.push(tags, std::size_t{1}); },
                 [&] { pool.map(std::identity(), tags).get(); }, [&] { tags[0] = 1; },
                 [&] { slices[0] = {}; }}) {
            CHECK_THROWS_AS(use(), std::invalid_argument);
            CHECK_THROWS_WITH(use(), Contains("engine 0") && Contains("other ranks"));
        }
        CHECK_THROWS_WITH(tags[10], Contains("engine 10") && Contains("pool has 10"));
        auto copies = odd.replicate(3);
        CHECK(copies[3] == 3);
        CHECK_THROWS_WITH(copies[4], Contains("engine 4"));
    });
}

TEST_CASE("a handle that is empty, of another pool, or of a destroyed pool is rejected") {
    for (const pool_kind& kind : pool_kinds()) {
        INFO(kind.name << ", " << kind.threads << " threads");
        std::optional<spmd::engine_pool> own(kind.make(4));
        auto slices = own->scatter(first_numbers(8));
        auto objects = own->make_local<std::size_t>(std::size_t{0});
        auto copies = own->replicate(std::size_t{1});
        const auto check_refused = [&](const spmd::engine_pool& pool, const std::string& why) {
            const std::vector<std::function<void()>> uses{
                [&] { pool.broadcast(size_of_slice, slices).get(); },
                [&] { pool.on({1}).broadcast(size_of_slice, slices).get(); },
                [&] {
                    pool.broadcast([](rank, std::span<std::size_t>) -> spmd::task<> { co_return; }, slices)
                        .get();
                },
                [&] { pool.broadcast(add_one, objects).get(); },
                [&] { pool.broadcast([](rank, const std::size_t&) {}, copies).get(); },
                [&] { pool.map([](std::size_t item) { return item; }, slices).get(); },
                [&] { pool.map([](std::size_t item) { return item; }, objects).get(); },
                [&] {
                    pool.map([](int, std::size_t item) { return item; }, std::vector{1, 2}, copies).get();
                },
                [&] { pool.gather(slices); },
                [&] { pool.gather(std::move(objects)); },
                [&] { pool.pull(slices); },
                [&] { pool.push(objects, std::size_t{3}); },
                [&] { pool.push(objects, first_numbers(4), spmd::flatten); }};
            for (const auto& use : uses) {
                CHECK_THROWS_AS(use(), std::invalid_argument);
                CHECK_THROWS_WITH(use(), Contains(why));
            }
        };
        const spmd::engine_pool other = kind.make(4);
        check_refused(other, "belongs to another engine pool");
        CHECK(own->gather(slices) == first_numbers(8)); // unchanged

        // A view keeps the pool alive; a pool constructed at the address of a destroyed one is not mistaken
        // for it.
        std::optional<spmd::view> last(own->all());
        own.reset();
        CHECK(last->gather(slices) == first_numbers(8));
        last.reset();
        const spmd::engine_pool next = kind.make(4);
        check_refused(next, "outlived its engine pool");
        CHECK_THROWS_WITH(objects[0], Contains("outlived"));
        CHECK_THROWS_WITH(slices[0].size(), Contains("outlived"));
        CHECK_THROWS_WITH(copies[0], Contains("outlived"));
        CHECK(slices.size() == 8);

        const auto to_nowhere = std::tuple(std::move(slices), std::move(objects), std::move(copies));
        check_refused(next, "is empty");                                  // NOLINT(bugprone-use-after-move)
        CHECK_THROWS_WITH(slices.size(), Contains("scattered is empty")); // NOLINT(bugprone-use-after-move)
        CHECK_THROWS_WITH(objects.size(), Contains("local is empty"));    // NOLINT(bugprone-use-after-move)
        CHECK_THROWS_WITH(copies[0], Contains("replicated is empty"));    // NOLINT(bugprone-use-after-move)
        CHECK_THROWS_WITH(spmd::local<int>()[0], Contains("local is empty"));
    }
}

TEST_CASE("ranks keep their pieces across every wait") {
    for (const std::size_t ranks : all_ranks)
        for_each_launcher(ranks, [](const spmd::engine_pool& pool) {
            auto slices = pool.scatter(first_numbers(2 * pool.size()));
            auto totals = pool.make_local<std::size_t>(std::size_t{0});
            const auto scale = pool.replicate(std::size_t{3});
            // By reference, which a span of the table allows: it lives as long as the pieces.
            const auto sums = pool.broadcast(
                                      [](rank me, const auto& mine, std::size_t& total,
                                         const std::size_t& factor) -> spmd::task<std::size_t> {
                                          for (std::size_t& item : mine) {
                                              total += factor * item;
                                              item = co_await me.all_reduce(item, std::plus<>{});
                                          }
                                          co_await me.barrier();
                                          co_return co_await me.all_reduce(total, std::plus<>{});
                                      },
                                      slices, totals, scale)
                                  .get();
            const std::size_t n = 2 * pool.size();
            for (const std::size_t sum : sums) REQUIRE(sum == 3 * n * (n - 1) / 2);
            const std::size_t evens = pool.size() * (pool.size() - 1);
            for (std::size_t i = 0; i < n; ++i) REQUIRE(pool.gather(slices).size() == n);
            const auto after = pool.gather(slices);
            for (std::size_t i = 0; i < n; i += 2)
                REQUIRE((after[i] == evens && after[i + 1] == evens + pool.size()));

            const auto& frozen = slices;
            const auto lengths =
                pool.broadcast(
                        [](rank me, const auto& mine) -> spmd::task<std::size_t> {
                            static_assert(
                                std::is_same_v<decltype(mine), const std::span<const std::size_t>&>);
                            co_await me.barrier();
                            co_return mine.size();
                        },
                        frozen)
                    .get();
            for (const std::size_t length : lengths) REQUIRE(length == 2);
        });
    for_each_launcher(8, [](const spmd::engine_pool& pool) {
        auto tags = pool.scatter(first_numbers(8), spmd::flatten);
        const auto seen = pool.on({6, 1, 3})
                              .broadcast(
                                  [](rank me, std::size_t& mine) -> spmd::task<std::size_t> {
                                      const rank pair = co_await me.split(me.id() / 2);
                                      co_await pair.barrier();
                                      co_return mine;
                                  },
                                  tags)
                              .get();
        CHECK(seen == numbers{6, 1, 3});
    });
}

TEST_CASE("a handle may be destroyed while a broadcast uses its pieces") {
    for (const std::size_t threads : swept_threads())
        for_each_concurrent_pool(6, threads, [](const spmd::engine_pool& pool) {
            counted::reset();
            gate go_on;
            {
                std::optional<spmd::local<counted>> objects(pool.make_local<counted>(std::size_t{4}));
                std::optional<spmd::scattered<counted>> slices(pool.scatter(first_counted(12)));
                auto sums = pool.broadcast(
                                    [&](rank me, counted& mine, std::span<counted> slice) {
                                        go_on.wait(me);
                                        mine.value += slice[1].value;
                                        return mine.value;
                                    },
                                    *objects, *slices)
                                .start();
                auto ids = pool.broadcast(
                                   [&](rank me, counted& mine) -> spmd::task<std::size_t> {
                                       co_await me.barrier();
                                       go_on.wait(me);
                                       co_return mine.value - mine.value + me.id();
                                   },
                                   pool.make_local<counted>(std::size_t{1}))
                               .start();
                auto doubled = pool.map([&](counted& item) { return 2 * item.value; }, *slices).start();
                objects.reset();
                slices.reset();
                CHECK(counted::alive() == 6 + 12 + 6);
                go_on.open();
                CHECK(sums.get() == numbers{5, 7, 9, 11, 13, 15});
                CHECK(ids.get() == first_numbers(6));
                CHECK(doubled.get().back() == 22);
            }
            CHECK(counted::alive() == 0);
        });
}

TEST_CASE("a dropped broadcast releases the pieces") {
    for_each_launcher(6, [](const spmd::engine_pool& pool) {
        counted::reset();
        {
            auto dropped = pool.broadcast([](rank, counted& mine) { ++mine.value; },
                                          pool.make_local<counted>(std::size_t{4}))
                               .start();
        }
        CHECK(counted::alive() == 0);
    });
}

TEST_CASE("several broadcasts may use one handle at once") {
    for_each_concurrent_pool(20, 2, [](const spmd::engine_pool& pool) {
        auto counters = pool.make_local<std::atomic<int>>(0);
        const auto items = pool.scatter(first_numbers(200));
        const auto count = [](rank, std::atomic<int>& mine, std::span<const std::size_t> slice) {
            mine += static_cast<int>(slice.size());
        };
        {
            std::vector<std::jthread> callers;
            for (int i = 0; i < 3; ++i)
                callers.emplace_back([&] {
                    for (int k = 0; k < 20; ++k) pool.broadcast(count, counters, items).get();
                });
        }
        for (std::size_t id = 0; id < 20; ++id) CHECK(counters[id] == 600);
    });
}

TEST_CASE("a map over a scattered visits all items, in order") {
    for (const std::size_t ranks : all_ranks)
        for_each_launcher(ranks, [](const spmd::engine_pool& pool) {
            const auto square = [](std::size_t item) { return item * item; };
            for (const std::size_t count : {std::size_t{0}, std::size_t{1}, 3 * pool.size() + 1}) {
                const numbers items = first_numbers(count);
                const numbers expected = pool.map(square, items).get();
                CHECK(pool.map(square, pool.scatter(items)).get() == expected);
                CHECK(pool.map(square, pool.scatter(items, spmd::block)).get() == expected);
                CHECK(pool.map(square, pool.scatter(items, spmd::cyclic)).get() == expected);
                CHECK(pool.map(square, pool.scatter(items, ramp_for(count, pool.size()))).get() == expected);
                CHECK(pool.on({0}).map(square, pool.scatter(items)).get() == expected);
                const auto slices = pool.scatter(items);
                const auto sum = [](const std::size_t& a, std::size_t& b, const std::size_t& c) {
                    return a + b + c;
                };
                auto others = pool.scatter(items, spmd::cyclic);
                auto sums = pool.map(sum, slices, others, pool.replicate(std::size_t{1})).get();
                for (std::size_t i = 0; i < count; ++i) REQUIRE(sums[i] == 2 * i + 1);
                CHECK(pool.with({.chunk = spmd::automatic}).map(square, slices).get() == expected);
            }
        });
    const spmd::engine_pool pool = make_shuffled_pool(4, 1);
    const auto slices = pool.scatter(first_numbers(6));
    const auto add = [](std::size_t a, std::size_t b) { return a + b; };
    CHECK_THROWS_WITH(pool.map(add, slices, first_numbers(7)).start(), Contains("6 and 7"));
}

TEST_CASE("a map over a local visits the objects, by rank of the view") {
    for_each_launcher(10, [](const spmd::engine_pool& pool) {
        auto tags = pool.scatter(first_numbers(10), spmd::flatten);
        CHECK(pool.map([](std::size_t& tag) { return tag++; }, tags).get() == first_numbers(10));
        CHECK(pool.on({7, 2, 4}).map([](std::size_t tag) { return tag; }, tags).get() == numbers{8, 3, 5});
        CHECK(pool.on({7, 2})
                  .map([](std::size_t tag, int i) { return tag + static_cast<std::size_t>(i); }, tags,
                       std::vector{10, 20})
                  .get() == numbers{18, 23});
    });
}

TEST_CASE("a map's items run in the arenas of their owners") {
    const spmd::engine_pool pool = make_jthread_pool(8, {2, 1, 1});
    const numbers arena_of{0, 0, 0, 0, 1, 1, 2, 2};
    const auto here = [](std::size_t&) { return jthread_launcher::arena_of_this_thread(); };
    const auto without_help = [](auto& result) {
        REQUIRE(eventually([&] { return result.ready(); }));
        return result.get();
    };
    auto slices = pool.scatter(first_numbers(24));
    auto of_slices = pool.map(here, slices).start();
    const numbers arenas = without_help(of_slices);
    for (std::size_t i = 0; i < 24; ++i) CHECK(arenas[i] == arena_of[i / 3]);

    auto reversed = pool.on({7, 5, 3}).scatter(first_numbers(6));
    auto of_reversed = pool.map(here, reversed).start();
    CHECK(without_help(of_reversed) == numbers{2, 2, 1, 1, 0, 0});
    auto tags = pool.scatter(first_numbers(8), spmd::flatten);
    auto of_tags = pool.on({6, 0, 4}).map(here, tags).start();
    CHECK(without_help(of_tags) == numbers{2, 0, 1});

    const auto copied_in = [](std::size_t&, const counted& copy) { return copy.arena; };
    const auto copies = pool.replicate(counted(1));
    CHECK(pool.map(copied_in, slices, copies).get() == arenas);
    const auto of_some = pool.on({1, 6}).replicate(counted(1));
    CHECK_THROWS_WITH(pool.map(copied_in, slices, of_some).get(), Contains("arena 1 has no copy"));
    CHECK(pool.map(copied_in, pool.on({0, 7}).scatter(first_numbers(2)), of_some).get() == numbers{0, 2});
}

TEST_CASE("gather copies from a handle, and moves from a temporary one") {
    for_each_launcher(7, [](const spmd::engine_pool& pool) {
        auto items = pool.scatter(first_counted(30));
        auto dealt = pool.scatter(first_counted(30), spmd::cyclic);
        auto objects = pool.make_local<counted>(std::size_t{2});
        counted::reset();
        CHECK(pool.gather(items) == pool.gather(dealt));
        CHECK(counted::copied == 60);
        CHECK(pool.gather(objects).size() == 7);
        CHECK(counted::copied == 67);
        CHECK(pool.gather(std::move(items)) == pool.gather(std::move(dealt)));
        CHECK(pool.on({1, 2}).gather(std::move(objects)).size() == 2);
        CHECK(counted::copied == 67);
        CHECK(objects[0].value == 2); // NOLINT(bugprone-use-after-move): only the view's objects were moved
        CHECK(objects[1].value == counted::gone);
    });
}

TEST_CASE("gather returns items in order on every view, also items whose copy may throw") {
    for_each_launcher(7, [](const spmd::engine_pool& pool) {
        std::vector<std::string> names;
        for (std::size_t i = 0; i < 40; ++i)
            names.push_back("a name too long to be small, " + std::to_string(i));
        const auto dealt = pool.on({6, 1, 2}).scatter(std::span(names).first(15), spmd::cyclic);
        CHECK(pool.on({1, 2, 6}).gather(dealt) == std::vector(names.begin(), names.begin() + 15));
        CHECK(pool.on({6}).gather(dealt) == std::vector{names[0], names[3], names[6], names[9], names[12]});
        CHECK(pool.on({2, 6}).gather(dealt).size() == 10);
        CHECK(pool.on({2, 6}).gather(dealt)[3] == names[5]);

        const auto bits = pool.scatter(std::vector<bool>{true, false, false, true, true}, spmd::cyclic);
        CHECK(pool.gather(bits) == std::deque<bool>{true, false, false, true, true});
        CHECK(pool.on({3, 1}).gather(bits) == std::deque<bool>{false, true});
    });
}

TEST_CASE("large cyclic slices are gathered in order, on all threads") {
    for_each_launcher(5, [](const spmd::engine_pool& pool) {
        const numbers items = first_numbers(100'001);
        CHECK(pool.gather(pool.scatter(items, spmd::cyclic)) == items);
    });
}

TEST_CASE("non-assignable items are scattered and gathered") {
    const spmd::engine_pool pool = make_shuffled_pool(3, 1);
    const std::map<int, std::string> ages{{1, "one"}, {2, "two"}, {5, "five"}, {7, "seven"}};
    const auto pairs = pool.scatter(ages);
    CHECK(std::ranges::equal(pool.gather(pairs), ages));
    CHECK(std::ranges::equal(pool.gather(pool.scatter(ages, spmd::cyclic)), ages));
}

TEST_CASE("a gather whose items cannot be copied names their ranks") {
    for_each_launcher(4, [](const spmd::engine_pool& pool) {
        counted::reset();
        choosy::refused.clear();
        {
            std::vector<choosy> items;
            for (std::size_t i = 0; i < 8; ++i) items.emplace_back(i);
            const auto slices = pool.scatter(items);
            const auto dealt = pool.scatter(items, spmd::cyclic);
            const long before = counted::alive();
            choosy::refused = {2, 7};
            CHECK(failed_ranks([&] { pool.gather(slices); }) == numbers{1, 3});
            CHECK(failed_ranks([&] { pool.gather(dealt); }) == numbers{2, 3});
            CHECK(failed_ranks([&] { pool.on({3, 0, 1}).gather(slices); }) == numbers{0, 2});
            CHECK(failed_ranks([&] { pool.pull(slices); }) == numbers{1, 3});
            CHECK(counted::alive() == before);
            choosy::refused.clear();
        }
        CHECK(counted::alive() == 0);
    });
}

TEST_CASE("push assigns one value to all ranks of the view, or one value to each") {
    for_each_launcher(6, [](const spmd::engine_pool& pool) {
        auto names = pool.make_local<std::string>("nobody");
        pool.push(names, "all");
        CHECK(pool.pull(names) == std::vector<std::string>(6, "all"));
        pool.on({1, 4}).push(names, std::string("some"));
        CHECK(pool.pull(names) == std::vector<std::string>{"all", "some", "all", "all", "some", "all"});
        std::vector<std::string> two{"a name too long to be small, one", "a name too long to be small, two"};
        pool.on({5, 0}).push(names, two, spmd::flatten);
        CHECK(two.front().size() == 32);
        CHECK(names[5] == two.front());
        pool.on({3, 2}).push(names, std::move(two), spmd::flatten);
        CHECK(two.front().empty()); // NOLINT(bugprone-use-after-move)
        CHECK(names[2] == names[0]);
        CHECK_THROWS_WITH(pool.push(names, std::vector<std::string>(5), spmd::flatten),
                          Catch::Matches("push .* one value .* rank: 5 .*for 6.*"));

        choosy::refused.clear();
        auto picky = pool.make_local<choosy>(std::size_t{1});
        const std::vector<choosy> values = [] {
            std::vector<choosy> all;
            for (std::size_t i = 0; i < 6; ++i) all.emplace_back(i);
            return all;
        }();
        choosy::refused = {2, 3};
        CHECK(failed_ranks([&] { pool.push(picky, values, spmd::flatten); }) == numbers{2, 3});
        CHECK(picky[4].value == 4);
        CHECK(picky[2].value == 1);
        choosy::refused.clear();
    });
}
