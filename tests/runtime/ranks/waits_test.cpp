// Guards waits for several operations, and waits with a deadline, against ranks that are woken twice, never,
// or before the time; against results that are lost, taken twice or in another order; against deadlines that
// hide a deadlock, an ended peer or a stop, or that count as one; and against waits that leave something
// behind for the next.

#include "support/checks.hpp"
#include "support/meeting.hpp"
#include "support/pools.hpp"

#include <spmd/spmd.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace {

using namespace std::chrono_literals;
using namespace test_support;
using Catch::Matchers::Contains;
using spmd::rank;
using spmd::timeout_error;

constexpr std::chrono::hours very_long{1000};
/// The file that a joint wait is reported to be in.
#ifdef SPMD_TEST_ON_FIBERS
const std::string file = "meeting.hpp:"; // which calls get()
#else
const std::string file = "waits_test.cpp:";
#endif

/// Receives with a deadline; empty after a timeout.
template <class Operation>
task<std::optional<int>> received_in_time(rank me, std::chrono::nanoseconds time, Operation& operation) {
    std::optional<int> received;
    try {
        received = co_await me.within(time, operation);
    } catch (const timeout_error&) {
    }
    co_return received;
}

} // namespace

TEST_CASE("what completes in time is returned") {
    for_each_launcher(3, [](const meeting_pool& pool) {
        const auto sums = pool.broadcast([](rank me) -> task<int> {
                                  const int own = static_cast<int>(me.id());
                                  const int sum =
                                      co_await me.within(very_long, me.all_reduce(own, spmd::plus));
                                  me.send(sum + own, (me.id() + 1) % me.size());
                                  const int left = co_await me.within(very_long, me.receive<int>());
                                  co_await me.within(very_long, me.barrier());
                                  co_return left;
                              })
                              .get();
        CHECK(sums == std::vector{5, 3, 4});
    });
}

TEST_CASE("a wait that takes longer throws an error that names it, and not before its time") {
    for_each_launcher(2, [](const meeting_pool& pool) {
        const auto begin = std::chrono::steady_clock::now();
        const auto outcomes = pool.broadcast([](rank me) -> task<> {
                                      if (me.id() == 0)
                                          co_await me.within(20ms, me.receive<int>(1, 7));
                                      else
                                          co_await me.receive<int>(0);
                                  })
                                  .outcomes();
        CHECK(std::chrono::steady_clock::now() - begin >= 20ms);
        REQUIRE(is_a<timeout_error>(outcomes[0].error()));
        CHECK_THAT(spmd::message_of(outcomes[0].error()),
                   Contains("timeout: rank 0 waited 20 ms for receive(from 1, tag 7) at " + file));
        CHECK(is_a<spmd::peer_error>(outcomes[1].error()));
    });
}

TEST_CASE("no time at all asks whether an operation is complete") {
    for_each_launcher(2, [](const meeting_pool& pool) {
        const auto found =
            pool.broadcast([](rank me) -> task<bool> {
                    bool right = true;
                    if (me.id() == 0) {
                        me.send(1, 1);
                        co_await me.receive<int>(1);
                    } else {
                        co_await me.probe(0);
                        auto first = me.receive<int>(0).start();
                        auto second = me.receive<int>(0).start();
                        right = (AWAIT_HELPER(received_in_time(me, 0ns, first))) == 1 &&
                                (AWAIT_HELPER(received_in_time(me, 0ns, second))) == std::nullopt &&
                                (AWAIT_HELPER(received_in_time(me, -1s, second))) == std::nullopt;
                        me.send(2, 0);
                    }
                    co_return right;
                })
                .get();
        CHECK(all_equal(found, true));
    });
}

TEST_CASE("after a timeout a started operation can be awaited again, and others begin anew") {
    for_each_launcher(3, [](const meeting_pool& pool) {
        const auto found =
            pool.broadcast([](rank me) -> task<std::vector<int>> {
                    std::vector<int> mine;
                    if (me.id() == 0) {
                        auto sum = me.all_reduce(1, spmd::plus).start();
                        auto message = me.receive<int>(1).start();
                        mine.push_back((AWAIT_HELPER(received_in_time(me, 1ms, sum))).value_or(-1));
                        mine.push_back((AWAIT_HELPER(received_in_time(me, 1ms, message))).value_or(-1));
                        try {
                            co_await me.within(1ms, me.receive<int>(2));
                        } catch (const timeout_error&) {
                            mine.push_back(-2);
                        }
                        me.send(0, 1);
                        me.send(0, 2);
                        mine.push_back(
                            co_await me.receive<int>(2)); // not taken by the one that was withdrawn
                        mine.push_back(co_await message);
                        mine.push_back((AWAIT_HELPER(received_in_time(me, very_long, sum))).value_or(-1));
                    } else {
                        co_await me.receive<int>(0);
                        me.send(static_cast<int>(10 * me.id()), 0);
                        mine.push_back(co_await me.all_reduce(2, spmd::plus));
                    }
                    co_return mine;
                })
                .get();
        CHECK(found[0] == std::vector{-1, -1, -2, 20, 10, 5});
        CHECK(found[1] == std::vector{5});
    });
}

TEST_CASE("a collective goes on without a rank that waited no longer") {
    for_each_launcher(3, [](const meeting_pool& pool) {
        const auto sums = pool.broadcast([](rank me) -> task<int> {
                                  int sum = 0;
                                  if (me.id() == 0) {
                                      try {
                                          sum = co_await me.within(1ms, me.all_reduce(1, spmd::plus));
                                      } catch (const timeout_error&) {
                                          for (std::size_t to : {1U, 2U}) me.send(0, to);
                                      }
                                  } else {
                                      co_await me.receive<int>(0);
                                      sum = co_await me.all_reduce(1, spmd::plus);
                                  }
                                  sum += 10 * co_await me.all_reduce(1, spmd::plus);
                                  co_return sum;
                              })
                              .get();
        CHECK(sums == std::vector{30, 33, 33});
    });
}

TEST_CASE("a rank that waits with a deadline is in no deadlock before it") {
    for_each_launcher(3, [](const meeting_pool& pool) {
        const auto found = pool.broadcast([](rank me) -> task<int> {
                                   int mine = 0;
                                   if (me.id() == 0) {
                                       for (int tries = 0; tries < 3; ++tries) {
                                           try {
                                               co_await me.within(2ms, me.receive<int>(1));
                                           } catch (const timeout_error&) {
                                               ++mine;
                                           }
                                       }
                                       me.send(mine, 1);
                                   } else if (me.id() == 1) {
                                       mine = co_await me.receive<int>(0);
                                   }
                                   co_await me.barrier();
                                   co_return mine;
                               })
                               .get();
        CHECK(found == std::vector{3, 3, 0});
    });
}

TEST_CASE("a deadline hides no deadlock that follows it, and no peer that has ended") {
    for_each_launcher(4, [](const meeting_pool& pool) {
        const auto outcomes = pool.broadcast([](rank me) -> task<> {
                                      if (me.id() == 0) co_await me.within(very_long, me.receive<int>(1));
                                      if (me.id() == 2) co_await me.receive<int>(1);
                                      if (me.id() == 3) {
                                          try {
                                              co_await me.within(very_long, me.receive<int>(2));
                                          } catch (const spmd::peer_error&) {
                                          }
                                          co_await me.receive<int>(3);
                                      }
                                  })
                                  .outcomes();
        CHECK_THAT(
            spmd::message_of(outcomes[0].error()),
            Contains("rank 1 returned before it reached a send for the receive(from 1, tag any) at " + file));
        CHECK(outcomes[1].error() == nullptr);
        CHECK(is_a<spmd::peer_error>(outcomes[2].error()));
        CHECK(is_a<spmd::deadlock_error>(outcomes[3].error()));
    });
}

TEST_CASE("ranks that wait in vain are told while another waits with deadlines, again and again") {
    for_each_launcher(3, [](const meeting_pool& pool) {
        const auto outcomes = pool.broadcast([](rank me) -> task<int> {
                                      int tries = 0;
                                      if (me.id() == 0) {
                                          for (bool told = false; !told; ++tries) {
                                              try {
                                                  co_await me.within(1ms, me.receive<std::string>(1));
                                                  told = true;
                                              } catch (const timeout_error&) {
                                              }
                                          }
                                      } else if (me.id() == 1) {
                                          try {
                                              co_await me.receive<int>(2);
                                          } catch (const spmd::peer_error& error) {
                                              me.send(std::string(error.what()), 0);
                                          }
                                      }
                                      co_return tries;
                                  })
                                  .outcomes();
        for (const auto& outcome : outcomes) CHECK(outcome.error() == nullptr);
    });
}

TEST_CASE("a stop ends waits that have a deadline") {
    for_each_launcher(20, [](const meeting_pool& pool) {
        std::stop_source stop;
        const auto begin = std::chrono::steady_clock::now();
        auto result = pool.with({.stop = stop.get_token()})
                          .broadcast([&](rank me) -> task<> {
                              if (me.id() == 7) stop.request_stop();
                              if (me.id() % 2 == 0)
                                  co_await me.within(very_long, me.barrier());
                              else
                                  co_await me.within(very_long, me.receive<int>());
                          })
                          .start();
        CHECK_THROWS_AS(result.get(), spmd::cancelled_error);
        CHECK(std::chrono::steady_clock::now() - begin < very_long);
    });
}

TEST_CASE("a stop that comes while all ranks wait ends waits that have a deadline") {
    for_each_concurrent_pool(20, 2, [](const meeting_pool& pool) {
        std::stop_source stop;
        auto result =
            pool.with({.stop = stop.get_token()})
                .broadcast([](rank me) -> task<> { co_await me.within(very_long, me.receive<int>(me.id())); })
                .start();
        std::this_thread::sleep_for(5ms);
        stop.request_stop();
        CHECK_THROWS_AS(result.get(), spmd::cancelled_error);
    });
}

TEST_CASE("a deadline passes while another rank computes") {
    for_each_concurrent_pool(2, 2, [](const meeting_pool& pool) {
        std::atomic<bool> timed_out{false};
        pool.broadcast([&](rank me) -> task<> {
                if (me.id() == 0) {
                    try {
                        co_await me.within(5ms, me.receive<int>(1));
                    } catch (const timeout_error&) {
                        timed_out = true;
                    }
                } else {
                    while (!timed_out) std::this_thread::sleep_for(100us);
                }
            })
            .wait();
        CHECK(timed_out);
    });
}

TEST_CASE("when_any names the first of those that are complete, which are awaited later") {
    for_each_launcher(4, [](const meeting_pool& pool) {
        const auto found = pool.broadcast([](rank me) -> task<std::vector<std::size_t>> {
                                   std::vector<std::size_t> mine;
                                   if (me.id() == 0) {
                                       auto one = me.receive<int>(1).start();
                                       auto two = me.receive<std::string>(2).start();
                                       auto all = me.barrier().start();
                                       me.send(0, 2);
                                       mine.push_back(co_await spmd::when_any(one, two, all));
                                       me.send(0, 1);
                                       mine.push_back((co_await two).size());
                                       mine.push_back(co_await spmd::when_any(one, all));
                                       mine.push_back(static_cast<std::size_t>(co_await one));
                                       me.send(0, 3);
                                       mine.push_back(co_await spmd::when_any(all));
                                       mine.push_back(co_await spmd::when_any(all)); // still
                                       co_await all;
                                   } else {
                                       co_await me.receive<int>(0);
                                       if (me.id() == 1) me.send(11, 0);
                                       if (me.id() == 2) me.send(std::string("two"), 0);
                                       co_await me.barrier();
                                   }
                                   co_return mine;
                               })
                               .get();
        CHECK(found[0] == std::vector<std::size_t>{1, 3, 0, 11, 0, 0});
    });
}

TEST_CASE("when_all returns the results in order, whatever completes first") {
    for_each_launcher(3, [](const meeting_pool& pool) {
        const auto right =
            pool.broadcast([](rank me) -> task<bool> {
                    const std::size_t next = (me.id() + 1) % me.size();
                    auto named = me.receive<std::string>(spmd::any_source, 1).start();
                    me.send(std::make_unique<std::size_t>(me.id()), next, 2);
                    me.send("from " + std::to_string(me.id()), next, 1);
                    const auto [sum, none, text, number] = co_await spmd::when_all(
                        me.all_reduce(me.id(), spmd::plus), me.barrier(), named,
                        me.receive<std::unique_ptr<std::size_t>>(spmd::any_source, 2));
                    static_assert(std::is_same_v<decltype(none), const std::monostate>);
                    const std::size_t last = (me.id() + me.size() - 1) % me.size();
                    bool taken = false;
                    try {
                        co_await named;
                    } catch (const std::logic_error&) {
                        taken = true;
                    }
                    co_return taken&& sum == 3 && text == "from " + std::to_string(last) && *number == last;
                })
                .get();
        CHECK(all_equal(right, true));
    });
}

TEST_CASE("ranges of operations are awaited together") {
    for_each_size({2, 5, 200}, [](const meeting_pool& pool) {
        const auto found = pool.broadcast([](rank me) -> task<bool> {
                                   bool right = true;
                                   if (me.id() == 0) {
                                       std::vector<spmd::pending<std::size_t>> received;
                                       for (std::size_t from = 1; from < me.size(); ++from)
                                           received.push_back(me.receive<std::size_t>(from).start());
                                       const std::size_t first = co_await spmd::when_any(received);
                                       right = first < received.size() && received[first].ready();
                                       const std::vector<std::size_t> all =
                                           co_await me.within(very_long, spmd::when_all(received));
                                       for (std::size_t i = 0; i < all.size(); ++i)
                                           right = right && all[i] == i + 1;
                                       std::vector<spmd::pending<void>> barriers;
                                       for (int i = 0; i < 3; ++i) barriers.push_back(me.barrier().start());
                                       co_await spmd::when_all(barriers);
                                       barriers.clear();
                                       co_await spmd::when_all(barriers);
                                       bool refused = false;
                                       try {
                                           co_await spmd::when_any(barriers);
                                       } catch (const std::invalid_argument&) {
                                           refused = true;
                                       }
                                       right = right && refused;
                                   } else {
                                       me.send(me.id(), 0);
                                       for (int i = 0; i < 3; ++i) co_await me.barrier();
                                   }
                                   co_return right;
                               })
                               .get();
        CHECK(all_equal(found, true));
    });
}

TEST_CASE("a joint wait fails where one or all of its operations never complete") {
    for_each_launcher(3, [](const meeting_pool& pool) {
        const auto outcomes = pool.broadcast([](rank me) -> task<int> {
                                      int found = 0;
                                      if (me.id() == 0) {
                                          auto ended = me.receive<int>(1).start();
                                          auto living = me.receive<int>(2).start();
                                          found = static_cast<int>(co_await spmd::when_any(ended, living));
                                          try {
                                              co_await spmd::when_all(ended, living);
                                          } catch (const spmd::peer_error&) {
                                              found += 10;
                                          }
                                          found += co_await living;
                                          co_await spmd::when_any(ended);
                                      }
                                      if (me.id() == 2) {
                                          for (int i = 0; i < 10; ++i) co_await me.yield();
                                          me.send(100, 0);
                                          try {
                                              co_await me.receive<int>(1);
                                          } catch (const spmd::peer_error&) {
                                          }
                                      }
                                      co_return found;
                                  })
                                  .outcomes();
        CHECK(is_a<spmd::peer_error>(outcomes[0].error()));
        CHECK(outcomes[1].error() == nullptr);
        CHECK(outcomes[2].error() == nullptr);
    });
}

TEST_CASE("a deadlock's report names joint waits, and collectives in them fail for all") {
    for_each_launcher(3, [](const meeting_pool& pool) {
        const auto outcomes = pool.broadcast([](rank me) -> task<> {
                                      if (me.id() == 0) {
                                          auto message = me.receive<int>(2, 4).start();
                                          auto all = me.barrier().start();
                                          co_await spmd::when_any(message, all);
                                      } else if (me.id() == 1) {
                                          co_await spmd::when_all(me.receive<int>(2, 5), me.barrier());
                                      } else {
                                          co_await me.receive<int>(0);
                                      }
                                  })
                                  .outcomes();
        for (const auto& outcome : outcomes) {
            REQUIRE(is_a<spmd::deadlock_error>(outcome.error()));
            CHECK_THAT(spmd::message_of(outcome.error()),
                       Contains("rank 0: when_any(receive(from 2, tag 4), barrier) at " + file) &&
                           Contains("rank 1: when_all(receive(from 2, tag 5), barrier) at " + file));
        }
    });
}

TEST_CASE("a joint wait that fails by one operation leaves the others to their members") {
    for_each_launcher(4, [](const meeting_pool& pool) {
        const auto outcomes = pool.broadcast([](rank me) -> task<int> {
                                      if (me.id() == 1) {
                                          co_await me.split(spmd::no_color);
                                          co_return 0;
                                      }
                                      const auto group = co_await me.split(std::optional<std::size_t>(0));
                                      if (me.id() == 0) {
                                          auto all = group->all_reduce(1, spmd::plus).start();
                                          auto ended = me.receive<int>(1).start();
                                          bool failed = false;
                                          try {
                                              co_await spmd::when_all(ended, all);
                                          } catch (const spmd::peer_error&) {
                                              failed = true;
                                          }
                                          me.send(1, 2); // only then rank 2 arrives
                                          const int sum = co_await all;
                                          co_return failed ? sum : -1;
                                      }
                                      if (me.id() == 2) co_await me.receive<int>(0);
                                      co_return co_await group->all_reduce(1, spmd::plus);
                                  })
                                  .outcomes();
        for (const std::size_t id : {0U, 2U, 3U}) {
            REQUIRE(outcomes[id].error() == nullptr);
            CHECK(outcomes[id].value() == 3);
        }
    });
}

TEST_CASE("a joint wait that has failed is not ended once more by a message that comes then") {
    for_each_launcher(2, [](const meeting_pool& pool) {
        const auto found = pool.broadcast([](rank me) -> task<int> {
                                   int received = 0;
                                   try {
                                       if (me.id() == 0) {
                                           received = co_await me.receive<int>(1);
                                       } else {
                                           auto message = me.receive<int>(0).start();
                                           auto another = me.receive<int>(0).start();
                                           co_await spmd::when_any(message, another);
                                       }
                                   } catch (const spmd::deadlock_error&) {
                                       if (me.id() == 0) me.send(7, 1); // before rank 1 runs
                                   }
                                   if (me.id() == 1) received = co_await me.receive<int>(0);
                                   if (me.id() == 0)
                                       for (int i = 0; i < 5; ++i) co_await me.yield();
                                   const int sum = co_await me.all_reduce(received, spmd::plus);
                                   co_return 10 * sum + received;
                               })
                               .get();
        CHECK(found == std::vector{70, 77});
    });
}

TEST_CASE("an operation of another rank, or one that was awaited, is refused") {
    for_each_launcher(2, [](const meeting_pool& pool) {
        std::optional<spmd::pending<int>> of_another;
        pool.broadcast([&](rank me) -> task<> {
                if (me.id() == 0) of_another = me.receive<int>(1).start();
                co_await me.barrier();
                if (me.id() == 1) {
                    std::string refusal;
                    try {
                        co_await me.within(very_long, *of_another);
                    } catch (const std::logic_error& error) {
                        refusal = error.what();
                    }
                    if (refusal.find("rank 0 does not run on this thread") == std::string::npos)
                        throw std::runtime_error(refusal);
                    me.send(3, 0);
                }
                if (me.id() == 0) {
                    co_await *of_another;
                    of_another.reset();
                }
                co_await me.barrier();
            })
            .get();
    });
}

// GCC 12 begins the second wait of an expression before it takes the result of the first.
TEST_CASE("several joint waits in one expression each end as they would alone") {
    for_each_launcher(3, [](const meeting_pool& pool) {
        const auto found =
            pool.broadcast([](rank me) -> task<std::string> {
                    std::string mine;
                    const auto caught = [&](const auto& error) {
                        mine += is_a<timeout_error>(std::make_exception_ptr(error)) ? " timeout" : " peer";
                    };
                    if (me.id() == 0) {
                        int sum = co_await me.within(very_long, me.receive<int>(1)) +
                                  10 * co_await me.within(very_long, me.receive<int>(1));
                        mine = std::to_string(sum);
                        try {
                            sum = co_await me.within(1ms, me.receive<int>(2, 5)) +
                                  co_await me.within(very_long, me.receive<int>(1));
                        } catch (const timeout_error& error) {
                            caught(error);
                        }
                        try { // 1 has ended
                            sum = co_await me.within(very_long, me.receive<int>(1, 6)) +
                                  co_await me.within(very_long, me.receive<int>(1, 7));
                        } catch (const spmd::peer_error& error) {
                            caught(error);
                        }
                        me.send(0, 2);
                    } else if (me.id() == 1) {
                        for (const int each : {1, 2, 3}) me.send(each, 0, 0);
                    } else {
                        co_await me.receive<int>(0);
                    }
                    co_return mine;
                })
                .get();
        CHECK(found[0] == "21 timeout peer");
    });
}

TEST_CASE("a joint wait that is over hides no deadlock of the next wait in its expression") {
    for_each_launcher(2, [](const meeting_pool& pool) {
        const auto outcomes =
            pool.broadcast([](rank me) -> task<int> {
                    int sum = 0;
                    if (me.id() == 0) {
                        sum = co_await me.within(very_long, me.receive<int>(1)) + co_await me.receive<int>(1);
                    } else {
                        for (int i = 0; i < 3; ++i) co_await me.yield();
                        me.send(1, 0);
                        sum = co_await me.receive<int>(0);
                    }
                    co_return sum;
                })
                .outcomes();
        for (const auto& outcome : outcomes) CHECK(is_a<spmd::deadlock_error>(outcome.error()));
    });
}

TEST_CASE("operations that are awaited twice at once are refused") {
    for_each_launcher(2, [](const meeting_pool& pool) {
        const auto outcomes = pool.broadcast([](rank me) -> task<> {
                                      auto message = me.receive<int>(1 - me.id()).start();
                                      auto all = me.barrier().start();
                                      if (me.id() == 0)
                                          co_await spmd::when_all(message, message);
                                      else
                                          co_await spmd::when_all(all, all);
                                  })
                                  .outcomes();
        for (const auto& outcome : outcomes) CHECK(is_a<std::logic_error>(outcome.error()));
    });
}

TEST_CASE("deadlines, messages and stops that come at the same time lose nothing") {
    constexpr int rounds = 40;
    for_each_size({2, 16, 90}, [](const meeting_pool& pool) {
        const auto sums =
            pool.broadcast([](rank me) -> task<int> {
                    std::mt19937 random(static_cast<unsigned>(me.id()));
                    std::uniform_int_distribution<int> some_us(0, 60);
                    int sum = 0;
                    for (int round = 0; round < rounds; ++round) {
                        me.send(round, (me.id() + 1) % me.size(), round);
                        auto left = me.receive<int>(spmd::any_source, round).start();
                        auto all = me.all_reduce(1, spmd::plus).start();
                        bool has_left = false;
                        bool has_all = false;
                        while (!has_left || !has_all) {
                            const std::chrono::microseconds time(some_us(random));
                            try {
                                if (has_left) {
                                    sum += co_await me.within(time, all);
                                    has_all = true;
                                } else if (has_all) {
                                    sum += co_await me.within(time, left);
                                    has_left = true;
                                } else if (co_await me.within(time, spmd::when_any(left, all)) == 0) {
                                    sum += co_await left;
                                    has_left = true;
                                } else {
                                    sum += co_await all;
                                    has_all = true;
                                }
                            } catch (const timeout_error&) {
                            }
                        }
                    }
                    co_return sum;
                })
                .get();
        const int expected = rounds * (rounds - 1) / 2 + rounds * static_cast<int>(pool.size());
        CHECK(all_equal(sums, expected));
    });
}
