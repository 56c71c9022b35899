// Guards against ranks that wait forever, and against errors that do not say who waits for whom, and where:
// every program below must end, on every launcher, with word for word the same errors on all of them.
#include "support/pools.hpp"

#include <spmd/spmd.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace test_support;
using spmd::rank;
using spmd::task;
using texts = std::vector<std::string>;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t a_million = 50'000;
constexpr std::size_t long_ring = 10'000;
#else
constexpr std::size_t a_million = 1'000'000;
constexpr std::size_t long_ring = 200'000;
#endif

// The lines at which ranks wait, each with its number in the constant above it.
constexpr std::size_t barrier_line = __LINE__ + 1;
task<> wait_at_barrier(rank me) { co_await me.barrier(); }
constexpr std::size_t pending_line = __LINE__ + 1;
auto begin_barrier(const rank& me) { return me.barrier().start(); }
constexpr std::size_t split_line = __LINE__ + 1;
task<> wait_at_split(rank me) { co_await me.split(0); }
constexpr std::size_t receive_line = __LINE__ + 1;
task<int> wait_for(rank me, spmd::source from, int tag) { co_return co_await me.receive<int>(from, tag); }
constexpr std::size_t pending_receive_line = __LINE__ + 1;
auto begin_receive(const rank& me, std::size_t from) { return me.receive<int>(from).start(); }
constexpr std::size_t send_line = __LINE__ + 1;
task<> send_double(rank me, std::size_t to) { co_return me.send(1.5, to); }
constexpr std::size_t ints_line = __LINE__ + 1;
task<int> sum_ints(rank me, int mine) { co_return co_await me.all_reduce(mine, std::plus<>{}); }
constexpr std::size_t doubles_line = __LINE__ + 1;
task<double> sum_doubles(rank me) { co_return co_await me.all_reduce(1.0, std::plus<>{}); }
using many = std::vector<double>;
constexpr std::size_t vectors_line = __LINE__ + 1;
task<many> sum_vectors(rank me, many mine) { co_return co_await me.all_reduce(mine, std::plus<>{}); }
constexpr std::size_t broadcast_line = __LINE__ + 1;
task<int> from_root(rank me, std::size_t root) { co_return co_await me.broadcast(1, root); }

std::string at_line(std::size_t line) {
    std::string text = " at rank_scheduler_test.cpp:";
    text += std::to_string(line);
    return text;
}

/// The error message of each rank; empty for one that succeeded.
template <class T>
texts errors_of(spmd::async_result<T> result) {
    texts all;
    for (const spmd::outcome<T>& each : result.outcomes())
        all.push_back(each.has_value() ? "" : spmd::message_of(each.error()));
    return all;
}

template <class Error, class T>
std::size_t count_of(const std::vector<spmd::outcome<T>>& outcomes) {
    std::size_t count = 0;
    for (const spmd::outcome<T>& each : outcomes) {
        if (each.has_value()) continue;
        try {
            std::rethrow_exception(each.error());
        } catch (const Error&) {
            ++count;
        } catch (...) {
        }
    }
    return count;
}

/// Counts the live objects in ranks' frames.
class counted {
public:
    explicit counted(std::atomic<long>& count) : count_(&count) { ++*count_; }
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;
    ~counted() { --*count_; }

private:
    std::atomic<long>* count_;
};

} // namespace

TEST_CASE("a deadlock reports which ranks wait where, and which have ended") {
    for_each_launcher(10, [](const spmd::engine_pool& pool) {
        const texts errors = errors_of(pool.broadcast([](rank me) -> task<> {
                                               if (me.id() == 0) co_await wait_for(me, 1, 3);
                                               if (me.id() == 1) {
                                                   auto pending = begin_receive(me, 0);
                                                   co_await pending;
                                               }
                                               if (me.id() == 6) throw std::runtime_error("no more");
                                               if (me.id() > 6)
                                                   co_await wait_for(me, spmd::any_source, spmd::any_tag);
                                           })
                                           .start());
        const std::string deadlock =
            "deadlock: no rank can run: rank 0: receive(from 1, tag 3)" + at_line(receive_line) +
            "; rank 1: receive(from 0, tag any)" + at_line(pending_receive_line) +
            "; ranks 2 to 5 returned; rank 6 threw; ranks 7 to 9: receive(from any, tag any)" +
            at_line(receive_line);
        CHECK(errors == texts{deadlock, deadlock, "", "", "", "", "no more", deadlock, deadlock, deadlock});
    });
    for_each_launcher(3, [](const spmd::engine_pool& pool) {
        auto result = pool.broadcast([](rank me) -> task<> {
                              if (me.id() == 2) co_await wait_for(me, 0, 0);
                              auto pending = begin_barrier(me);
                              co_await pending;
                          })
                          .start();
        const auto outcomes = result.outcomes();
        CHECK(count_of<spmd::deadlock_error>(outcomes) == 3);
        CHECK(spmd::message_of(outcomes[0].error()) ==
              "deadlock: no rank can run: ranks 0, 1: barrier" + at_line(pending_line) +
                  "; rank 2: receive(from 0, tag 0)" + at_line(receive_line));
    });
}

TEST_CASE("a deadlock of many ranks in many places is reported in short form") {
    for_each_launcher(100, [](const spmd::engine_pool& pool) {
        const texts errors =
            errors_of(pool.broadcast([](rank me) -> task<> {
                              if (me.id() % 2 == 0) co_await wait_at_barrier(me);
                              co_await wait_for(me, 0, static_cast<int>(me.id() < 17 ? me.id() : 17));
                          })
                          .start());
        std::string deadlock =
            "deadlock: no rank can run: ranks 0, 2, 4, 6 and 46 more: barrier" + at_line(barrier_line);
        for (const int tag : {1, 3, 5, 7, 9, 11, 13}) {
            deadlock +=
                "; rank " + std::to_string(tag) + ": receive(from 0, tag " + std::to_string(tag) + ")";
            deadlock += at_line(receive_line);
        }
        deadlock += "; and 43 more ranks elsewhere";
        CHECK(errors == texts(100, deadlock));
    });
}

TEST_CASE("a rank that waits for itself is a deadlock") {
    for_each_launcher(1, [](const spmd::engine_pool& pool) {
        CHECK(errors_of(pool.broadcast([](rank me) -> task<> { co_await wait_for(me, 0, 2); }).start()) ==
              texts{"deadlock: no rank can run: rank 0: receive(from 0, tag 2)" + at_line(receive_line)});
        CHECK(errors_of(pool.broadcast([](rank me) -> task<> {
                                co_await wait_for(me, spmd::any_source, spmd::any_tag);
                            })
                            .start()) ==
              texts{"deadlock: no rank can run: rank 0: receive(from any, tag any)" + at_line(receive_line)});
        CHECK_THROWS_AS(pool.broadcast([](rank me) -> task<> { co_await wait_for(me, 0, 2); }).get(),
                        spmd::composite_error);
    });
}

TEST_CASE("a deadlock in one group waits until the other groups have finished, and spares them") {
    for_each_launcher(20, [](const spmd::engine_pool& pool) {
        auto result = pool.broadcast([](rank me) -> task<int> {
                              const rank group = co_await me.split(me.id() % 2);
                              if (me.id() % 2 == 1)
                                  co_await wait_for(group, (group.id() + 1) % group.size(), 0);
                              int sum = 0;
                              for (int i = 0; i < 100; ++i)
                                  sum += co_await group.all_reduce(1, std::plus<>{});
                              co_return sum;
                          })
                          .start();
        const auto outcomes = result.outcomes();
        for (std::size_t id = 0; id < 20; id += 2) CHECK(outcomes[id].value() == 1000);
        CHECK(count_of<spmd::deadlock_error>(outcomes) == 10);
        // Ranks have their ids in the broadcast, not in the group.
        const std::string text = spmd::message_of(outcomes[1].error());
        CHECK(text.find("rank 0 returned; rank 1: receive(from 3, tag 0)" + at_line(receive_line)) ==
              std::string::npos);
        CHECK(text.find("; rank 1: receive(from 3, tag 0)" + at_line(receive_line)) != std::string::npos);
        CHECK(text.find("ranks 0, 2, 4, 6 and 6 more returned") != std::string::npos);
    });
}

namespace {

task<int> deeper(rank me, int depth, std::atomic<long>& alive) {
    const counted here(alive);
    if (depth > 0) co_return co_await deeper(me, depth - 1, alive) + 1;
    co_return co_await wait_for(me, (me.id() + 1) % me.size(), 0);
}

} // namespace

TEST_CASE("a deadlock propagates through nested helpers, and may be caught on the way") {
    for_each_launcher(5, [](const spmd::engine_pool& pool) {
        std::atomic<long> alive{0};
        auto result = pool.broadcast([&](rank me) -> task<int> {
                              try {
                                  co_return co_await deeper(me, 10, alive);
                              } catch (const spmd::deadlock_error&) {
                              }
                              const int sum = co_await me.all_reduce(1, std::plus<>{});
                              if (me.id() == 0) co_return sum;
                              co_return co_await deeper(me, 3, alive);
                          })
                          .start();
        const texts errors = errors_of(std::move(result));
        CHECK(alive == 0);
        CHECK(errors[0] == "");
        // Rank 4 waited for rank 0, which had returned; rank 3 waited for 4, and so on.
        const std::string reason =
            "rank 0 returned before it reached a send for the receive(from 0, tag 0)" + at_line(receive_line);
        CHECK(errors[4] == reason);
        CHECK(errors[3] == "rank 4 failed before it reached a send for the receive(from 4, tag 0)" +
                               at_line(receive_line) + ": " + reason);
    });
}

TEST_CASE("a rank that waits for an ended rank gets peer_error, with the original cause") {
    SECTION("the peer returned") {
        for_each_launcher(4, [](const spmd::engine_pool& pool) {
            const texts errors = errors_of(pool.broadcast([](rank me) -> task<> {
                                                   if (me.id() != 2) co_await wait_at_barrier(me);
                                               })
                                               .start());
            const std::string text = "rank 2 returned before it reached barrier" + at_line(barrier_line);
            CHECK(errors == texts{text, text, "", text});
        });
    }
    SECTION("the peer threw") {
        for_each_launcher(4, [](const spmd::engine_pool& pool) {
            const texts errors = errors_of(pool.broadcast([](rank me) -> task<> {
                                                   if (me.id() == 2) throw std::runtime_error("no more");
                                                   co_await wait_at_split(me);
                                               })
                                               .start());
            const std::string text =
                "rank 2 threw before it reached split" + at_line(split_line) + ": no more";
            CHECK(errors == texts{text, text, "no more", text});
        });
    }
    SECTION("peers fail in a chain") {
        for_each_launcher(4, [](const spmd::engine_pool& pool) {
            auto result = pool.broadcast([](rank me) -> task<> {
                                  if (me.id() == 3) throw std::runtime_error("no more");
                                  if (me.id() == 0) co_await wait_for(me, 1, 7);
                                  auto pending = begin_receive(me, me.id() + 1);
                                  co_await pending;
                              })
                              .start();
            const auto outcomes = result.outcomes();
            for (std::size_t id = 0; id < 3; ++id) {
                try {
                    std::rethrow_exception(outcomes[id].error());
                } catch (const spmd::peer_error& error) {
                    CHECK(error.rank() == id + 1);
                    CHECK(error.reason() == "no more");
                }
            }
            CHECK(spmd::message_of(outcomes[2].error()) ==
                  "rank 3 threw before it reached a send for the receive(from 3, tag any)" +
                      at_line(pending_receive_line) + ": no more");
            CHECK(spmd::message_of(outcomes[0].error()) ==
                  "rank 1 failed before it reached a send for the receive(from 1, tag 7)" +
                      at_line(receive_line) + ": no more");
        });
    }
    SECTION("all others have ended, and any of them could have sent") {
        for_each_launcher(4, [](const spmd::engine_pool& pool) {
            const texts errors = errors_of(pool.broadcast([](rank me) -> task<> {
                                                   if (me.id() == 2) throw std::runtime_error("no more");
                                                   if (me.id() == 1)
                                                       co_await wait_for(me, spmd::any_source, 5);
                                               })
                                               .start());
            CHECK(errors[1] == "rank 2 threw before it reached a send for the receive(from any, tag 5)" +
                                   at_line(receive_line) + ": no more");
        });
    }
    SECTION("a member of a group is named by its id in the broadcast") {
        for_each_launcher(4, [](const spmd::engine_pool& pool) {
            const texts errors = errors_of(pool.broadcast([](rank me) -> task<> {
                                                   const rank group = co_await me.split(
                                                       me.id() / 2, -static_cast<std::int64_t>(me.id()));
                                                   if (me.id() != 3) co_await wait_at_barrier(group);
                                               })
                                               .start());
            const std::string text = "rank 3 returned before it reached barrier" + at_line(barrier_line);
            CHECK(errors == texts{"", "", text, ""});
        });
    }
}

TEST_CASE("messages sent before a rank ended are still received") {
    for_each_launcher(2, [](const spmd::engine_pool& pool) {
        const texts errors = errors_of(pool.broadcast([](rank me) -> task<> {
                                               if (me.id() == 0) me.send(1, 1, 7);
                                               if (me.id() == 0) throw std::runtime_error("no more");
                                               if (co_await wait_for(me, 0, 7) != 1)
                                                   throw std::logic_error("another value");
                                               co_await wait_for(me, 0, 7);
                                           })
                                           .start());
        CHECK(errors[1] == "rank 0 threw before it reached a send for the receive(from 0, tag 7)" +
                               at_line(receive_line) + ": no more");
    });
}

TEST_CASE("ranks in different collectives get mismatch_error, with both ranks and lines") {
    const auto check = [](auto body, const std::string& one, const std::string& other) {
        for_each_launcher(3, [&](const spmd::engine_pool& pool) {
            auto result = pool.broadcast(body).start();
            const auto outcomes = result.outcomes();
            CHECK(count_of<spmd::mismatch_error>(outcomes) == 3);
            for (const auto& each : outcomes)
                CHECK(spmd::message_of(each.error()) ==
                      "collective mismatch: rank 0 called " + one + ", but rank 2 called " + other);
        });
    };
    check(
        [](rank me) -> task<> {
            if (me.id() == 2) co_await sum_doubles(me);
            co_await wait_at_barrier(me);
        },
        "barrier" + at_line(barrier_line), "all_reduce of double" + at_line(doubles_line));
    check(
        [](rank me) -> task<> {
            if (me.id() == 2) co_await sum_doubles(me);
            co_await sum_ints(me, 1);
        },
        "all_reduce of int" + at_line(ints_line), "all_reduce of double" + at_line(doubles_line));
    check([](rank me) -> task<> { co_await from_root(me, me.id() / 2); },
          "broadcast of int, root 0" + at_line(broadcast_line),
          "broadcast of int, root 1" + at_line(broadcast_line));
    check(
        [](rank me) -> task<> {
            many mine(me.id() == 2 ? 4 : 3);
            co_await sum_vectors(me, std::move(mine));
        },
        "all_reduce of std::vector<double>, 3 elements" + at_line(vectors_line),
        "all_reduce of std::vector<double>, 4 elements" + at_line(vectors_line));
}

TEST_CASE("a collective that is started and awaited late, or never, still counts as a mismatch") {
    for (const bool is_dropped : {false, true}) {
        for (const std::size_t odd : {0U, 2U}) { // the first to arrive, or a later one
            for_each_launcher(3, [&](const spmd::engine_pool& pool) {
                auto result = pool.broadcast([&](rank me) -> task<> {
                                      if (me.id() != odd) {
                                          co_await sum_ints(me, 1);
                                          co_return;
                                      }
                                      auto pending = begin_barrier(me);
                                      if (!is_dropped) co_await wait_for(me, 0, 0); // delays the await
                                  })
                                  .start();
                const texts errors = errors_of(std::move(result));
                const std::string barrier = " called barrier" + at_line(pending_line);
                const std::string sum = " called all_reduce of int" + at_line(ints_line);
                CHECK(errors[1] == (odd == 0
                                        ? "collective mismatch: rank 0" + barrier + ", but rank 1" + sum
                                        : "collective mismatch: rank 0" + sum + ", but rank 2" + barrier));
                CHECK(errors[2 - odd] == errors[1]);
            });
        }
    }
}

TEST_CASE("a message of another type is a mismatch for its receiver only") {
    for_each_launcher(3, [](const spmd::engine_pool& pool) {
        const texts errors = errors_of(pool.broadcast([](rank me) -> task<> {
                                               if (me.id() == 2) co_await send_double(me, 1);
                                               if (me.id() == 1) co_await wait_for(me, 2, spmd::any_tag);
                                           })
                                           .start());
        const std::string text = "message mismatch: rank 1 receives int" + at_line(receive_line) +
                                 ", but rank 2 sent double" + at_line(send_line);
        CHECK(errors == texts{"", text, ""});
    });
}

TEST_CASE("a composite_error lists the root cause before its consequences") {
    for_each_launcher(6, [](const spmd::engine_pool& pool) {
        auto result = pool.broadcast([](rank me) -> task<> {
                              if (me.id() == 5) throw std::runtime_error("no more");
                              co_await wait_at_barrier(me);
                          })
                          .start();
        CHECK_THROWS_WITH(
            result.get(),
            Catch::Matchers::Equals("6 of 6 ranks failed: rank 5: no more; ranks 0 to 4: rank 5 threw before "
                                    "it reached barrier" +
                                    at_line(barrier_line) + ": no more"));
    });
}

TEST_CASE("ranks that catch an error continue with collectives") {
    for_each_launcher(100, [](const spmd::engine_pool& pool) {
        const auto sums = pool.broadcast([](rank me) -> task<int> {
                                  int sum = 0;
                                  for (int round = 0; round < 10; ++round) {
                                      bool is_caught = false;
                                      try {
                                          // A mismatch, a deadlock of all, a receive without a sender.
                                          if (round % 3 == 0 && me.id() == 7) co_await wait_at_barrier(me);
                                          if (round % 3 == 0) co_await sum_ints(me, 1);
                                          co_await wait_for(me, (me.id() + 1) % me.size(), round);
                                      } catch (const spmd::mismatch_error&) {
                                          is_caught = round % 3 == 0;
                                      } catch (const spmd::deadlock_error&) {
                                          is_caught = round % 3 != 0;
                                      }
                                      sum += co_await me.all_reduce(is_caught ? 1 : 0, std::plus<>{});
                                      const rank half = co_await me.split(me.id() % 2);
                                      sum += co_await half.all_reduce(1, std::plus<>{});
                                  }
                                  co_return sum;
                              })
                              .get();
        for (const int sum : sums) REQUIRE(sum == 10 * (100 + 50));
    });
}

TEST_CASE("a collective that ranks have abandoned does not complete later") {
    // Rank 1 arrives at the first sum after rank 0 has abandoned it for the second.
    SECTION("abandoned for a deadlock") {
        for_each_launcher(2, [](const spmd::engine_pool& pool) {
            auto result = pool.broadcast([](rank me) -> task<int> {
                                  try {
                                      if (me.id() == 0) co_await sum_ints(me, 100);
                                      if (me.id() == 1) co_await wait_for(me, 0, 0);
                                  } catch (const spmd::deadlock_error&) {
                                  }
                                  co_return co_await sum_ints(me, 1);
                              })
                              .start();
            const texts errors = errors_of(std::move(result));
            const std::string deadlock = "deadlock: no rank can run: rank 0: all_reduce" +
                                         at_line(ints_line) + "; rank 1: receive(from 0, tag 0)" +
                                         at_line(receive_line);
            CHECK(errors[1] == deadlock);
            CHECK(errors[0] ==
                  "rank 1 threw before it reached all_reduce" + at_line(ints_line) + ": " + deadlock);
        });
    }
    SECTION("abandoned for a mismatch") {
        for_each_launcher(2, [](const spmd::engine_pool& pool) {
            auto result = pool.broadcast([](rank me) -> task<int> {
                                  try {
                                      if (me.id() == 0) co_await wait_at_barrier(me);
                                      if (me.id() == 1) co_await sum_ints(me, 1);
                                  } catch (const spmd::mismatch_error&) {
                                  }
                                  co_return co_await sum_ints(me, 1);
                              })
                              .start();
            CHECK(result.get() == std::vector{2, 2});
        });
    }
}

TEST_CASE("on cancellation all waiting ranks report it, wherever they wait, and leave nothing behind") {
    for (const std::size_t threads : {1U, 2U}) {
        for_each_concurrent_pool(60, threads, [](const spmd::engine_pool& pool) {
            for (int round = 0; round < 5; ++round) {
                std::atomic<bool> is_running{false};
                std::atomic<long> alive{0};
                std::atomic<int> waiting{0};
                std::atomic<int> cancelled{0};
                auto result = pool.broadcast([&](rank me) -> task<> {
                                      const counted here(alive);
                                      auto pending = begin_receive(me, 0);
                                      if (me.id() == 59) {
                                          is_running = true;
                                          while (!me.stop_requested()) std::this_thread::yield();
                                      }
                                      ++waiting;
                                      try {
                                          if (me.id() % 4 == 0) co_await wait_at_barrier(me);
                                          if (me.id() % 4 == 1) co_await wait_for(me, 59, 0);
                                          if (me.id() % 4 == 2) co_await wait_at_split(me);
                                          co_await pending;
                                      } catch (const spmd::cancelled_error&) {
                                          ++cancelled;
                                      }
                                      co_await wait_at_barrier(me); // never completes
                                      alive += 1000;
                                  })
                                  .start();
                REQUIRE(eventually([&] { return is_running.load(); }));
                result.cancel();
                REQUIRE_THROWS_AS(result.get(), spmd::cancelled_error);
                CHECK(alive == 0);
                CHECK(cancelled == waiting);
                CHECK(count_of<spmd::cancelled_error>(result.outcomes()) == 60);
            }
        });
    }
}

TEST_CASE("coroutine ranks that are cancelled before they start never do") {
    const spmd::engine_pool pool = make_parked_pool(100);
    std::atomic<int> runs{0};
    auto result = pool.broadcast([&](rank me) -> task<> {
                          ++runs;
                          co_await wait_at_barrier(me);
                      })
                      .start();
    result.cancel();
    CHECK_THROWS_WITH(result.get(),
                      Catch::Matchers::Equals("cancelled: 100 of 100 ranks did not run to the end"));
    CHECK(runs == 0);
}

TEST_CASE("on_error::stop wakes the ranks that wait for the one that threw") {
    for_each_launcher(50, [](const spmd::engine_pool& pool) {
        std::atomic<long> alive{0};
        auto result = pool.with({.on_error = spmd::on_error::stop})
                          .broadcast([&](rank me) -> task<> {
                              const counted here(alive);
                              if (me.id() == 20) throw std::runtime_error("no more");
                              co_await wait_at_barrier(me);
                          })
                          .start();
        try {
            result.get();
            FAIL("nothing was thrown");
        } catch (const spmd::composite_error& error) {
            REQUIRE(error.failures().size() == 1);
            CHECK(error.failures()[0].index == 20);
        }
        CHECK(alive == 0);
        CHECK(count_of<spmd::cancelled_error>(result.outcomes()) == 49);
    });
}

TEST_CASE("a result dropped while ranks wait leaves no frame behind") {
    for (const std::size_t threads : {1U, 2U}) {
        for_each_concurrent_pool(200, threads, [](const spmd::engine_pool& pool) {
            std::atomic<long> alive{0};
            std::atomic<long> started{0};
            const auto captured = std::make_shared<int>(1);
            for (int round = 0; round < 20; ++round) {
                std::atomic<bool> is_running{false};
                const auto result = pool.broadcast([&, captured](rank me) -> task<> {
                                            const counted here(alive);
                                            ++started;
                                            const rank group = co_await me.split(me.id() % 3);
                                            if (me.id() == 0) is_running = true;
                                            for (;;) co_await wait_at_barrier(group);
                                        })
                                        .start();
                REQUIRE(eventually([&] { return is_running.load(); }));
            }
            CHECK(started == 20 * 200);
            CHECK(alive == 0);
            CHECK(captured.use_count() == 1);
        });
    }
}

TEST_CASE("very many ranks at a barrier all learn that one has thrown") {
    for_each_concurrent_pool(a_million, 2, [](const spmd::engine_pool& pool) {
        auto result = pool.broadcast([](rank me) -> task<> {
                              if (me.id() == a_million / 2) throw std::runtime_error("no more");
                              co_await me.barrier();
                          })
                          .start();
        const auto outcomes = result.outcomes();
        CHECK(spmd::message_of(outcomes[a_million / 2].error()) == "no more");
        std::size_t shared = 0;
        for (const auto& each : outcomes)
            shared += !each.has_value() && each.error() == outcomes[0].error() ? 1U : 0U;
        CHECK(shared == a_million - 1);
        const std::string text = spmd::message_of(outcomes[0].error());
        CHECK(text.find("rank " + std::to_string(a_million / 2) + " threw before it reached barrier at ") ==
              0);
    });
}

TEST_CASE("along a long ring, each rank in the chain of waits learns the cause") {
    for_each_concurrent_pool(long_ring, 2, [](const spmd::engine_pool& pool) {
        auto result = pool.broadcast([](rank me) -> task<> {
                              if (me.id() == 5) co_return;
                              if (me.id() > 0) co_await wait_for(me, me.id() - 1, 0);
                              me.send(1, (me.id() + 1) % me.size());
                              if (me.id() == 0) co_await wait_for(me, me.size() - 1, 0);
                          })
                          .start();
        const auto outcomes = result.outcomes();
        const std::string reason =
            "rank 5 returned before it reached a send for the receive(from 5, tag 0)" + at_line(receive_line);
        CHECK(spmd::message_of(outcomes[6].error()) == reason);
        CHECK(spmd::message_of(outcomes[0].error()) ==
              "rank " + std::to_string(long_ring - 1) +
                  " failed before it reached a send for the receive(from " + std::to_string(long_ring - 1) +
                  ", tag 0)" + at_line(receive_line) + ": " + reason);
        CHECK(count_of<spmd::peer_error>(outcomes) == long_ring - 5);
        for (const std::size_t id : {1U, 2U, 3U, 4U, 5U}) CHECK(outcomes[id].has_value());
    });
}

// Would take hours if each halt scanned all ranks.

TEST_CASE("in a long row, each rank may catch its neighbour's failure and wait for the next") {
    for_each_concurrent_pool(long_ring, 2, [](const spmd::engine_pool& pool) {
        // Each odd rank catches the failure of its predecessor, sends to its successor, and waits for it; the
        // successor then fails.
        auto result = pool.broadcast([](rank me) -> task<> {
                              if (me.id() == 0) throw std::runtime_error("no more");
                              bool heard = false;
                              try {
                                  co_await wait_for(me, me.id() - 1, 0);
                              } catch (const spmd::peer_error&) {
                                  heard = true;
                              }
                              if (!heard || me.id() + 1 == me.size()) throw std::runtime_error("at the end");
                              me.send(1, me.id() + 1);
                              co_await wait_for(me, me.id() + 1, 0);
                          })
                          .start();
        const auto outcomes = result.outcomes();
        CHECK(spmd::message_of(outcomes[0].error()) == "no more");
        CHECK(spmd::message_of(outcomes[2].error()) == "at the end");
        CHECK(spmd::message_of(outcomes[1].error()) ==
              "rank 2 threw before it reached a send for the receive(from 2, tag 0)" + at_line(receive_line) +
                  ": at the end");
        CHECK(count_of<std::runtime_error>(outcomes) == long_ring);
    });
}

TEST_CASE("very many ranks at a barrier all learn that one waits for another's message") {
    const spmd::engine_pool pool = make_jthread_pool(a_million, {2});
    auto result = pool.broadcast([](rank me) -> task<> {
                          if (me.id() == 7) co_await wait_for(me, 8, 3);
                          co_await wait_at_barrier(me);
                      })
                      .start();
    const auto outcomes = result.outcomes();
    CHECK(count_of<spmd::deadlock_error>(outcomes) == a_million);
    CHECK(spmd::message_of(outcomes[0].error()) ==
          "deadlock: no rank can run: ranks 0 to 6, 8 to " + std::to_string(a_million - 1) + ": barrier" +
              at_line(barrier_line) + "; rank 7: receive(from 8, tag 3)" + at_line(receive_line));
}

TEST_CASE("very many ranks that wait for any source, half of which have returned, get deadlock_error") {
    const spmd::engine_pool pool = make_jthread_pool(a_million, {2});
    auto result = pool.broadcast([](rank me) -> task<> {
                          if (me.id() >= me.size() / 2) co_await wait_for(me, spmd::any_source, 0);
                      })
                      .start();
    const auto outcomes = result.outcomes();
    CHECK(count_of<spmd::deadlock_error>(outcomes) == a_million / 2);
}

TEST_CASE("two ranks that exchange messages endlessly do not starve a third") {
    for_each_launcher(4, [](const spmd::engine_pool& pool) {
        const auto done = pool.broadcast([](rank me) -> task<> {
                                  if (me.id() == 0) {
                                      co_await me.receive<int>(3);
                                      me.send(0, 3);
                                  } else if (me.id() == 1) {
                                      while (co_await me.receive<int>(3) != 0) me.send(1, 3);
                                  } else if (me.id() == 3) {
                                      me.send(1, 1);
                                      me.send(1, 0);
                                      // Ranks 1 and 3 wake each other until rank 0's message arrives.
                                      while ((co_await me.receive_message<int>()).from != 0) me.send(1, 1);
                                      me.send(0, 1);
                                  }
                              })
                              .outcomes();
        for (const auto& each : done) CHECK(each.has_value());
    });
}

TEST_CASE("a rank woken from another arena runs even if no thread is left there") {
    const spmd::engine_pool pool = make_jthread_pool(1000, {1, 1});
    for (int round = 0; round < 20; ++round) {
        const auto done =
            pool.broadcast([](rank me) -> task<std::size_t> {
                    if (me.id() == 0 || me.id() == 2)
                        co_return co_await me.receive<std::size_t>(me.size() - 1);
                    if (me.id() + 1 < me.size()) co_return me.id();
                    std::this_thread::sleep_for(std::chrono::milliseconds(1)); // lets the other threads leave
                    me.send(me.id(), 0);
                    me.send(me.id(), 2);
                    co_return 0;
                })
                .get();
        CHECK(done[0] == 999);
        CHECK(done[2] == 999);
    }
}

TEST_CASE("a pool may be destroyed as soon as its last rank has ended") {
    for (int round = 0; round < 300; ++round) {
        spmd::async_result<std::size_t> result;
        {
            const spmd::engine_pool pool = make_jthread_pool(64, {2});
            result = pool.broadcast([](rank me) -> task<std::size_t> {
                             std::size_t sum = 0;
                             for (int i = 0; i < 4; ++i) {
                                 for (int work = 0; work < 500; ++work)
                                     std::atomic_signal_fence(std::memory_order_seq_cst);
                                 sum += co_await me.all_reduce(me.id(), std::plus<>{});
                             }
                             co_return sum;
                         })
                         .start();
        }
        REQUIRE(result.get()[5] == 4 * 63 * 32);
    }
}

TEST_CASE("collectives that all ranks started, failed and dropped do not affect later ones") {
    for_each_launcher(2, [](const spmd::engine_pool& pool) {
        const auto sums = pool.broadcast([](rank me) -> task<int> {
                                  bool deadlock = false;
                                  try {
                                      if (me.id() == 0) {
                                          auto pending = me.barrier().start();
                                          co_await pending;
                                      } else {
                                          co_await wait_for(me, 0, 0);
                                      }
                                  } catch (const spmd::deadlock_error&) {
                                      deadlock = true;
                                  }
                                  if (!deadlock) co_return -1;
                                  if (me.id() == 1) static_cast<void>(me.barrier().start());
                                  co_await me.barrier();
                                  co_return co_await me.all_reduce(1, std::plus<>{});
                              })
                              .get();
        CHECK(sums == std::vector<int>{2, 2});
    });
}

namespace {

/// Cannot be moved or copied while `*refuses`.
struct stubborn {
    stubborn(int v, const bool* r) : value(v), refuses(r) {}
    stubborn(const stubborn& other) : value(other.value), refuses(other.refuses) {
        if (*refuses) throw std::runtime_error("cannot be moved");
    }
    stubborn& operator=(const stubborn&) = default;
    int value;
    const bool* refuses;
};

constexpr std::size_t stubborn_line = __LINE__ + 6;
/// Rank 1's value cannot be moved to the others at the first attempt.
task<int> sum_stubborn(rank me, bool tries_again) {
    static constexpr bool never = false;
    bool refuses = false;
    const auto add = [](const stubborn& a, const stubborn& b) { return stubborn(a.value + b.value, &never); };
    auto sum = me.all_reduce(stubborn(1, me.id() == 1 ? &refuses : &never), add);
    refuses = me.id() == 1;
    try {
        co_return (co_await sum).value;
    } catch (const std::runtime_error& error) {
        if (me.id() != 1 || !tries_again) throw;
    }
    refuses = false;
    co_return (co_await sum).value;
}

} // namespace

TEST_CASE("a rank whose value cannot be moved has not arrived, and may retry") {
    for_each_launcher(3, [](const spmd::engine_pool& pool) {
        const auto sums = pool.broadcast([](rank me) -> task<int> {
                                  const int sum = co_await sum_stubborn(me, true);
                                  co_return sum + co_await me.all_reduce(1, std::plus<>{});
                              })
                              .get();
        CHECK(sums == std::vector<int>{6, 6, 6});
        const std::string failed =
            "rank 1 threw before it reached all_reduce" + at_line(stubborn_line) + ": cannot be moved";
        CHECK(errors_of(pool.broadcast([](rank me) { return sum_stubborn(me, false); }).start()) ==
              texts{failed, "cannot be moved", failed});
    });
}

TEST_CASE("ranks that combine by different operations get both names") {
    for_each_launcher(2, [](const spmd::engine_pool& pool) {
        const auto errors = errors_of(pool.broadcast([](rank me) -> task<> {
                                              if (me.id() == 0) co_await me.all_reduce(1, std::plus<>{});
                                              if (me.id() == 1)
                                                  co_await me.all_reduce(1, std::multiplies<>{});
                                          })
                                          .start());
        for (const std::string& each : errors) {
            CHECK(each.find("rank 0 called all_reduce of int by std::plus<void> at ") != std::string::npos);
            CHECK(each.find("rank 1 called all_reduce of int by std::multiplies<void> at ") !=
                  std::string::npos);
        }
    });
}

TEST_CASE("differing numbers of elements are reported, even if one is zero") {
    for_each_launcher(2, [](const spmd::engine_pool& pool) {
        const auto errors =
            errors_of(pool.broadcast([](rank me) { return sum_vectors(me, many(me.id(), 1.0)); }).start());
        for (const std::string& each : errors) {
            CHECK(each.find(", 0 elements at ") != std::string::npos);
            CHECK(each.find(", 1 element at ") != std::string::npos);
        }
    });
}

TEST_CASE("ranks cancelled while they wait report it") {
    for_each_concurrent_pool(6, 2, [](const spmd::engine_pool& pool) {
        gate shut;
        std::array<std::string, 6> heard;
        auto result = pool.broadcast([&](rank me) -> task<> {
                              if (me.id() == 0) {
                                  shut.wait();
                                  try {
                                      me.send(1, 1);
                                  } catch (const spmd::cancelled_error& error) {
                                      heard[0] = error.what();
                                      throw;
                                  }
                              }
                              try {
                                  co_await me.barrier();
                              } catch (const spmd::cancelled_error& error) {
                                  heard[me.id()] = error.what();
                                  throw;
                              }
                          })
                          .start();
        CHECK_FALSE(result.wait_for(std::chrono::milliseconds(5)));
        result.cancel();
        shut.open();
        CHECK_THROWS_WITH(result.get(), "cancelled: 6 of 6 ranks did not run to the end");
        CHECK(heard[0] == "cancelled: a stop was requested");
        for (const std::size_t id : {1U, 2U, 3U, 4U, 5U})
            CHECK((heard[id] == "cancelled while it waited for other ranks" ||
                   heard[id] == "cancelled: a stop was requested" || heard[id].empty()));
    });
}

TEST_CASE("heavy work between collectives uses several threads, although most collectives have none") {
    for_each_concurrent_pool(2, 2, [](const spmd::engine_pool& pool) {
        constexpr int rounds = 20;
        std::atomic<int> here{0};
        std::atomic<int> together{0};
        pool.broadcast([&](rank me) -> task<> {
                for (int round = 0; round < rounds; ++round) {
                    for (int cheap = 0; cheap < 10; ++cheap) co_await me.barrier();
                    ++here;
                    // Waits for the other rank, with a deadline.
                    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
                    while (here.load() < 2 * (round + 1) && std::chrono::steady_clock::now() < end) continue;
                    if (here.load() >= 2 * (round + 1)) ++together;
                    co_await me.barrier();
                }
            })
            .get();
        // On one thread the first rank would never see the second.
        CHECK(together > rounds + rounds / 2);
    });
}
