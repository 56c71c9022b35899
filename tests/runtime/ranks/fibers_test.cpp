// Guards ranks that are plain functions on fibers, beyond what the tests of collectives, messages and random
// programs check on both kinds of ranks: a wait from any depth of calls; errors, deadlocks, cancellation,
// timing and traces as coroutines have them; blocking calls that hold the thread; exceptions in flight across
// a wait; get() where it cannot work; and stacks, which overflow, are reused, and are many.

#include "support/child_process.hpp"
#include "support/meeting.hpp"
#include "support/pools.hpp"

#include <spmd/spmd.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <new>
#include <numeric>
#include <source_location>
#include <sstream>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace test_support;
using Catch::Matchers::Contains;
using spmd::on_fibers;
using spmd::rank;

// Meets in a library's callback: far from the task, in a function that knows nothing of coroutines.
std::size_t sum_in_callback(const rank& me, std::vector<std::size_t> order) {
    std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
        me.barrier().get();
        return a < b;
    });
    return me.all_reduce(order.front(), spmd::plus).get();
}

template <class T>
std::vector<std::string> messages_of(const std::vector<spmd::outcome<T>>& outcomes) {
    std::vector<std::string> messages;
    for (const auto& each : outcomes) messages.push_back(spmd::message_of(each.error()));
    return messages;
}

} // namespace

TEST_CASE("plain functions meet, at any depth of calls") {
    for_each_launcher(std::min<std::size_t>(1000, most_fibers), [](const spmd::engine_pool& pool) {
        const auto sums = pool.broadcast(on_fibers([](rank me) {
                                  return sum_in_callback(me, {3 + me.id(), 2 + me.id(), 1 + me.id()});
                              }))
                              .get();
        const std::size_t n = pool.size();
        CHECK(sums == std::vector(n, n * (n + 1) / 2));
    });
}

TEST_CASE("two waits in one expression are right") {
    for_each_launcher(60, [](const spmd::engine_pool& pool) {
        const auto means =
            pool.broadcast(on_fibers([](rank me) {
                    const auto x = static_cast<double>(me.id());
                    return me.all_reduce(x, spmd::plus).get() / me.all_reduce(1.0, spmd::plus).get();
                }))
                .get();
        CHECK(means == std::vector(60, 29.5));
    });
}

TEST_CASE("a fiber's task gets its arguments, pieces of handles too, and returns what it likes") {
    for_each_launcher(5, [](const spmd::engine_pool& pool) {
        auto dealt = pool.scatter(std::vector{1, 2, 3, 4, 5, 6, 7});
        const std::string name = "x";
        const auto sums =
            pool.broadcast(on_fibers([](rank me, auto&& piece, const std::string& text, int n) {
                               me.barrier().get();
                               for (int& each : piece) each *= n;
                               const int mine = std::accumulate(piece.begin(), piece.end(), 0);
                               return text + std::to_string(me.all_reduce(mine, spmd::plus).get());
                           }),
                           dealt, name, 2)
                .get();
        CHECK(sums == std::vector<std::string>(5, "x56"));
        CHECK(pool.gather(dealt) == std::vector{2, 4, 6, 8, 10, 12, 14});
        const auto moved =
            pool.broadcast(on_fibers([](rank me) { return std::make_unique<std::size_t>(me.id()); })).get();
        CHECK(*moved[4] == 4);
    });
}

TEST_CASE("a fiber waits for helpers that are coroutines, and for submissions") {
    for_each_launcher(9, [](const spmd::engine_pool& pool) {
        const auto right =
            pool.broadcast(on_fibers([&](rank me) {
                    const auto norm = [](rank here, int x) -> spmd::task<int> {
                        const int all = co_await here.all_reduce(x, spmd::plus);
                        co_return all + co_await here.all_reduce(x, spmd::max);
                    };
                    const int once = norm(me, 2).get();
                    const auto ids = pool.broadcast([](rank inner) { return inner.id(); }).get();
                    auto later = pool.map([](int x) { return x * x; }, std::vector{1, 2, 3}).start();
                    const int total = me.all_reduce(1, spmd::plus).get();
                    // Ranks that meet, within ranks that meet.
                    const auto nested = pool.broadcast(on_fibers([](rank inner) {
                                                return inner.all_reduce(inner.id(), spmd::plus).get();
                                            }))
                                            .get();
                    return once == 20 && ids.size() == 9 && ids[8] == 8 && total == 9 &&
                           later.reduce(spmd::plus) == 14 && nested == std::vector<std::size_t>(9, 36);
                }))
                .get();
        CHECK(right == std::deque<bool>(9, true));
    });
}

TEST_CASE("a fiber that waits for a submission lets its thread go on") {
    // One thread: it has to run the other rank while rank 0 waits for a result that depends on it.
    const spmd::engine_pool pool = make_jthread_pool(2, {1});
    const spmd::engine_pool other = make_jthread_pool(1, {1});
    std::atomic<bool> began{false};
    std::atomic<bool> released{false};
    const auto seen = pool.broadcast(on_fibers([&](rank me) {
                              if (me.id() == 1) {
                                  released = true;
                                  return true;
                              }
                              auto waiting = other
                                                 .broadcast([&](const rank& inner) {
                                                     began = true;
                                                     while (!released && !inner.stop_requested())
                                                         std::this_thread::yield();
                                                 })
                                                 .start();
                              if (!eventually([&] { return began.load(); })) return false;
                              waiting.wait();
                              return released.load();
                          }))
                          .get();
    CHECK(seen == std::deque<bool>{true, true});
}

TEST_CASE("many fibers wait for the same submission") {
    for_each_launcher(50, [](const spmd::engine_pool& pool) {
        std::vector<int> items(100);
        auto squares = pool.map([](int x) { return x * x; }, items).start();
        const auto seen = pool.broadcast(on_fibers([&](rank me) {
                                  squares.wait();
                                  const bool early = !squares.ready();
                                  me.barrier().get();
                                  return early;
                              }))
                              .get();
        CHECK(seen == std::deque<bool>(50, false));
    });
    // While it surely runs elsewhere.
    const spmd::engine_pool pool = make_jthread_pool(20, {2});
    const spmd::engine_pool other = make_jthread_pool(1, {1});
    gate open;
    std::atomic<bool> began{false};
    auto slow = other
                    .broadcast([&](const rank& me) {
                        began = true;
                        open.wait(me);
                    })
                    .start();
    REQUIRE(eventually([&] { return began.load(); }));
    std::atomic<int> waiting{0};
    const auto seen = pool.broadcast(on_fibers([&](rank) {
                              if (++waiting == 20) open.open();
                              slow.wait();
                              return slow.ready();
                          }))
                          .get();
    CHECK(seen == std::deque<bool>(20, true));
}

TEST_CASE("waits that are over at once use no stack, however many") {
    const spmd::engine_pool pool = make_jthread_pool(2, {1});
    const auto sums = pool.broadcast(on_fibers([](rank me) {
                              constexpr int messages = 50'000;
                              for (int i = 0; i < messages; ++i) me.send(1, 1 - me.id());
                              me.barrier().get();
                              int sum = 0;
                              for (int i = 0; i < messages; ++i) sum += me.receive<int>(1 - me.id()).get();
                              return sum;
                          }))
                          .get();
    CHECK(sums == std::vector{50'000, 50'000});
}

TEST_CASE("in_order, wait_for and concat work on a fiber") {
    for_each_launcher(3, [](const spmd::engine_pool& pool) {
        const auto right =
            pool.broadcast(on_fibers([&](rank me) {
                    auto squares =
                        pool.map([](std::size_t x) { return x * x; }, std::vector<std::size_t>{1, 2, 3})
                            .start();
                    std::size_t sum = 0;
                    for (const std::size_t each : squares.in_order()) sum += each;
                    auto parts =
                        pool.broadcast([](rank inner) { return std::vector<std::size_t>(2, inner.id()); });
                    const auto whole = std::move(parts).concat();
                    auto slow = pool.broadcast([](rank) { return 1; }).start();
                    while (!slow.wait_for(std::chrono::microseconds(10))) {
                    }
                    me.barrier().get();
                    return sum == 14 && whole == std::vector<std::size_t>{0, 0, 1, 1, 2, 2};
                }))
                .get();
        CHECK(right == std::deque<bool>(3, true));
    });
}

TEST_CASE("errors of fibers name the rank, its peers, and the line of the call") {
    for_each_launcher(4, [](const spmd::engine_pool& pool) {
        std::atomic<unsigned> line{0};
        const auto outcomes = pool.broadcast(on_fibers([&](rank me) {
                                      if (me.id() == 2) throw std::runtime_error("no more");
                                      line = std::source_location::current().line() + 1;
                                      me.barrier().get();
                                  }))
                                  .outcomes();
        const auto messages = messages_of(outcomes);
        CHECK(messages[2] == "no more");
        for (const std::size_t id : {0U, 1U, 3U}) {
            CHECK_THAT(messages[id], Contains("rank 2 threw"));
            CHECK_THAT(messages[id], Contains("fibers_test.cpp:" + std::to_string(line)));
        }
    });
}

TEST_CASE("a deadlock of fibers is reported at each rank's line, and can be caught there") {
    for_each_launcher(3, [](const spmd::engine_pool& pool) {
        std::atomic<unsigned> line{0};
        const auto texts = pool.broadcast(on_fibers([&](rank me) -> std::string {
                                   try {
                                       if (me.id() == 0) {
                                           line = std::source_location::current().line() + 1;
                                           me.receive<int>(1, 5).get();
                                       }
                                       me.barrier().get();
                                   } catch (const spmd::deadlock_error& error) {
                                       return error.what();
                                   }
                                   return "";
                               }))
                               .get();
        for (const std::string& each : texts) {
            CHECK_THAT(each, Contains("deadlock: no rank can run: rank 0: receive(from 1, tag 5) at"));
            CHECK_THAT(each, Contains("fibers_test.cpp:" + std::to_string(line)));
            CHECK_THAT(each, Contains("ranks 1, 2: barrier"));
        }
    });
}

TEST_CASE("a stop ends fibers that wait, whose objects are destroyed") {
    for_each_launcher(40, [](const spmd::engine_pool& pool) {
        const auto alive = std::make_shared<int>(0);
        std::stop_source stop;
        auto result = pool.with({.stop = stop.get_token()})
                          .broadcast(on_fibers([&, alive](rank me) {
                              const std::shared_ptr<int> held = alive;
                              if (me.id() == 7) stop.request_stop();
                              me.receive<int>().get();
                          }))
                          .start();
        CHECK_THROWS_AS(result.get(), spmd::cancelled_error);
        result = {};
        CHECK(alive.use_count() == 1);
    });
}

TEST_CASE("exceptions that are handled across a wait stay with their fiber") {
    for_each_launcher(50, [](const spmd::engine_pool& pool) {
        const auto right = pool.broadcast(on_fibers([](rank me) {
                                   std::string seen;
                                   try {
                                       throw std::runtime_error(std::to_string(me.id()));
                                   } catch (const std::runtime_error&) {
                                       me.barrier().get();
                                       try {
                                           throw std::logic_error("inner");
                                       } catch (const std::logic_error&) {
                                           me.barrier().get();
                                       }
                                       seen = spmd::message_of(std::current_exception());
                                       me.barrier().get();
                                       try {
                                           throw;
                                       } catch (const std::exception& again) {
                                           seen += again.what();
                                       }
                                   }
                                   return seen == std::to_string(me.id()) + std::to_string(me.id()) &&
                                          std::current_exception() == nullptr &&
                                          std::uncaught_exceptions() == 0;
                               }))
                               .get();
        CHECK(right == std::deque<bool>(50, true));
    });
}

TEST_CASE("a destructor that runs during unwinding can meet") {
    for_each_launcher(6, [](const spmd::engine_pool& pool) {
        struct meeting {
            const rank& me;
            std::atomic<int>& met;
            ~meeting() {
                me.barrier().get();
                met += std::uncaught_exceptions();
            }
        };
        std::atomic<int> met{0};
        const auto outcomes = pool.broadcast(on_fibers([&](rank me) {
                                      const meeting at_end{me, met};
                                      throw std::runtime_error("unwound");
                                  }))
                                  .outcomes();
        CHECK(met == 6);
        CHECK(messages_of(outcomes) == std::vector<std::string>(6, "unwound"));
    });
}

#ifndef SPMD_TEST_WITHOUT_TBB

TEST_CASE("timing and traces have the waits of fibers") {
    spmd::trace_recorder trace({.tracks = spmd::trace_tracks::per_rank});
    const spmd::engine_pool pool{{.ranks = 3, .threads = 1, .trace = trace}};
    auto result = pool.with({.timing = true})
                      .broadcast(on_fibers([](rank me) {
                          me.all_reduce(me.id(), spmd::plus).get();
                          me.barrier().get();
                      }))
                      .start();
    result.wait();
    const auto times = result.timing();
    REQUIRE(times.collectives().size() == 2);
    CHECK(times.collectives()[0].operation == "all_reduce");
    CHECK(times.collectives()[1].operation == "barrier");
    std::ostringstream text;
    trace.write(text);
    CHECK_THAT(text.str(), Contains("all_reduce") && Contains("barrier") && Contains("fibers_test.cpp"));
}

TEST_CASE("a graph's stage can run on fibers") {
    const spmd::engine_pool pool{{.ranks = 8, .threads = 2}};
    spmd::task_graph graph(pool);
    const auto one = graph.once("one", [] { return std::size_t{1}; });
    const auto ranks =
        graph.broadcast("scan", one, on_fibers([](rank me, std::size_t first) {
                            return std::vector<std::size_t>{first + me.scan(me.id(), spmd::plus).get()};
                        }));
    const auto whole = graph.concat("whole", ranks);
    graph.run();
    CHECK(graph.result(whole) == std::vector<std::size_t>{1, 2, 4, 7, 11, 16, 22, 29});
}

TEST_CASE("a fiber can run a graph, whose stages have ranks on fibers") {
    const spmd::engine_pool pool{{.ranks = 4, .threads = 2}};
    const auto right = pool.broadcast(on_fibers([&](rank me) {
                               spmd::task_graph graph(pool);
                               const auto ranks =
                                   graph.broadcast("sum", on_fibers([](rank inner) {
                                                       std::vector<double> large(1000, 1.0);
                                                       return inner.all_reduce(large, spmd::plus).get();
                                                   }));
                               const auto whole = graph.concat("whole", ranks);
                               graph.run();
                               graph.run();
                               const bool good = graph.result(whole) == std::vector<double>(4000, 4.0);
                               return me.all_reduce(good, spmd::logical_and).get();
                           }))
                           .get();
    CHECK(right == std::deque<bool>(4, true));
}

#endif

TEST_CASE("get() of an operation outside of a fiber says what to write") {
    for_each_launcher(2, [](const spmd::engine_pool& pool) {
        const auto in_coroutine = pool.broadcast([](rank me) -> spmd::task<> {
                                          me.barrier().get();
                                          co_return;
                                      })
                                      .outcomes();
        CHECK_THAT(spmd::message_of(in_coroutine[0].error()),
                   Contains("spmd::on_fibers(task)") && Contains("co_await"));
        const auto in_plain = pool.broadcast([](rank me) { me.barrier().get(); }).outcomes();
        CHECK_THAT(spmd::message_of(in_plain[1].error()), Contains("spmd::on_fibers(task)"));
        // A coroutine that runs because a fiber waits is not on that fiber.
        const auto nested = pool.broadcast(on_fibers([&](rank) {
                                    return spmd::message_of(pool.broadcast([](rank inner) -> spmd::task<> {
                                                                    inner.barrier().get();
                                                                    co_return;
                                                                })
                                                                .outcomes()[0]
                                                                .error());
                                }))
                                .get();
        CHECK_THAT(nested[0], Contains("outside of a fiber"));
    });
}

TEST_CASE("a stack of a silly size is refused") {
    const spmd::engine_pool pool = make_jthread_pool(1, {1});
    const auto outcomes = pool.broadcast(on_fibers([](rank) {}, {.stack_size = SIZE_MAX})).outcomes();
    CHECK_THROWS_AS(std::rethrow_exception(outcomes[0].error()), std::bad_alloc);
    CHECK_THROWS_WITH(on_fibers([](rank) {}, {.stack_size = 100}),
                      "the stack of a fiber has at least 16384 bytes, not 100");
}

TEST_CASE("many fibers wait at once, and their stacks are used again") {
    const std::size_t ranks = std::min<std::size_t>(5000, most_fibers);
    const spmd::engine_pool pool = make_jthread_pool(ranks, {2});
    for (int i = 0; i < 3; ++i) {
        const auto sums = pool.broadcast(on_fibers([](rank me) {
                                  std::array<std::size_t, 200> used{};
                                  used.fill(me.id());
                                  me.barrier().get();
                                  const bool kept = std::ranges::count(used, me.id()) == 200;
                                  return me.all_reduce(std::size_t{kept}, spmd::plus).get();
                              }))
                              .get();
        REQUIRE(sums == std::vector(ranks, ranks));
    }
}

TEST_CASE("stacks of several sizes are used beside each other") {
    const spmd::engine_pool pool = make_jthread_pool(70, {2});
    for (const std::size_t size : {16384U, 300000U, 65536U, 16384U}) {
        const auto met = pool.broadcast(on_fibers(
                                            [size](rank me) {
                                                std::vector<std::byte*> deep;
                                                const auto use = [&](auto& again, std::size_t left) -> void {
                                                    std::array<volatile char, 1024> block{};
                                                    block[0] = 1;
                                                    if (left > 1024) again(again, left - 1024);
                                                    block[1023] = 2;
                                                };
                                                use(use, size / 4);
                                                return me.all_reduce(1, spmd::plus).get();
                                            },
                                            {.stack_size = size}))
                             .get();
        REQUIRE(met == std::vector(70, 70));
    }
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {

int deep(int n) {
    std::array<volatile int, 256> used{};
    used[static_cast<std::size_t>(n) % 256] = n;
    return n == 0 ? 0 : deep(n - 1) + used[static_cast<std::size_t>(n) % 256];
}

} // namespace

TEST_CASE("overflows the stack of a fiber", "[.overflow]") {
    const spmd::engine_pool pool = make_jthread_pool(5, {1});
    pool.broadcast(on_fibers([](rank me) {
            me.barrier().get();
            return me.id() == 3 ? deep(1'000'000) : 0;
        }))
        .get();
}

TEST_CASE("a stack that overflows is a message with the rank and the size") {
    const auto run = run_program({"sh", "-c", R"("$0" '[.overflow]' 2>&1 >/dev/null; echo "status $?")",
                                  std::filesystem::read_symlink("/proc/self/exe").string()});
    CHECK_THAT(run.output, Contains("spmd: stack overflow: rank 3 needs more than its stack of 65536 bytes; "
                                    "write on_fibers(task, {.stack_size = 262144})"));
    CHECK_THAT(run.output, !Contains("status 0"));
}

#endif
