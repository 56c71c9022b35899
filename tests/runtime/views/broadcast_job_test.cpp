// Guards the broadcast against results out of rank order for some completion order, a rank that runs twice or
// never, and result types that are constructed or destroyed once too often, copied, packed, or required to
// have a default.

#include "support/pools.hpp"

#include <spmd/spmd.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <functional>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace test_support;
using spmd::rank;

// Counts its objects; constructions of all kinds and destructions must balance.
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
    counted(counted&& other) noexcept : value(std::exchange(other.value, 0)) { ++constructed; }
    counted& operator=(const counted&) = default;
    counted& operator=(counted&&) = default;
    ~counted() { ++destroyed; }

    std::size_t value;
};

struct without_default {
    explicit without_default(std::size_t v) : value(v) {}
    bool operator==(const without_default&) const = default;
    const std::size_t value; // and not assignable
};

std::vector<std::size_t> first_numbers(std::size_t count) {
    std::vector<std::size_t> numbers(count);
    std::iota(numbers.begin(), numbers.end(), std::size_t{0});
    return numbers;
}

// Spends a different time on each rank.
void work_unevenly(std::size_t id) {
    volatile std::size_t sink = 0;
    const std::size_t steps = id % 7 == 0 ? 3000 : id % 3;
    for (std::size_t i = 0; i < steps; ++i) sink = sink + i;
}

const auto changing = [n = 0](rank) mutable { return ++n; };
const auto unchanging = [](rank me) { return me.id(); };
static_assert(spmd::rank_task<decltype(unchanging)>);
static_assert(!spmd::rank_task<decltype(changing)>, "one copy serves all ranks at the same time");
static_assert(!spmd::rank_task<void (*)()>);
static_assert(!spmd::rank_task<decltype([](rank, std::string&) {}), std::string>, "arguments are shared");
static_assert(spmd::rank_task<decltype([](rank, const std::string&) {}), std::string>);
static_assert(spmd::rank_task<decltype([](rank, std::string&) {}), std::reference_wrapper<std::string>>);

} // namespace

TEST_CASE("results are ordered by rank id, for every launcher, number of threads and ranks") {
    for_each_pool([](const spmd::engine_pool& pool) {
        const auto squares = pool.broadcast([](rank me) { return me.id() * me.id() + me.size(); }).get();
        REQUIRE(squares.size() == pool.size());
        for (std::size_t id = 0; id < squares.size(); ++id) REQUIRE(squares[id] == id * id + pool.size());
    });
}

TEST_CASE("the task runs exactly once per rank") {
    for_each_pool([](const spmd::engine_pool& pool) {
        std::vector<std::atomic<int>> runs(pool.size());
        pool.broadcast([&](rank me) { ++runs[me.id()]; }).get();
        REQUIRE(std::ranges::all_of(runs, [](const auto& ran) { return ran == 1; }));
        auto unjoined = pool.broadcast([&](rank me) { ++runs[me.id()]; }).start();
        REQUIRE(eventually([&] { return unjoined.ready(); }));
        REQUIRE(std::ranges::all_of(runs, [](const auto& ran) { return ran == 2; }));
    });
}

TEST_CASE("uneven ranks yield the same results") {
    for_each_pool([](const spmd::engine_pool& pool) {
        for (int round = 0; round < 5; ++round) {
            auto ids = pool.broadcast([](rank me) {
                               work_unevenly(me.id());
                               return me.id();
                           })
                           .start();
            REQUIRE(ids.get() == first_numbers(pool.size()));
        }
    });
}

TEST_CASE("results may be of many types") {
    for_each_launcher(50, [](const spmd::engine_pool& pool) {
        {
            INFO("none");
            static_assert(std::is_void_v<decltype(pool.broadcast([](rank) {}).get())>);
            std::atomic<std::size_t> runs{0};
            pool.broadcast([&](rank) { ++runs; }).get();
            CHECK(runs == 50);
        }
        {
            INFO("only movable");
            auto owners =
                pool.broadcast([](rank me) { return std::make_unique<std::size_t>(me.id()); }).get();
            static_assert(std::is_same_v<decltype(owners), std::vector<std::unique_ptr<std::size_t>>>);
            for (std::size_t id = 0; id < 50; ++id) REQUIRE(*owners.at(id) == id);
        }
        {
            INFO("neither default-constructible nor assignable");
            auto values = pool.broadcast([](rank me) { return without_default(me.id()); }).get();
            for (std::size_t id = 0; id < 50; ++id) REQUIRE(values.at(id).value == id);
        }
        {
            INFO("bool, each an object of its own");
            auto flags = pool.broadcast([](rank me) { return me.id() % 3 == 0; }).get();
            static_assert(std::is_same_v<decltype(flags[0]), bool&>);
            REQUIRE(flags.size() == 50);
            for (std::size_t id = 0; id < 50; ++id) REQUIRE(flags[id] == (id % 3 == 0));
            std::vector<bool*> addresses;
            for (bool& flag : flags) addresses.push_back(&flag);
            std::ranges::sort(addresses);
            CHECK(std::ranges::adjacent_find(addresses) == addresses.end());
        }
        {
            INFO("references become values");
            const std::string shared = "one";
            auto copies = pool.broadcast([&](rank) -> const std::string& { return shared; }).get();
            static_assert(std::is_same_v<decltype(copies), std::vector<std::string>>);
            for (const std::string& copy : copies) REQUIRE((copy == "one" && &copy != &shared));
        }
        {
            INFO("exceptions, as values");
            auto errors = pool.broadcast([](rank) { return std::make_exception_ptr(1); }).get();
            CHECK(errors.size() == 50);
        }
        {
            INFO("large");
            auto blocks = pool.broadcast([](rank me) {
                                  std::array<std::size_t, 500> block{};
                                  block.fill(me.id());
                                  return block;
                              })
                              .get();
            for (std::size_t id = 0; id < 50; ++id) REQUIRE((blocks[id][0] == id && blocks[id][499] == id));
        }
    });
}

TEST_CASE("every constructed result is destroyed exactly once") {
    struct fate {
        const char* name;
        void (*use)(const spmd::engine_pool&);
    };
    const auto number = [](rank me) { return counted(me.id() + 1); };
    static constexpr auto number_or_throw = [](rank me) {
        if (me.id() % 5 == 3) throw std::runtime_error("five");
        return counted(me.id() + 1);
    };
    static const auto number_of = number;
    const fate fates[] = {
        {"got",
         [](const spmd::engine_pool& pool) {
             auto all = pool.broadcast(number_of).get();
             for (std::size_t id = 0; id < all.size(); ++id) REQUIRE(all[id].value == id + 1);
         }},
        {"not asked for",
         [](const spmd::engine_pool& pool) { auto dropped = pool.broadcast(number_of).start(); }},
        {"waited for and not asked for",
         [](const spmd::engine_pool& pool) { pool.broadcast(number_of).wait(); }},
        {"cancelled",
         [](const spmd::engine_pool& pool) {
             auto result = pool.broadcast(number_of).start();
             result.cancel();
             result.wait();
         }},
        {"some throw",
         [](const spmd::engine_pool& pool) {
             auto result = pool.broadcast(number_or_throw).start();
             if (pool.size() > 3) REQUIRE_THROWS_AS(result.get(), spmd::composite_error);
         }},
        {"some throw and the others are taken",
         [](const spmd::engine_pool& pool) {
             auto all = pool.broadcast(number_or_throw).outcomes();
             for (std::size_t id = 0; id < all.size(); ++id) REQUIRE(all[id].has_value() == (id % 5 != 3));
         }},
        {"some throw and stop the others",
         [](const spmd::engine_pool& pool) {
             auto result = pool.with({.on_error = spmd::on_error::stop}).broadcast(number_or_throw).start();
             result.wait();
         }},
        {"half of them looked at in order",
         [](const spmd::engine_pool& pool) {
             auto result = pool.broadcast(number_of).start();
             std::size_t seen = 0;
             for (const counted& each : result.in_order()) {
                 REQUIRE(each.value == ++seen);
                 if (seen == pool.size() / 2) break;
             }
         }},
        {"moved out in order",
         [](const spmd::engine_pool& pool) {
             for (counted& each : pool.broadcast(number_of).in_order()) const counted mine = std::move(each);
         }},
        {"reduced",
         [](const spmd::engine_pool& pool) {
             const counted sum = pool.broadcast(number_of).reduce(
                 [](counted a, const counted& b) { return counted(a.value + b.value); });
             REQUIRE(sum.value == pool.size() * (pool.size() + 1) / 2);
         }},
        {"assigned over",
         [](const spmd::engine_pool& pool) {
             auto result = pool.broadcast(number_of).start();
             result = pool.broadcast(number_of).start();
             REQUIRE(result.get().size() == pool.size());
         }},
        {"results of ranges, concatenated",
         [](const spmd::engine_pool& pool) {
             auto all = pool.broadcast([](rank me) {
                                std::vector<counted> mine;
                                for (std::size_t i = 0; i < me.id() % 4; ++i) mine.emplace_back(me.id());
                                return mine;
                            })
                            .concat();
             REQUIRE(all.size() == pool.broadcast([](rank me) { return me.id() % 4; }).reduce(std::plus<>{}));
         }},
    };
    for (const fate& each : fates) {
        for_each_launcher(23, [&](const spmd::engine_pool& pool) {
            counted::reset();
            each.use(pool);
            INFO(each.name);
            REQUIRE(counted::alive() == 0);
            REQUIRE(counted::copied == 0);
            REQUIRE(counted::constructed >= 0);
        });
    }
}

TEST_CASE("arguments are copied once, for any number of ranks") {
    for_each_launcher(40, [](const spmd::engine_pool& pool) {
        counted::reset();
        {
            const counted mine(5);
            auto addresses =
                pool.broadcast(
                        [](rank, const counted& shared, int offset) {
                            return std::pair(&shared, shared.value + static_cast<std::size_t>(offset));
                        },
                        mine, 3)
                    .get();
            CHECK(counted::copied == 1);
            for (const auto& [address, sum] : addresses) {
                REQUIRE(sum == 8);
                REQUIRE(address == addresses.front().first);
                REQUIRE(address != &mine);
            }
        }
        CHECK(counted::alive() == 0);
        counted::reset();
        {
            counted given(6);
            pool.broadcast([](rank, const counted& shared) { return shared.value; }, std::move(given)).get();
            CHECK(counted::copied == 0);
            auto owner = std::make_unique<std::size_t>(9);
            const auto nines =
                pool.broadcast([](rank, const std::unique_ptr<std::size_t>& nine) { return *nine; },
                               std::move(owner))
                    .get();
            CHECK(nines == std::vector<std::size_t>(40, 9));
        }
        CHECK(counted::alive() == 0);
        std::atomic<std::size_t> sum{0};
        pool.broadcast([](rank me, std::atomic<std::size_t>& total) { total += me.id(); }, std::ref(sum))
            .get();
        CHECK(sum == 40 * 39 / 2);
    });
}

TEST_CASE("a task passed as an lvalue is copied once, a moved one never") {
    for_each_launcher(40, [](const spmd::engine_pool& pool) {
        counted::reset();
        {
            const auto task = [mine = counted(1)](rank) { return mine.value; };
            CHECK(pool.broadcast(task).reduce(std::plus<>{}) == 40);
            CHECK(counted::copied == 1);
            CHECK(pool.broadcast([owned = std::make_unique<int>(2)](rank) { return *owned; })
                      .reduce(std::plus<>{}) == 80);
        }
        CHECK(counted::alive() == 0);
    });
}

TEST_CASE("captures and arguments live until the result's destructor, and no longer") {
    for_each_pool([](const spmd::engine_pool& pool) {
        const auto captured = std::make_shared<int>(1);
        const auto argument = std::make_shared<int>(2);
        {
            auto result =
                pool.broadcast([captured](rank, const std::shared_ptr<int>& two) { return *captured + *two; },
                               argument)
                    .start();
            result.wait();
            CHECK(captured.use_count() == 2);
            CHECK(argument.use_count() == 2);
        }
        REQUIRE(captured.use_count() == 1);
        REQUIRE(argument.use_count() == 1);
        {
            auto dropped = pool.broadcast([captured](rank) { return *captured; }).start();
        }
        REQUIRE(captured.use_count() == 1);
        auto moved = pool.broadcast([captured](rank) { return *captured; }).start();
        moved = {};
        REQUIRE(captured.use_count() == 1);
    });
}

TEST_CASE("a started task runs although nobody waits for it") {
    for_each_concurrent_pool(3, 2, [](const spmd::engine_pool& pool) {
        std::atomic<std::size_t> runs{0};
        auto result = pool.broadcast([&](rank) { ++runs; }).start();
        CHECK(eventually([&] { return runs == 3; })); // `result` is untouched
        auto with_argument = pool.broadcast([&](rank, std::size_t n) { runs += n; }, std::size_t{10}).start();
        CHECK(eventually([&] { return runs == 33; }));
        auto mapped =
            pool.map([&](int n) { runs += static_cast<std::size_t>(n); }, std::vector{100, 200}).start();
        CHECK(eventually([&] { return runs == 333; }));
        auto ordered = pool.all().broadcast([&](rank) { ++runs; }).start();
        CHECK(eventually([&] { return runs == 336; }));
    });
}

TEST_CASE("1,000 random completion orders yield the same results") {
    const auto squares = [](rank me) { return me.id() * me.id(); };
    const auto repeated = [](rank me) { return std::vector<std::size_t>(me.id() % 5, me.id()); };
    const auto letter = [](rank me) { return std::string(1, static_cast<char>('a' + me.id() % 26)); };
    std::vector<std::size_t> expected_squares;
    std::vector<std::size_t> expected_flat;
    std::string expected_text;
    for (std::size_t id = 0; id < 41; ++id) {
        expected_squares.push_back(id * id);
        for (std::size_t i = 0; i < id % 5; ++i) expected_flat.push_back(id);
        expected_text += static_cast<char>('a' + id % 26);
    }
    for (std::uint64_t seed = 0; seed < 1000; ++seed) {
        INFO("seed " << seed);
        const spmd::engine_pool pool = make_shuffled_pool(41, seed);
        REQUIRE(pool.broadcast(squares).get() == expected_squares);
        REQUIRE(pool.broadcast(repeated).concat() == expected_flat);
        REQUIRE(pool.broadcast(letter).reduce(std::plus<>{}) == expected_text);
        std::vector<std::size_t> in_order;
        for (const std::size_t square : pool.broadcast(squares).in_order()) in_order.push_back(square);
        REQUIRE(in_order == expected_squares);
    }
}

TEST_CASE("all 720 completion orders of 6 ranks yield the same results") {
    std::vector<std::size_t> order = first_numbers(6);
    std::size_t orders = 0;
    do {
        INFO("order " << Catch::Detail::stringify(order));
        const auto pool = spmd::detail::pool_maker::make(6, std::make_unique<shuffled_launcher>(order));
        std::vector<std::size_t> ran;
        auto result = pool.broadcast([&](rank me) {
                              ran.push_back(me.id());
                              return std::vector<std::size_t>(me.id() + 1, me.id());
                          })
                          .start();
        REQUIRE(ran == order); // the launcher produces the order under test
        std::vector<std::size_t> in_order;
        for (const auto& part : result.in_order()) in_order.push_back(part.size());
        REQUIRE(in_order == std::vector<std::size_t>{1, 2, 3, 4, 5, 6});
        REQUIRE(pool.broadcast([](rank me) { return me.id(); }).get() == first_numbers(6));
        const auto flat =
            pool.broadcast([](rank me) { return std::vector<std::size_t>(me.id() % 3, me.id()); }).concat();
        REQUIRE(flat == std::vector<std::size_t>{1, 2, 2, 4, 5, 5});
        ++orders;
    } while (std::ranges::next_permutation(order).found);
    CHECK(orders == 720);
}

TEST_CASE("ranks that share a completion record are still distinguished") {
    constexpr std::size_t ranks = 20'011;
    for_each_launcher(ranks, [&](const spmd::engine_pool& pool) {
        auto result = pool.broadcast([](rank me) {
                              if (me.id() % 1000 == 7) throw std::runtime_error("boom");
                              return me.id();
                          })
                          .start();
        std::size_t id = 0;
        std::size_t wrong = 0;
        auto in_order = result.in_order();
        for (auto next = in_order.begin(); next != in_order.end(); ++next, ++id) {
            try {
                if (*next != id || id % 1000 == 7) ++wrong;
            } catch (const spmd::composite_error& error) {
                if (id % 1000 != 7 || error.failures().front().index != id) ++wrong;
            }
        }
        CHECK(id == ranks);
        CHECK(wrong == 0);
        CHECK(result.progress().done == ranks);

        const auto outcomes = pool.broadcast([](rank me) {
                                      if (me.id() % 1000 == 7) throw std::runtime_error("boom");
                                      return me.id();
                                  })
                                  .outcomes();
        for (std::size_t i = 0; i < ranks; ++i)
            if (outcomes[i].has_value() != (i % 1000 != 7)) ++wrong;
        CHECK(wrong == 0);
    });
}

TEST_CASE("a task may have any number of arguments, and all ranks see one copy of them") {
    for_each_launcher(3, [](const spmd::engine_pool& pool) {
        const auto sum = [](rank me, const auto&... args) { return (me.id() + ... + args); };
        const std::size_t one = 1;
        using sums = std::vector<std::size_t>;
        CHECK(pool.broadcast(sum, one).get() == sums{1, 2, 3});
        CHECK(pool.broadcast(sum, one, one).get() == sums{2, 3, 4});
        CHECK(pool.broadcast(sum, one, one, one).get() == sums{3, 4, 5});
        CHECK(pool.broadcast(sum, one, one, one, one).get() == sums{4, 5, 6});
        CHECK(pool.broadcast(sum, one, one, one, one, one).get() == sums{5, 6, 7});
        CHECK(pool.broadcast(sum, one, one, one, one, one, one).get() == sums{6, 7, 8});
        auto under_way = pool.on({1, 2}).broadcast(sum, one, one).start();
        CHECK(under_way.get() == sums{2, 3});
        auto of_five = pool.on({1, 2}).broadcast(sum, one, one, one, one, one).start();
        CHECK(of_five.get() == sums{5, 6});
    });
    // A submission that is not joined starts at the end of its statement.
    for_each_concurrent_pool(3, 2, [](const spmd::engine_pool& pool) {
        auto unjoined = pool.broadcast([](rank, int a, int b) { return a + b; }, 1, 2).start();
        CHECK(eventually([&] { return unjoined.ready(); }));
    });
}
