// Guards coroutine ranks and their helpers: results and exceptions lost on their way through the levels;
// frames, captures, arguments, locals and results destroyed twice or never, however a rank ends, in every
// form of expression that task.hpp calls safe with GCC 12; stacks that grow with the number of awaits; and
// every promise of async_result and rank while ranks wait for each other.

#include "support/checks.hpp"
#include "support/pools.hpp"

#include <spmd/spmd.hpp>

#include <catch2/catch.hpp>

#ifndef SPMD_TEST_WITHOUT_TBB
#include <oneapi/tbb/parallel_for.h>
#endif

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <numeric>
#include <optional>
#include <source_location>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace test_support;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using spmd::rank;
using spmd::task;

std::size_t sum_below(std::size_t n) { return n * (n - 1) / 2; }

template <class Values>
bool all_true(const Values& values) {
    return std::ranges::all_of(values, [](bool each) { return each; });
}

// A value that knows whether it is alive, and counts the live ones.
class counted {
public:
    counted() : counted(0) {}
    explicit counted(long value) : value_(value) { ++living_; }
    counted(const counted& other) : value_(other.value()) { ++living_; }
    counted(counted&& other) noexcept : value_(other.value()) { ++living_; }
    counted& operator=(const counted& other) {
        value_ = other.value();
        static_cast<void>(value());
        return *this;
    }
    ~counted() {
        if (std::exchange(mark_, 0) != alive) ++wrong_;
        --living_;
    }

    long value() const noexcept {
        if (mark_ != alive) ++wrong_;
        return value_;
    }
    friend counted operator+(const counted& a, const counted& b) { return counted(a.value() + b.value()); }

    // No object is alive, and none was used or destroyed after its end.
    static bool all_gone() { return living_ == 0 && wrong_ == 0; }
    static long living() { return living_; }
    static void forget() { living_ = wrong_ = 0; }

private:
    static constexpr unsigned alive = 0x5eedbed5;
    static inline std::atomic<long> living_{0};
    static inline std::atomic<long> wrong_{0};
    volatile unsigned mark_ = alive;
    long value_;
};

// Checks at the end of a test that all objects are gone, and resets the counters.
class all_counted {
public:
    all_counted() { counted::forget(); }
    all_counted(const all_counted&) = delete;
    all_counted& operator=(const all_counted&) = delete;
    ~all_counted() { CHECK(counted::all_gone()); }
};

} // namespace

TEST_CASE("coroutines return nothing, values, objects, and move-only results") {
    for_each_pool([](const spmd::engine_pool& pool) {
        std::atomic<std::size_t> ran{0};
        pool.broadcast([&](rank me) -> task<> {
                co_await me.barrier();
                ++ran;
            })
            .get();
        CHECK(ran == pool.size());

        const auto ids = pool.broadcast([](rank me) -> task<std::size_t> {
                                 co_await me.barrier();
                                 co_return me.id();
                             })
                             .get();
        const auto names =
            pool.broadcast([](rank me) -> task<std::string> { co_return std::to_string(me.id()); }).get();
        const auto odd = pool.broadcast([](rank me) -> task<bool> { co_return me.id() % 2 == 1; }).get();
        const auto owned = pool.broadcast([](rank me) -> task<std::unique_ptr<std::size_t>> {
                                   auto mine = std::make_unique<std::size_t>(me.id());
                                   co_await me.barrier();
                                   co_return mine;
                               })
                               .get();
        for (std::size_t id = 0; id < pool.size(); ++id) {
            REQUIRE(ids[id] == id);
            REQUIRE(names[id] == std::to_string(id));
            REQUIRE(odd[id] == (id % 2 == 1));
            REQUIRE(*owned[id] == id);
        }
    });
}

namespace {

task<std::size_t> add_up(rank me, std::size_t mine) { co_return co_await me.all_reduce(mine, std::plus<>{}); }

task<std::size_t> add_up_at(rank me, int depth) {
    if (depth == 0) co_return co_await add_up(me, me.id());
    const std::size_t sum = co_await add_up_at(me, depth - 1);
    co_await me.barrier();
    co_return sum + 1;
}

// Not a coroutine itself.
task<std::size_t> hand_on(rank me) { return add_up(me, 2); }

} // namespace

TEST_CASE("helpers several levels deep meet their peers, and so do functions that return another's task") {
    for_each_pool([](const spmd::engine_pool& pool) {
        constexpr int depth = 12;
        const auto sums = pool.broadcast([](rank me) -> task<std::size_t> {
                                  const std::size_t deep = co_await add_up_at(me, depth);
                                  co_return deep + co_await hand_on(me);
                              })
                              .get();
        for (const std::size_t sum : sums) REQUIRE(sum == sum_below(pool.size()) + depth + 2 * pool.size());
        CHECK(pool.broadcast(hand_on).get() == std::vector(pool.size(), 2 * pool.size()));
    });
}

namespace {

struct level_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Throws at the bottom; every level catches and rethrows with its mark.
task<counted> fall(rank me, int depth, counted mine) {
    const counted local(depth);
    co_await me.barrier();
    if (depth == 0) throw level_error("0");
    std::string caught;
    try {
        const counted never = co_await fall(me, depth - 1, local + mine);
    } catch (const level_error& error) {
        caught = error.what();
    }
    co_await me.barrier(); // continues after the catch
    caught += std::to_string(depth);
    throw level_error(caught);
}

task<> fall_through(rank me, int depth) {
    const counted local(depth);
    co_await me.barrier();
    if (depth == 0) throw level_error("bottom");
    co_await fall_through(me, depth - 1);
}

} // namespace

TEST_CASE("an exception passes through every level, can be caught at each, and the ranks go on") {
    const all_counted check;
    for_each_pool([](const spmd::engine_pool& pool) {
        const auto found_right = pool.broadcast([](rank me) -> task<bool> {
                                         std::string trail;
                                         try {
                                             const counted never = co_await fall(me, 5, counted(3));
                                         } catch (const level_error& error) {
                                             trail = error.what();
                                         }
                                         co_await me.barrier();
                                         bool through = false;
                                         try {
                                             co_await fall_through(me, 9);
                                         } catch (const level_error& error) {
                                             through = error.what() == std::string("bottom");
                                         }
                                         const auto all =
                                             co_await me.all_reduce(through, std::logical_and<>{});
                                         co_return all&& trail == "012345";
                                     })
                                     .get();
        CHECK(all_true(found_right));
        auto failing = pool.broadcast([](rank me) -> task<> { co_await fall_through(me, 3); }).start();
        CHECK_THROWS_WITH(failing.get(), Contains("rank 0: bottom"));
    });
}

namespace {

task<int> at_once(int value) { co_return value; }
task<int> at_once_or_throw(int value) {
    if (value % 2 == 1) throw level_error("odd");
    co_return value;
}
task<int> count_down(int depth) {
    if (depth == 0) co_return 0;
    co_return 1 + co_await count_down(depth - 1);
}

} // namespace

TEST_CASE("helpers that never wait are awaited in a loop without stack growth") {
// GCC resumes by a jump only when it optimises; otherwise each helper of a loop uses stack until the rank
// waits.
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    constexpr int times = 100'000;
    constexpr int deep = 1'000;
#else
    constexpr int times = 200;
    constexpr int deep = 100;
#endif
    for_each_launcher(3, [](const spmd::engine_pool& pool) {
        const auto counts = pool.broadcast([](rank me) -> task<int> {
                                    int count = 0;
                                    for (int i = 0; i < times; ++i) count += co_await at_once(1);
                                    for (int i = 0; i < times; ++i) {
                                        try {
                                            count += co_await at_once_or_throw(i) == i ? 1 : 0;
                                        } catch (const level_error&) {
                                            ++count;
                                        }
                                    }
                                    co_await me.barrier();
                                    co_return count + co_await count_down(deep);
                                })
                                .get();
        CHECK(counts == std::vector(3, 2 * times + deep));
    });
}

TEST_CASE("a task can be awaited once, and not after it was moved from") {
    for_each_launcher(4, [](const spmd::engine_pool& pool) {
        const auto found_right = pool.broadcast([](rank me) -> task<bool> {
                                         task<std::size_t> sum = add_up(me, 1);
                                         bool right = co_await sum == me.size();
                                         int refused = 0;
                                         try {
                                             co_await sum;
                                         } catch (const std::logic_error&) {
                                             ++refused;
                                         }
                                         task<std::size_t> next = add_up(me, 2);
                                         task<std::size_t> moved = std::move(next);
                                         try {
                                             co_await next;
                                         } catch (const std::logic_error&) {
                                             ++refused;
                                         }
                                         right = co_await moved == 2 * me.size() && right;
                                         sum = add_up(me, 3);
                                         right = co_await sum == 3 * me.size() && right;
                                         co_return right&& refused == 2;
                                     })
                                     .get();
        CHECK(all_true(found_right));
    });
}

TEST_CASE("a task starts when awaited, and one that is dropped earlier does nothing") {
    const all_counted check;
    for_each_launcher(4, [](const spmd::engine_pool& pool) {
        std::atomic<int> began{0};
        const auto note = [&began](counted given) -> task<long> {
            ++began;
            co_return given.value();
        };
        const auto found_right = pool.broadcast([&](rank me) -> task<bool> {
                                         {
                                             const task<long> dropped = note(counted(1));
                                         }
                                         task<long> later = note(counted(2));
                                         co_await me.barrier();
                                         const bool lazy = began == 0;
                                         co_await me.barrier();
                                         const long value = co_await later;
                                         co_await me.barrier();
                                         co_return lazy&& value == 2 && began == 4;
                                     })
                                     .get();
        CHECK(all_true(found_right));
    });
}

TEST_CASE("all ranks share one copy of the arguments while they run") {
    const all_counted check;
    for_each_pool([](const spmd::engine_pool& pool) {
        const auto where =
            pool.broadcast(
                    [](rank me, const std::vector<counted>& all, counted own) -> task<const counted*> {
                        co_await me.barrier();
                        co_return all[2].value() == 7 && own.value() == 5 ? &all[2] : nullptr;
                    },
                    std::vector<counted>(3, counted(7)), counted(5))
                .get();
        CHECK(where.front() != nullptr);
        CHECK(std::ranges::count(where, where.front()) == static_cast<std::ptrdiff_t>(pool.size()));
    });
}

TEST_CASE("the ranks of a view meet each other by the ids of their group") {
    for_each_launcher(12, [](const spmd::engine_pool& pool) {
        const auto engines = pool.on({7, 1, 11, 4})
                                 .broadcast([](rank me) -> task<std::vector<std::size_t>> {
                                     auto all = co_await me.gather(me.engine(), 2);
                                     co_return me.id() == 2 && me.size() == 4 ? all : std::vector{me.id()};
                                 })
                                 .get();
        CHECK(engines == std::vector<std::vector<std::size_t>>{{0}, {1}, {7, 1, 11, 4}, {3}});
    });
}

TEST_CASE("coroutines fill their parts of one output") {
    for_each_pool([](const spmd::engine_pool& pool) {
        std::vector<std::size_t> output(3 * pool.size() + 1);
        pool.broadcast([&](rank me) -> task<> {
                const std::span<std::size_t> mine = me.part(std::span(output));
                const std::size_t before = co_await me.exclusive_scan(mine.size(), std::plus<>{});
                std::iota(mine.begin(), mine.end(), before);
            })
            .get();
        std::vector<std::size_t> expected(output.size());
        std::iota(expected.begin(), expected.end(), std::size_t{0});
        CHECK(output == expected);
    });
}

TEST_CASE("broadcasts of coroutines are submitted by several threads at once") {
    for_each_pool([](const spmd::engine_pool& pool) {
        const auto sum = [&pool](std::size_t more) {
            return pool
                .broadcast([more](rank me) -> task<std::size_t> {
                    co_await me.barrier();
                    co_return co_await add_up(me, me.id() + more);
                })
                .start();
        };
        const auto right = [&](const std::vector<std::size_t>& sums, std::size_t more) {
            return sums == std::vector(pool.size(), sum_below(pool.size()) + more * pool.size());
        };
        auto first = sum(1);
        auto second = sum(2);
        auto third = sum(3);
        CHECK(right(second.get(), 2));
        CHECK(right(third.get(), 3));
        CHECK(right(first.get(), 1));

        std::atomic<int> wrong{0};
        {
            std::vector<std::jthread> submitters;
            for (std::size_t i = 0; i < 3; ++i)
                submitters.emplace_back([&, i] {
                    for (std::size_t more = 0; more < 5; ++more)
                        if (!right(sum(more + i).get(), more + i)) ++wrong;
                });
        }
        CHECK(wrong == 0);
    });
}

TEST_CASE("broadcasts of coroutines run inside a coroutine's rank, also while it waits") {
    for_each_launcher(9, [](const spmd::engine_pool& pool) {
        const auto sums = pool.broadcast([&](rank me) -> task<std::size_t> {
                                  co_await me.barrier();
                                  auto inner = pool.broadcast([](rank peer) -> task<std::size_t> {
                                                       co_await peer.barrier();
                                                       co_return co_await add_up(peer, 1);
                                                   })
                                                   .start();
                                  co_await me.barrier();
                                  const std::size_t sum = inner.reduce(std::plus<>{});
                                  co_return co_await me.all_reduce(sum, std::plus<>{});
                              })
                              .get();
        CHECK(sums == std::vector(9, std::size_t{9 * 9 * 9}));
    });
}

#ifndef SPMD_TEST_WITHOUT_TBB
TEST_CASE("a oneTBB loop runs inside a coroutine's rank") {
    for_each_pool([](const spmd::engine_pool& pool) {
        const auto sums = pool.broadcast([](rank me) -> task<std::size_t> {
                                  std::atomic<std::size_t> sum{0};
                                  co_await me.barrier();
                                  oneapi::tbb::parallel_for(std::size_t{0}, std::size_t{100},
                                                            [&](std::size_t i) { sum += i; });
                                  co_return co_await me.all_reduce(sum.load(), std::plus<>{});
                              })
                              .get();
        CHECK(sums == std::vector(pool.size(), 4950 * pool.size()));
    });
}
#endif

TEST_CASE("a plain map and a plain broadcast run beside waiting ranks") {
    for_each_launcher(6, [](const spmd::engine_pool& pool) {
        auto collective =
            pool.broadcast([](rank me) -> task<std::size_t> { return add_up_at(me, 40); }).start();
        const auto squares = pool.map([](int i) { return i * i; }, std::vector{1, 2, 3}).get();
        const auto ids = pool.broadcast([](rank me) { return me.id(); }).get();
        CHECK(squares == std::vector{1, 4, 9});
        CHECK(ids.back() == 5);
        CHECK(collective.get() == std::vector(6, sum_below(6) + 40));
    });
}

// --- promises of async_result ------------------------------------------------------------------------------

TEST_CASE("results of coroutines are read in order, one by one, concatenated, reduced") {
    for_each_pool([](const spmd::engine_pool& pool) {
        const auto parts = [&pool] {
            return pool
                .broadcast([](rank me) -> task<std::vector<std::size_t>> {
                    co_await me.barrier();
                    std::vector<std::size_t> mine(me.id() % 3, me.id());
                    co_await me.barrier();
                    co_return mine;
                })
                .start();
        };
        std::vector<std::size_t> expected;
        for (std::size_t id = 0; id < pool.size(); ++id) expected.insert(expected.end(), id % 3, id);
        CHECK(parts().concat() == expected);

        std::vector<std::size_t> in_order;
        std::size_t next = 0;
        for (const std::vector<std::size_t>& part : parts().in_order()) {
            REQUIRE(part == std::vector(next % 3, next));
            ++next;
        }
        CHECK(next == pool.size());

        auto none = pool.broadcast([](rank me) -> task<> { co_await me.barrier(); }).start();
        std::size_t index = 0;
        for (const std::size_t id : none.in_order()) REQUIRE(id == index++);
        CHECK(index == pool.size());

        const std::string joined = pool.broadcast([](rank me) -> task<std::string> {
                                           co_await me.barrier();
                                           co_return std::to_string(me.id());
                                       })
                                       .reduce(std::plus<>{}, "ids ");
        std::string names = "ids ";
        for (std::size_t id = 0; id < pool.size(); ++id) names += std::to_string(id);
        CHECK(joined == names);
    });
}

TEST_CASE("outcomes hold the good results beside the errors") {
    for_each_pool([](const spmd::engine_pool& pool) {
        auto result = pool.broadcast([](rank me) -> task<std::size_t> {
                              co_await me.barrier();
                              if (me.id() % 3 == 1) throw std::runtime_error("not this one");
                              co_return me.id();
                          })
                          .start();
        const auto all = result.outcomes();
        for (std::size_t id = 0; id < pool.size(); ++id) {
            if (id % 3 == 1)
                REQUIRE(spmd::message_of(all[id].error()) == "not this one");
            else
                REQUIRE(all[id].value() == id);
        }
    });
}

TEST_CASE("a task that cannot be created counts as one that threw, for its peers too") {
    for_each_launcher(5, [](const spmd::engine_pool& pool) {
        auto result = pool.broadcast([](rank me) -> task<std::size_t> {
                              if (me.id() == 3) throw std::runtime_error("no task"); // not a coroutine
                              return add_up(me, 1);
                          })
                          .start();
        const auto all = result.outcomes();
        CHECK(spmd::message_of(all[3].error()) == "no task");
        for (const std::size_t id : {0U, 1U, 2U, 4U}) {
            REQUIRE(is_a<spmd::peer_error>(all[id].error()));
            REQUIRE_THAT(spmd::message_of(all[id].error()), Contains("rank 3 threw") && Contains("no task"));
        }
    });
}

TEST_CASE("progress and wait_for work while ranks wait for a peer, and after") {
    for_each_concurrent_pool(20, 2, [](const spmd::engine_pool& pool) {
        gate shut;
        auto result = pool.broadcast([&](rank me) -> task<std::size_t> {
                              if (me.id() + 1 == me.size()) shut.wait(me);
                              co_return co_await add_up(me, me.id());
                          })
                          .start();
        CHECK_FALSE(result.wait_for(1ms));
        CHECK_FALSE(result.ready());
        CHECK(result.progress().done == 0);
        CHECK(result.progress().total == 20);
        shut.open();
        CHECK(result.wait_for(1h));
        CHECK(result.ready());
        CHECK(result.progress().done == 20);
        CHECK(result.get() == std::vector(20, sum_below(20)));
    });
}

TEST_CASE("items are reported between collectives, and by the ranks of a split's group") {
    for_each_concurrent_pool(20, 2, [](const spmd::engine_pool& pool) {
        gate shut;
        auto result = pool.broadcast([&](rank me) -> task<> {
                              me.advance();
                              const rank group = co_await me.split(me.id() % 3);
                              group.advance(10);
                              if (me.id() + 1 == me.size()) shut.wait(me);
                              co_await me.barrier();
                              me.advance(100);
                          })
                          .start();
        CHECK(eventually([&] { return result.progress().items == 220; }));
        CHECK(result.progress().done == 0);
        shut.open();
        CHECK_NOTHROW(result.get());
        CHECK(result.progress().items == 2220);
    });
}

TEST_CASE("a wait with a deadline inside a task progresses although no other thread is left") {
    for_each_launcher(3, [](const spmd::engine_pool& pool) {
        const auto sums = pool.broadcast([&](rank) -> task<std::size_t> {
                                  auto inner = pool.broadcast([](rank me) -> task<std::size_t> {
                                                       co_await me.barrier();
                                                       co_return co_await add_up(me, 1);
                                                   })
                                                   .start();
                                  while (!inner.wait_for(0ms)) continue;
                                  co_return inner.get().back();
                              })
                              .get();
        CHECK(sums == std::vector(3, std::size_t{3}));
    });
}

// --- everything is destroyed exactly once ------------------------------------------------------------------

namespace {

task<counted> twice(rank me, counted given) {
    const counted local = given + given;
    co_await me.barrier();
    co_return local;
}

long sum_of(const counted& a, const counted& b, long c) { return a.value() + b.value() + c; }

/// An aggregate; safe when it has a name.
struct counted_pair {
    counted first;
    counted second;
};
counted_pair operator+(const counted_pair& a, const counted_pair& b) {
    return {a.first + b.first, a.second + b.second};
}

// The forms of a co_await expression that task.hpp calls safe, and common ones.
task<counted> every_form(rank me, const counted& argument) {
    const long n = static_cast<long>(me.size());
    const long id = static_cast<long>(me.id());
    long wrong = 0;
    const auto expect = [&wrong](bool right) { wrong += right ? 0 : 1; };

    // A named operation with captures.
    const counted captured(5);
    const auto add = [captured, text = std::string(40, 'x')](const counted& a, const counted& b) {
        return counted(a.value() + b.value() + captured.value() - static_cast<long>(text.size()) + 35);
    };
    const counted sum = co_await me.all_reduce(counted(1), add);
    expect(sum.value() == n);
    // Aggregates, named and as results.
    const counted_pair pair{counted(1), counted(id)};
    const counted_pair pairs = co_await me.all_reduce(pair, std::plus<>{});
    expect(pairs.first.value() == n && pairs.second.value() == n * (n - 1) / 2);
    expect((co_await me.broadcast(pair, 0)).second.value() == 0);
    me.send(counted(id), me.id(), 5);
    expect((co_await me.receive_message<counted>(me.id(), 5)).value.value() == id);
    // Results whose types have non-trivial destructors.
    const std::string text = co_await me.broadcast(std::string(100, 'y'), 0);
    expect(text.size() == 100);
    const std::vector<counted> all = co_await me.gather(counted(id), 0);
    expect(me.id() > 0 ? all.empty() : all.size() == me.size());
    const std::optional<counted> reduced = co_await me.reduce(counted(id), std::plus<>{}, 0);
    expect(reduced.has_value() == (id == 0));
    co_await me.all_gather(counted(1)); // dropped
    // In conditions.
    if ((co_await me.all_reduce(counted(2), std::plus<>{})).value() != 2 * n) ++wrong;
    int rounds = 0;
    while ((co_await me.all_reduce(counted(rounds), std::plus<>{})).value() < 3 * n) ++rounds;
    expect(rounds == 3);
    for (const counted& each : co_await me.all_gather(counted(id))) expect(each.value() < n);
    switch ((co_await twice(me, counted(2))).value()) {
        case 4: break;
        default: ++wrong;
    }
    // In arguments, of functions and of helpers.
    expect(sum_of(co_await twice(me, counted(1)), counted(3), 4) == 9);
    expect(sum_of(co_await me.broadcast(counted(id), 0), co_await twice(me, argument), 1) ==
           1 + 2 * argument.value());
    expect((co_await twice(me, co_await twice(me, counted(3)))).value() == 12);
    // The condition of a ternary; not its branches, both of which GCC 12 evaluates.
    const long chosen = (co_await twice(me, counted(id))).value() == 2 * id ? 2 : 4;
    expect(chosen == 2);
    // Two in one expression.
    const counted both = (co_await me.scan(counted(1), std::plus<>{})) + (co_await twice(me, counted(id)));
    expect(both.value() == id + 1 + 2 * id);
    const bool less = (co_await twice(me, counted(1))).value() < (co_await twice(me, counted(2))).value() &&
                      (co_await me.all_reduce(true, std::logical_and<>{}));
    expect(less);
    // Pending operations, including ones that are never awaited.
    auto pending = me.all_reduce(counted(1), add).start();
    const auto dropped = me.all_gather(counted(9)).start();
    expect((co_await pending).value() == n);
    expect((co_await me.scan(counted(1), std::plus<>{}).start()).value() == id + 1);
    // Messages, and groups.
    me.send(counted(id), (me.id() + 1) % me.size());
    expect((co_await me.receive<counted>()).value() == (id + n - 1) % n);
    const counted of_group = co_await (co_await me.split(me.id() % 2)).all_reduce(counted(1), std::plus<>{});
    expect(of_group.value() == (n + (id % 2 == 0 ? 1 : 0)) / 2);
    co_return counted(wrong);
}

} // namespace

TEST_CASE("every form of a co_await expression destroys everything exactly once") {
    const all_counted check;
    for_each_pool([](const spmd::engine_pool& pool) {
        {
            const counted captured(1);
            const auto wrong = pool.broadcast(
                                       [captured](rank me, const counted& argument) -> task<counted> {
                                           const counted mistakes = co_await every_form(me, argument);
                                           co_return counted(mistakes.value() + captured.value() - 1);
                                       },
                                       counted(4))
                                   .get();
            for (const counted& each : wrong) REQUIRE(each.value() == 0);
        }
        REQUIRE(counted::all_gone());
    });
}

TEST_CASE("everything is destroyed exactly once after exceptions") {
    const all_counted check;
    for_each_pool([](const spmd::engine_pool& pool) {
        {
            auto result = pool.broadcast(
                                  [captured = counted(1)](rank me, const counted& argument) -> task<counted> {
                                      const counted local = captured + argument;
                                      if (me.id() == me.size() / 2) throw std::runtime_error("gone");
                                      const counted sum = co_await me.all_reduce(local, std::plus<>{});
                                      co_return co_await twice(me, sum);
                                  },
                                  counted(2))
                              .start();
            REQUIRE_THROWS_WITH(result.get(), Contains("gone"));
            REQUIRE(counted::living() > 0); // at least the captures
        }
        REQUIRE(counted::all_gone());
    });
}

TEST_CASE("on_error::stop wakes waiting ranks, and everything is destroyed exactly once") {
    const all_counted check;
    for_each_pool([](const spmd::engine_pool& pool) {
        {
            auto result = pool.with({.on_error = spmd::on_error::stop})
                              .broadcast([captured = counted(1)](rank me) -> task<counted> {
                                  const counted local = captured + captured;
                                  if (me.id() == me.size() / 2) throw std::runtime_error("gone");
                                  co_return co_await twice(me, local);
                              })
                              .start();
            REQUIRE_THROWS_AS(result.get(), spmd::composite_error);
            for (const auto& end : result.outcomes()) REQUIRE_FALSE(end.has_value());
        }
        REQUIRE(counted::all_gone());
    });
}

namespace {

// All ranks wait for the last, which runs until a stop is requested, each in one of several ways.
auto waiting_for_the_last(const spmd::engine_pool& pool, std::atomic<std::size_t>& came) {
    return pool
        .broadcast(
            [captured = counted(1), &came](rank me, const counted& argument) -> task<counted> {
                const counted local = captured + argument;
                const std::size_t last = me.size() - 1;
                const rank half = co_await me.split(me.id() % 2);
                me.send(counted(3), last);
                ++came;
                if (me.id() == last)
                    while (!me.stop_requested()) std::this_thread::yield();
                auto pending = me.all_gather(local).start();
                if (me.id() % 5 == 0) co_await half.all_reduce(counted(1), std::plus<>{});
                if (me.id() % 5 == 1) co_await me.receive<counted>(last);
                if (me.id() % 5 == 2) co_await pending;
                if (me.id() % 5 == 3) co_await twice(me, local);
                co_await me.barrier();
                co_return counted(4);
            },
            counted(2))
        .start();
}

} // namespace

TEST_CASE("on cancellation waiting ranks wake and report it, and everything is destroyed exactly once") {
    const all_counted check;
    for_each_concurrent_pool(101, 2, [](const spmd::engine_pool& pool) {
        for (int round = 0; round < 10; ++round) {
            {
                std::atomic<std::size_t> came{0};
                auto result = waiting_for_the_last(pool, came);
                REQUIRE(eventually([&] { return came == 101; }));
                result.cancel();
                REQUIRE_THROWS_AS(result.get(), spmd::cancelled_error);
                for (const auto& end : result.outcomes()) REQUIRE(is_a<spmd::cancelled_error>(end.error()));
            }
            REQUIRE(counted::all_gone());
        }
    });
}

TEST_CASE("a result dropped while ranks wait wakes them, and everything is destroyed exactly once") {
    const all_counted check;
    for_each_concurrent_pool(101, 2, [](const spmd::engine_pool& pool) {
        for (int round = 0; round < 10; ++round) {
            std::atomic<std::size_t> came{0};
            {
                const auto result = waiting_for_the_last(pool, came);
                REQUIRE(eventually([&] { return came == 101; }));
            }
            REQUIRE(counted::all_gone());
        }
        for (int round = 0; round < 10; ++round) { // at any moment
            std::atomic<std::size_t> came{0};
            {
                const auto result = waiting_for_the_last(pool, came);
            }
            REQUIRE(counted::all_gone());
        }
    });
}

TEST_CASE("a rank that catches cancelled_error can still work alone, and fails in collectives") {
    for_each_concurrent_pool(8, 2, [](const spmd::engine_pool& pool) {
        std::atomic<std::size_t> came{0};
        std::atomic<int> caught{0};
        auto result = pool.broadcast([&](rank me) -> task<int> {
                              ++came;
                              for (int i = 0; i < 2; ++i) {
                                  try {
                                      if (me.id() == 7)
                                          while (!me.stop_requested()) std::this_thread::yield();
                                      co_await me.barrier();
                                  } catch (const spmd::cancelled_error&) {
                                      ++caught;
                                  }
                              }
                              co_return 3;
                          })
                          .start();
        REQUIRE(eventually([&] { return came == 8; }));
        result.cancel();
        CHECK(result.get() == std::vector(8, 3));
        CHECK(caught == 16);
    });
}

TEST_CASE("no coroutine is created when cancelled before the start") {
    const all_counted check;
    const spmd::engine_pool pool = make_parked_pool(30);
    std::atomic<int> ran{0};
    auto result = pool.broadcast([&, captured = counted(1)](rank me) -> task<> {
                          ++ran;
                          co_await me.barrier();
                      })
                      .start();
    result.cancel();
    CHECK_THROWS_WITH(result.get(), Contains("30 of 30 ranks did not run to the end"));
    CHECK(ran == 0);
    {
        auto dropped = pool.broadcast([&, captured = counted(1)](rank) -> task<> {
                               ++ran;
                               co_return;
                           })
                           .start();
    }
    CHECK(ran == 0);
}

TEST_CASE("everything is destroyed exactly once after a deadlock") {
    const all_counted check;
    for_each_pool([](const spmd::engine_pool& pool) {
        {
            auto result = pool.broadcast(
                                  [captured = counted(1)](rank me, const counted& argument) -> task<counted> {
                                      const counted local = captured + argument;
                                      auto pending = me.receive<counted>(me.id(), 1).start();
                                      if (me.id() % 2 == 0) co_await me.receive<counted>(me.id());
                                      co_await twice(me, co_await pending);
                                      co_return local;
                                  },
                                  counted(2))
                              .start();
            for (const auto& end : result.outcomes()) REQUIRE(is_a<spmd::deadlock_error>(end.error()));
        }
        REQUIRE(counted::all_gone());
    });
}

TEST_CASE("an unused result is destroyed with the rest") {
    const all_counted check;
    for_each_pool([](const spmd::engine_pool& pool) {
        auto result = pool.broadcast([](rank me) -> task<counted> { return twice(me, counted(1)); }).start();
        result.wait();
        REQUIRE(counted::living() >= static_cast<long>(pool.size()));
        result = {};
        REQUIRE(counted::all_gone());
    });
}

// --- timing ------------------------------------------------------------------------------------------------

TEST_CASE("timing names each collective, its line, the last to arrive, and how long each waited") {
    for_each_launcher(9, [](const spmd::engine_pool& pool) {
        auto result = pool.with({.timing = true})
                          .broadcast([&](rank me) -> task<> {
                              constexpr std::size_t late = 4;
                              // The message shows that all others have arrived.
                              if (me.id() != late) {
                                  auto met = me.barrier().start();
                                  me.send(0, late);
                                  co_await met;
                              } else {
                                  for (std::size_t i = 0; i + 1 < me.size(); ++i) co_await me.receive<int>();
                                  std::this_thread::sleep_for(2ms);
                                  co_await me.barrier();
                              }
                              const rank group =
                                  co_await me.split(me.id() % 2, -static_cast<std::int64_t>(me.id()));
                              if (me.id() % 2 == 0) co_await group.all_reduce(1, std::plus<>{});
                              co_await me.barrier();
                          })
                          .start();
        const spmd::timing times = result.timing();
        const auto& collectives = times.collectives();
        REQUIRE(collectives.size() == 4);
        CHECK(collectives[0].operation == "barrier");
        CHECK(collectives[1].operation == "split");
        CHECK(collectives[2].operation == "all_reduce");
        CHECK(collectives[3].operation == "barrier");
        CHECK(collectives[0].straggler == 4);
        CHECK(collectives[0].skew() >= 2ms); // the late rank slept while the others waited
        CHECK(collectives[0].ranks.empty());
        CHECK(collectives[2].ranks == std::vector<std::size_t>{8, 6, 4, 2, 0});
        for (const spmd::collective_times& each : collectives) {
            const std::size_t members = each.ranks.empty() ? 9 : each.ranks.size();
            REQUIRE(each.waited.size() == members);
            const auto straggler = each.ranks.empty()
                                       ? static_cast<std::ptrdiff_t>(each.straggler)
                                       : std::ranges::find(each.ranks, each.straggler) - each.ranks.begin();
            REQUIRE(each.waited[static_cast<std::size_t>(straggler)] == 0ns);
            REQUIRE(*std::ranges::min_element(each.waited) == 0ns);
            REQUIRE(*std::ranges::max_element(each.waited) == each.skew());
            REQUIRE(each.first <= each.last);
            REQUIRE_THAT(each.where.file_name(), Catch::Matchers::EndsWith("task_test.cpp"));
        }
        for (std::size_t i = 1; i < collectives.size(); ++i) {
            REQUIRE(collectives[i - 1].last <= collectives[i].last);
            REQUIRE(collectives[i - 1].where.line() < collectives[i].where.line());
        }
        REQUIRE(times.tasks().size() == 9);
        for (const spmd::interval& each : times.tasks()) {
            REQUIRE(each.begin < each.end);
            REQUIRE(each.begin <= collectives[0].last);
            REQUIRE(each.end >= collectives[3].last);
        }
    });
}

TEST_CASE("the rank that runs last is the straggler, and the first to arrive waits longest") {
    const spmd::engine_pool pool = spmd::detail::pool_maker::make(
        5, std::make_unique<shuffled_launcher>(std::vector<std::size_t>{3, 0, 4, 1, 2}));
    std::source_location here;
    auto result = pool.with({.timing = true})
                      .broadcast([&](rank me) -> task<> {
                          if (me.id() == 2) std::this_thread::sleep_for(3ms);
                          for (int round = 0; round < 2; ++round) {
                              here = std::source_location::current();
                              co_await me.barrier();
                          }
                      })
                      .start();
    const auto collectives = result.timing().collectives();
    REQUIRE(collectives.size() == 2);
    CHECK(collectives[0].straggler == 2);
    CHECK(collectives[1].straggler == 2);
    CHECK(collectives[0].where.line() == here.line() + 1);
    CHECK(collectives[0].skew() >= 3ms);
    const auto& waited = collectives[0].waited;
    CHECK(waited[3] >= waited[0]);
    CHECK(waited[0] >= waited[4]);
    CHECK(waited[4] >= waited[1]);
    CHECK(waited[1] >= 3ms);
    CHECK(waited[2] == 0ns);
    CHECK(collectives[0].last <= collectives[1].first);
    CHECK_THROWS_AS(pool.broadcast([](rank me) -> task<> { co_await me.barrier(); }).timing(),
                    std::logic_error);
}
