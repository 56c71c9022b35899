// Guards against a pool in use that hangs because its threads wait for each other, mixes up the results of
// two submissions, writes warnings to the user's stderr, or is destroyed while its results still exist.

#include "support/child_process.hpp"
#include "support/pools.hpp"

#include <spmd/spmd.hpp>

#include <catch2/catch.hpp>

#ifndef SPMD_TEST_WITHOUT_TBB
#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/parallel_reduce.h>
#endif

#include <filesystem>
#include <functional>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace test_support;
using spmd::rank;

std::size_t sum_below(std::size_t n) { return n * (n - 1) / 2; }

std::size_t sum_of_ids(const spmd::engine_pool& pool) {
    return pool.broadcast([](rank me) { return me.id(); }).reduce(std::plus<>{});
}

// Number of leaves of the tree below one rank, where every rank broadcasts on the same pool, `levels` deep.
std::size_t leaves_below(const spmd::engine_pool& pool, int levels) {
    if (levels == 0) return 1;
    return pool.broadcast([&](rank) { return leaves_below(pool, levels - 1); }).reduce(std::plus<>{});
}

constexpr const char* wide_pool_test = "a pool wider than the machine's cores works";
constexpr const char* several_pools_test = "several pools of different widths at once";

} // namespace

TEST_CASE("a broadcast runs inside a rank, on the pool it runs in") {
    for_each_pool([](const spmd::engine_pool& pool) {
        const std::size_t inner = std::min<std::size_t>(pool.size(), 8);
        const auto sums =
            pool.on(spmd::slice{.last = inner}).broadcast([&](rank) { return sum_of_ids(pool); }).get();
        REQUIRE(sums == std::vector<std::size_t>(inner, sum_below(pool.size())));
    });
}

TEST_CASE("every way to read results, and a start without a join, work inside a rank") {
    for_each_launcher(12, [](const spmd::engine_pool& pool) {
        const auto sums =
            pool.broadcast([&](rank me) {
                    auto first = pool.broadcast([](rank inner) { return inner.id(); }).start();
                    auto second =
                        pool.map([](std::size_t i) { return i; }, std::vector<std::size_t>{1, 2, 3}).start();
                    auto dropped = pool.broadcast([&](rank inner) { return inner.id() + me.id(); }).start();
                    std::size_t sum = 0;
                    for (const std::size_t id : first.in_order()) sum += id;
                    sum += second.reduce(std::plus<>{});
                    const auto flat =
                        pool.broadcast([](rank inner) { return std::vector(2, inner.id()); }).concat();
                    return std::accumulate(flat.begin(), flat.end(), sum);
                })
                .get();
        REQUIRE(sums == std::vector<std::size_t>(12, sum_below(12) + 6 + 2 * sum_below(12)));
    });
}

TEST_CASE("three levels of broadcasts work with more ranks than threads at each") {
    for_each_launcher(11,
                      [](const spmd::engine_pool& pool) { REQUIRE(leaves_below(pool, 3) == 11 * 11 * 11); });
}

TEST_CASE("ranks of two pools broadcast on each other at once") {
    for (const pool_kind& kind : pool_kinds()) {
        INFO(kind.name << ", " << kind.threads << " threads");
        const spmd::engine_pool one = kind.make(9);
        const spmd::engine_pool other = kind.make(13);
        for (int round = 0; round < 10; ++round) {
            auto there = one.broadcast([&](rank) { return sum_of_ids(other); }).start();
            auto back = other.broadcast([&](rank) { return sum_of_ids(one); }).start();
            REQUIRE(there.get() == std::vector<std::size_t>(9, sum_below(13)));
            REQUIRE(back.get() == std::vector<std::size_t>(13, sum_below(9)));
            auto round_trip =
                one.broadcast([&](rank) {
                       return other.broadcast([&](rank) { return sum_of_ids(one); }).reduce(std::plus<>{});
                   })
                    .start();
            REQUIRE(round_trip.get() == std::vector<std::size_t>(9, 13 * sum_below(9)));
        }
    }
}

TEST_CASE("errors and cancellations inside a rank stay there") {
    for_each_launcher(8, [](const spmd::engine_pool& pool) {
        auto result = pool.broadcast([&](rank me) {
                              if (me.id() % 2 == 0) return sum_of_ids(pool);
                              auto inner = pool.broadcast([](rank in) {
                                                   if (in.id() == 3) throw std::runtime_error("inside");
                                                   return in.id();
                                               })
                                               .start();
                              return inner.reduce(std::plus<>{});
                          })
                          .start();
        auto all = result.outcomes();
        for (std::size_t id = 0; id < 8; ++id) {
            REQUIRE(all[id].has_value() == (id % 2 == 0));
            if (!all[id]) REQUIRE(spmd::message_of(all[id].error()) == "1 of 8 ranks failed: rank 3: inside");
        }
    });
}

TEST_CASE("several threads submit at once, and each has its own results") {
    constexpr std::size_t submitters = 8;
    constexpr std::size_t submissions = 50;
    for_each_launcher(20, [](const spmd::engine_pool& pool) {
        std::vector<std::size_t> wrong(submitters);
        {
            std::vector<std::jthread> users;
            for (std::size_t user = 0; user < submitters; ++user) {
                users.emplace_back([&, user] {
                    for (std::size_t i = 0; i < submissions; ++i) {
                        const std::size_t key = user * 1000 + i;
                        auto result = pool.broadcast([key](rank me) { return key * 100 + me.id(); }).start();
                        auto items = pool.map([key](std::size_t item) { return key + item; },
                                              std::vector<std::size_t>{1, 2, 3})
                                         .start();
                        const auto ids = result.get();
                        for (std::size_t id = 0; id < 20; ++id)
                            wrong[user] += ids.at(id) == key * 100 + id ? 0U : 1U;
                        wrong[user] += items.get() == std::vector{key + 1, key + 2, key + 3} ? 0U : 1U;
                    }
                });
            }
        }
        CHECK(wrong == std::vector<std::size_t>(submitters, 0));
    });
}

TEST_CASE(several_pools_test) {
    for (const bool with_tbb : {false, true}) {
#ifdef SPMD_TEST_WITHOUT_TBB
        if (with_tbb) continue;
#endif
        std::vector<std::size_t> sums(4);
        {
            std::vector<std::jthread> users;
            for (std::size_t user = 0; user < sums.size(); ++user) {
                users.emplace_back([&, user] {
                    for (int round = 0; round < 20; ++round) {
                        const std::size_t threads = user + 1;
                        const spmd::engine_pool pool =
                            with_tbb ? spmd::engine_pool{{.ranks = 50 + user, .threads = threads}}
                                     : make_jthread_pool(50 + user, {threads});
                        sums[user] += sum_of_ids(pool);
                    }
                });
            }
        }
        for (std::size_t user = 0; user < sums.size(); ++user) CHECK(sums[user] == 20 * sum_below(50 + user));
    }
}

TEST_CASE("a result outlives its pool") {
    for (const pool_kind& kind : pool_kinds()) {
        INFO(kind.name << ", " << kind.threads << " threads");
        std::optional<spmd::engine_pool> pool(kind.make(30));
        auto waiting = pool->broadcast([](rank me) { return me.id(); }).start();
        auto ordered = pool->on({1, 2}).broadcast([](rank me) { return me.engine(); }).start();
        auto parts =
            pool->broadcast([](rank me) { return std::vector<std::size_t>(20'000, me.id()); }).start();
        pool.reset();
        CHECK(waiting.get().size() == 30);
        std::size_t expected = 1;
        for (const std::size_t engine : ordered.in_order()) CHECK(engine == expected++);
        CHECK(parts.concat().size() == 600'000);
    }
}

TEST_CASE("a pool may be destroyed before anyone waits for its result, and be created again") {
    for (const pool_kind& kind : pool_kinds()) {
        INFO(kind.name << ", " << kind.threads << " threads");
        std::atomic<std::size_t> runs{0};
        for (int round = 0; round < 50; ++round) {
            auto result = kind.make(10).broadcast([&](rank) { ++runs; }).start();
            result.wait();
        }
        CHECK(runs == 500);
    }
}

TEST_CASE(wide_pool_test) {
    for_each_concurrent_pool(16, 16, [](const spmd::engine_pool& pool) {
        CHECK(pool.threads() == 16);
        // All 16 ranks run at once, so there are 16 threads, including the caller.
        std::atomic<std::size_t> arrived{0};
        auto result = pool.broadcast([&](rank me) {
                              ++arrived;
                              while (arrived < 16 && !me.stop_requested()) std::this_thread::yield();
                              return me.id();
                          })
                          .start();
        CHECK(result.get().size() == 16);
        CHECK(arrived == 16);
        // The same without the caller.
        auto unjoined = pool.broadcast([&](rank me) {
                                ++arrived;
                                while (arrived < 32 && !me.stop_requested()) std::this_thread::yield();
                            })
                            .start();
        CHECK(eventually([&] { return unjoined.ready(); }, std::chrono::seconds(20)));
        CHECK(arrived == 32);
    });
}

#ifndef SPMD_TEST_WITHOUT_TBB

TEST_CASE("pools wider than the machine's cores, and several at once, write nothing to stderr") {
    const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
    for (const char* test : {wide_pool_test, several_pools_test}) {
        for (int round = 0; round < 3; ++round) {
            const program_result ran =
                run_program({"sh", "-c", "exec \"$0\" \"$1\" 2>&1 >/dev/null", self, test});
            CHECK(ran.status == 0);
            CHECK(ran.output == "");
        }
    }
}

TEST_CASE("ranks may run oneTBB algorithms") {
    namespace tbb = oneapi::tbb;
    for (const std::size_t threads : swept_threads()) {
        const spmd::engine_pool pool{{.ranks = 40, .threads = threads}};
        const auto sums = pool.broadcast([](rank me) {
                                  std::vector<std::size_t> squares(1000);
                                  tbb::parallel_for(std::size_t{0}, squares.size(),
                                                    [&](std::size_t i) { squares[i] = i * me.id(); });
                                  return tbb::parallel_reduce(
                                      tbb::blocked_range<std::size_t>(0, squares.size()), std::size_t{0},
                                      [&](const tbb::blocked_range<std::size_t>& range, std::size_t sum) {
                                          for (std::size_t i = range.begin(); i != range.end(); ++i)
                                              sum += squares[i];
                                          return sum;
                                      },
                                      std::plus<>{});
                              })
                              .get();
        for (std::size_t id = 0; id < 40; ++id) REQUIRE(sums[id] == id * sum_below(1000));
        std::vector<std::size_t> outer(20);
        tbb::parallel_for(std::size_t{0}, outer.size(),
                          [&](std::size_t i) { outer[i] = sum_of_ids(pool) + i; });
        for (std::size_t i = 0; i < outer.size(); ++i) REQUIRE(outer[i] == sum_below(40) + i);
    }
}

#endif
