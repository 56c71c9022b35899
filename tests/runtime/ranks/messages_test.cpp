// Guards messages between ranks against being lost, duplicated, reordered, delivered to another receive than
// the matching one, or delivered to another group; against a receive that waits forever although its message
// is there, or continues without it; a wrong source or tag that is taken for any; a probe that takes, misses
// or reorders messages; and against unreceived messages that are never freed.

#include "support/checks.hpp"
#include "support/meeting.hpp"
#include "support/pools.hpp"

#include <spmd/spmd.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace test_support;
using Catch::Matchers::Contains;
using spmd::rank;

const std::vector<std::size_t> sizes{2, 3, 8, 60, 1000};
// A linear search for each message among so many would take minutes.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t very_many = 5'000;
#else
constexpr std::size_t very_many = 200'000;
#endif

// Checks that the task found its expected values on every rank.
template <class Task>
bool right_on_all(const meeting_pool& pool, const Task& each) {
    const auto found = pool.broadcast(each).get();
    return std::ranges::all_of(found, [](bool right) { return right; });
}

// Counts the live objects of its kind.
class token {
public:
    explicit token(std::atomic<std::ptrdiff_t>& count) noexcept : count_(&count) { ++*count_; }
    token(token&& other) noexcept : token(*other.count_) {}
    token& operator=(token&&) noexcept = default;
    ~token() { --*count_; }

private:
    std::atomic<std::ptrdiff_t>* count_;
};

} // namespace

TEST_CASE("a value travels once round a ring") {
    for_each_size({1, 2, 3, 8, 60, 1000}, [](const meeting_pool& pool) {
        CHECK(right_on_all(pool, [](rank me) -> task<bool> {
            const std::size_t next = (me.id() + 1) % me.size();
            const std::size_t before = (me.id() + me.size() - 1) % me.size();
            if (me.id() == 0) {
                me.send(std::vector<std::size_t>(1, 0), next);
                const auto all = co_await me.receive<std::vector<std::size_t>>(before);
                std::vector<std::size_t> expected(me.size());
                std::iota(expected.begin(), expected.end(), std::size_t{0});
                co_return all == expected;
            }
            auto all = co_await me.receive<std::vector<std::size_t>>(before);
            all.push_back(me.id());
            me.send(std::move(all), next);
            co_return true;
        }));
    });
}

TEST_CASE("all pairs of neighbours play ping-pong") {
    for_each_size({2, 8, 60, 1000}, [](const meeting_pool& pool) {
        CHECK(right_on_all(pool, [](rank me) -> task<bool> {
            const std::size_t mate = me.id() ^ 1U;
            constexpr int rounds = 200;
            int value = 0;
            for (int round = 0; round < rounds; ++round) {
                if (me.id() % 2 == 0) me.send(value + 1, mate);
                value = co_await me.receive<int>(mate);
                if (me.id() % 2 == 1) me.send(value + 1, mate);
            }
            co_return value == (me.id() % 2 == 0 ? 2 * rounds : 2 * rounds - 1);
        }));
    });
}

TEST_CASE("messages of one sender and tag arrive in the order sent") {
    for_each_size(sizes, [](const meeting_pool& pool) {
        CHECK(right_on_all(pool, [](rank me) -> task<bool> {
            constexpr int each = 5;
            const std::size_t to = (me.id() + 1) % me.size();
            const std::size_t from = (me.id() + me.size() - 1) % me.size();
            for (int i = 0; i < each; ++i)
                for (const int tag : {7, -1, 0}) me.send(10 * i + tag, to, tag);
            bool right = true;
            for (const int tag : {0, 7, -1}) // the tags in another order
                for (int i = 0; i < each; ++i)
                    right = co_await me.receive<int>(from, tag) == 10 * i + tag && right;
            co_return right;
        }));
    });
}

TEST_CASE("any_tag receives a sender's messages in order, whatever their tags") {
    for_each_size(sizes, [](const meeting_pool& pool) {
        CHECK(right_on_all(pool, [](rank me) -> task<bool> {
            const std::size_t to = (me.id() + 1) % me.size();
            const std::size_t from = (me.id() + me.size() - 1) % me.size();
            for (const int tag : {3, 1, 2, 1}) me.send(std::to_string(tag), to, tag);
            std::string first_two = co_await me.receive<std::string>(from);
            first_two += co_await me.receive<std::string>(from, spmd::any_tag);
            const auto last = co_await me.receive_message<std::string>(from, 1);
            const auto third = co_await me.receive_message<std::string>(from);
            co_return first_two == "31" && last.value == "1" && last.tag == 1 && third.value == "2" &&
                third.tag == 2 && third.from == from&& last.from == from;
        }));
    });
}

TEST_CASE("any_source receives every message once, each sender's in order") {
    for_each_size(sizes, [](const meeting_pool& pool) {
        CHECK(right_on_all(pool, [](rank me) -> task<bool> {
            constexpr std::size_t each = 3;
            if (me.id() != me.size() / 2) {
                for (std::size_t i = 0; i < each; ++i) me.send(i, me.size() / 2, 5);
                co_return true;
            }
            std::vector<std::size_t> next(me.size(), 0);
            bool right = true;
            for (std::size_t i = 0; i < each * (me.size() - 1); ++i) {
                const auto got = co_await me.receive_message<std::size_t>(spmd::any_source, 5);
                right = right && got.tag == 5 && got.value == next[got.from]++;
            }
            for (std::size_t from = 0; from < me.size(); ++from)
                right = right && next[from] == (from == me.id() ? 0 : each);
            co_return right;
        }));
    });
}

TEST_CASE("each receive gets the first message that it accepts, few or many waiting, with any wildcards") {
    for_each_launcher(4, [](const meeting_pool& pool) {
        for (const std::size_t messages : {10U, 60U, 500U}) {
            CHECK(right_on_all(pool, [messages](rank me) -> task<bool> {
                std::mt19937 random(static_cast<unsigned>(messages)); // the same on all ranks
                std::vector<spmd::message<std::size_t>> waiting;
                for (std::size_t i = 0; i < messages; ++i) {
                    waiting.push_back({i, random() % me.size(), static_cast<int>(random() % 4)});
                    if (waiting[i].from == me.id()) me.send(i, 0, waiting[i].tag);
                    // So that each sender's messages arrive before the next sender's.
                    co_await me.barrier();
                }
                while (me.id() == 0 && !waiting.empty()) {
                    const auto& some = waiting[random() % waiting.size()];
                    const spmd::source from = random() % 2 == 0 ? spmd::any_source : some.from;
                    const int tag = random() % 2 == 0 ? spmd::any_tag : some.tag;
                    const auto expected = std::ranges::find_if(waiting, [&](const auto& each) {
                        return (from == spmd::any_source || from == each.from) &&
                               (tag == spmd::any_tag || tag == each.tag);
                    });
                    const auto got = co_await me.receive_message<std::size_t>(from, tag);
                    if (got.value != expected->value || got.from != expected->from ||
                        got.tag != expected->tag)
                        co_return false;
                    waiting.erase(expected);
                }
                co_return true;
            }));
        }
    });
}

TEST_CASE("a receive matches messages sent before it and after it") {
    for_each_size({2, 3, 8, 60}, [](const meeting_pool& pool) {
        CHECK(right_on_all(pool, [](rank me) -> task<bool> {
            const std::size_t to = (me.id() + 1) % me.size();
            me.send(1, to);
            co_await me.barrier(); // sent by now
            const int before = co_await me.receive<int>();
            auto posted = me.receive<int>().start();
            const bool early = posted.ready();
            co_await me.barrier(); // posted by now
            me.send(2, to);
            co_await me.barrier(); // sent by now
            const bool ready = posted.ready();
            co_return before == 1 && !early && ready && co_await posted == 2;
        }));
    });
}

TEST_CASE("a rank may send to itself") {
    for_each_size({1, 2, 60}, [](const meeting_pool& pool) {
        CHECK(right_on_all(pool, [](rank me) -> task<bool> {
            me.send(me.id(), me.id());
            const std::size_t first = co_await me.receive<std::size_t>(me.id());
            auto posted = me.receive<std::size_t>().start();
            me.send(me.id() + 1, me.id());
            const std::size_t second = co_await posted;
            co_return first == me.id() && second == me.id() + 1;
        }));
    });
}

TEST_CASE("move-only values are received before and after they are sent") {
    for_each_size(sizes, [](const meeting_pool& pool) {
        CHECK(right_on_all(pool, [](rank me) -> task<bool> {
            using owned = std::unique_ptr<std::size_t>;
            const std::size_t from = (me.id() + me.size() - 1) % me.size();
            me.send(std::make_unique<std::size_t>(me.id()), (me.id() + 1) % me.size());
            const owned got = co_await me.receive<owned>(from);
            const std::size_t mirror = me.size() - 1 - me.id();
            auto posted = me.receive_message<owned>(mirror, 4).start();
            me.send(std::make_unique<std::size_t>(me.id()), mirror, 4);
            const spmd::message<owned> other = co_await posted;
            co_return *got == from && *other.value == mirror&& other.from == mirror&& other.tag == 4;
        }));
    });
}

TEST_CASE("started receives are served in the order they were started, in any order of awaiting") {
    for_each_size({2, 3, 8, 60}, [](const meeting_pool& pool) {
        CHECK(right_on_all(pool, [](rank me) -> task<bool> {
            const std::size_t to = (me.id() + 1) % me.size();
            const std::size_t from = (me.id() + me.size() - 1) % me.size();
            auto of_tag_1 = me.receive<int>(from, 1).start();
            auto first = me.receive<int>().start();
            auto second = me.receive<int>(from).start();
            auto last_of_tag_1 = me.receive<int>(spmd::any_source, 1).start();
            co_await me.barrier();
            for (const int tag : {2, 3, 1, 1}) me.send(100 * tag, to, tag);
            const int d = co_await last_of_tag_1;
            const int c = co_await second;
            const int a = co_await of_tag_1;
            const int b = co_await first;
            co_return a == 100 && b == 200 && c == 300 && d == 100;
        }));
    });
}

TEST_CASE("a dropped started receive leaves its message to the next, at its position") {
    for_each_size({2, 3, 8, 60}, [](const meeting_pool& pool) {
        CHECK(right_on_all(pool, [](rank me) -> task<bool> {
            const std::size_t to = (me.id() + 1) % me.size();
            {
                auto dropped_before = me.receive<int>().start();
            }
            {
                auto dropped_after = me.receive<int>().start();
                co_await me.barrier();
                for (const int value : {1, 2, 3}) me.send(value, to, value);
                co_await me.barrier(); // it has message 1
            }
            bool right = true;
            for (const int value : {1, 2, 3}) right = co_await me.receive<int>() == value && right;
            { // The last message of a box is returned and received; then more arrive.
                auto again = me.receive<int>().start();
                co_await me.barrier();
                me.send(4, to);
                co_await me.barrier();
            }
            me.send(5, to);
            co_await me.barrier();
            const int four = co_await me.receive<int>();
            const int five = co_await me.receive<int>();
            me.send(6, to);
            co_return right&& four == 4 && five == 5 && co_await me.receive<int>() == 6;
        }));
    });
}

TEST_CASE("messages of a group stay in it and use its ids") {
    for_each_size({2, 3, 8, 60, 1000}, [](const meeting_pool& pool) {
        CHECK(right_on_all(pool, [](rank me) -> task<bool> {
            const std::size_t n = me.size();
            const rank turned = co_await me.split(0, -static_cast<std::int64_t>(me.id()));
            const rank half = co_await me.split(me.id() % 2);
            // The same receiver and tag in each group.
            me.send(std::string("all"), 0, 1);
            turned.send(std::string("turned"), n - 1, 1); // the same rank 0
            half.send(std::string("half"), 0, 1);
            co_await me.barrier();
            if (me.id() > 1) co_return true;
            bool right = true;
            for (std::size_t i = 0; i < half.size(); ++i) {
                const auto got = co_await half.receive_message<std::string>();
                right = right && got.value == "half" && got.from < half.size();
            }
            if (me.id() == 1) co_return right;
            for (std::size_t from = 0; from < n; ++from) {
                const auto got = co_await turned.receive_message<std::string>(n - 1 - from, 1);
                right = right && got.value == "turned" && got.from == n - 1 - from;
            }
            for (std::size_t from = 0; from < n; ++from)
                right = co_await me.receive<std::string>(from) == "all" && right;
            co_return right;
        }));
    });
}

TEST_CASE("the ranks of a view exchange messages, as does a ring in each group of a split") {
    for_each_launcher(60, [](const meeting_pool& pool) {
        const auto sums = pool.on(spmd::slice{.first = 3, .stride = 2})
                              .broadcast([](rank me) -> task<std::size_t> {
                                  const rank row = co_await me.split(me.id() / 5);
                                  std::size_t sum = 0;
                                  std::size_t passed = row.engine();
                                  for (std::size_t step = 0; step < row.size(); ++step) {
                                      row.send(passed, (row.id() + 1) % row.size());
                                      passed = co_await row.receive<std::size_t>();
                                      sum += passed;
                                  }
                                  co_return sum;
                              })
                              .get();
        REQUIRE(sums.size() == 29);
        for (std::size_t id = 0; id < sums.size(); ++id) {
            std::size_t expected = 0;
            for (std::size_t mate = id / 5 * 5; mate < std::min<std::size_t>(id / 5 * 5 + 5, 29); ++mate)
                expected += 3 + 2 * mate;
            REQUIRE(sums[id] == expected);
        }
    });
}

TEST_CASE("messages and collectives mix freely") {
    for_each_size(sizes, [](const meeting_pool& pool) {
        CHECK(right_on_all(pool, [](rank me) -> task<bool> {
            const std::size_t n = me.size();
            bool right = true;
            for (std::size_t round = 0; round < 10; ++round) {
                auto sum = me.all_reduce(me.id(), std::plus<>{}).start();
                me.send(round, (me.id() + round) % n, static_cast<int>(round));
                if ((me.id() + round) % 2 == 0) co_await me.barrier();
                right =
                    co_await me.receive<std::size_t>(spmd::any_source, static_cast<int>(round)) == round &&
                    right;
                if ((me.id() + round) % 2 == 1) {
                    auto met = me.barrier().start();
                    right = co_await sum == n * (n - 1) / 2 && right;
                    co_await met;
                } else {
                    right = co_await sum == n * (n - 1) / 2 && right;
                }
            }
            co_return right;
        }));
    });
}

TEST_CASE("a message of another type than received is a mismatch naming both types") {
    for_each_size({2, 3, 60}, [](const meeting_pool& pool) {
        for (const bool waits : {false, true}) {
            auto result = pool.broadcast([waits](rank me) -> task<> {
                                  if (me.id() == 0 && !waits) me.send(1.5, 1);
                                  if (me.id() == 1 && waits) {
                                      auto posted = me.receive<int>().start();
                                      co_await me.barrier();
                                      co_await posted;
                                  }
                                  co_await me.barrier();
                                  if (me.id() == 0 && waits) me.send(1.5, 1);
                                  if (me.id() == 1) co_await me.receive<int>(0);
                              })
                              .start();
            const auto ends = result.outcomes();
            for (std::size_t id = 0; id < ends.size(); ++id) REQUIRE(ends[id].has_value() == (id != 1));
            CHECK(is_a<spmd::mismatch_error>(ends[1].error()));
            CHECK_THAT(spmd::message_of(ends[1].error()),
                       Contains("rank 1 receives int at messages_test.cpp:") &&
                           Contains("but rank 0 sent double at messages_test.cpp:"));
        }
    });
}

TEST_CASE("a rank continues after a mismatch, and that message is gone") {
    for_each_launcher(2, [](const meeting_pool& pool) {
        CHECK(right_on_all(pool, [](rank me) -> task<bool> {
            if (me.id() == 0) {
                me.send(1.5, 1);
                me.send(2, 1);
                co_return true;
            }
            bool refused = false;
            try {
                co_await me.receive<int>();
            } catch (const spmd::mismatch_error&) {
                refused = true;
            }
            co_return refused&& co_await me.receive<int>() == 2;
        }));
    });
}

TEST_CASE("unreceived messages are freed with the broadcast") {
    for_each_size({1, 2, 60, 1000}, [](const meeting_pool& pool) {
        std::atomic<std::ptrdiff_t> living{0};
        std::atomic<std::ptrdiff_t> most{0};
        {
            auto result = pool.broadcast([&](rank me) -> task<> {
                                  const std::size_t to = (me.id() + 1) % me.size();
                                  for (int i = 0; i < 5; ++i) me.send(token(living), to, i);
                                  co_await me.barrier();
                                  const token got = co_await me.receive<token>(spmd::any_source, 3);
                                  auto never_awaited = me.receive<token>(spmd::any_source, 4).start();
                                  most = std::max<std::ptrdiff_t>(most, living);
                                  co_await me.barrier();
                              })
                              .start();
            result.get();
            CHECK(most >= static_cast<std::ptrdiff_t>(4 * pool.size()));
        }
        CHECK(living == 0);
    });
}

TEST_CASE("messages are freed when their receivers fail or are never woken") {
    for_each_launcher(4, [](const meeting_pool& pool) {
        std::atomic<std::ptrdiff_t> living{0};
        {
            auto result = pool.broadcast([&](rank me) -> task<> {
                                  const token own(living);
                                  me.send(token(living), (me.id() + 1) % me.size(), 1);
                                  auto posted = me.receive<token>(spmd::any_source, 1).start();
                                  if (me.id() == 2) throw std::runtime_error("gone");
                                  const token got = co_await me.receive<token>((me.id() + 1) % me.size(), 2);
                              })
                              .start();
            CHECK_THROWS_AS(result.get(), spmd::composite_error);
        }
        CHECK(living == 0);
    });
}

TEST_CASE("many waiting messages are freed without deep recursion") {
    for_each_launcher(2, [](const meeting_pool& pool) {
        std::atomic<std::ptrdiff_t> living{0};
        constexpr std::ptrdiff_t many = 300'000;
        pool.broadcast([&](rank me) -> task<> {
                if (me.id() == 0)
                    for (std::ptrdiff_t i = 0; i < many; ++i) me.send(token(living), 1);
                co_await me.barrier();
            })
            .get();
        CHECK(living == 0);
    });
}

TEST_CASE("a sender that has ended is named to the ranks that wait for it") {
    for_each_size({2, 3, 8, 60}, [](const meeting_pool& pool) {
        auto result = pool.broadcast([](rank me) -> task<int> {
                              if (me.id() == 0) co_return co_await me.receive<int>(1, 4);
                              co_return 0;
                          })
                          .start();
        const auto ends = result.outcomes();
        CHECK(is_a<spmd::peer_error>(ends[0].error()));
        CHECK_THAT(spmd::message_of(ends[0].error()),
                   Contains("rank 1 returned before it reached a send for "
                            "the receive(from 1, tag 4) at messages_test"));
        for (std::size_t id = 1; id < ends.size(); ++id) REQUIRE(ends[id].has_value());
    });
}

TEST_CASE("a message from a rank that has ended is still received") {
    for_each_size(sizes, [](const meeting_pool& pool) {
        CHECK(right_on_all(pool, [](rank me) -> task<bool> {
            me.send(me.id(), 0, 2);
            if (me.id() > 0) co_return true;
            std::size_t sum = 0;
            for (std::size_t i = 0; i < me.size(); ++i) sum += co_await me.receive<std::size_t>();
            co_return sum == me.size() * (me.size() - 1) / 2;
        }));
    });
}

TEST_CASE("receives that wait for each other are a deadlock that names each wait") {
    for_each_launcher(3, [](const meeting_pool& pool) {
        auto result = pool.broadcast([](rank me) -> task<int> {
                              if (me.id() == 2) co_return co_await me.receive<int>();
                              co_return co_await me.receive<int>(1 - me.id(), 9);
                          })
                          .start();
        for (const auto& end : result.outcomes()) {
            REQUIRE(is_a<spmd::deadlock_error>(end.error()));
            REQUIRE_THAT(spmd::message_of(end.error()),
                         Contains("rank 0: receive(from 1, tag 9) at messages_test.cpp:") &&
                             Contains("rank 1: receive(from 0, tag 9) at messages_test.cpp:") &&
                             Contains("rank 2: receive(from any, tag any) at messages_test.cpp:"));
        }
    });
}

TEST_CASE("ranks may send and receive again after catching a deadlock") {
    for_each_size({2, 3, 8, 60}, [](const meeting_pool& pool) {
        CHECK(right_on_all(pool, [](rank me) -> task<bool> {
            const std::size_t to = (me.id() + 1) % me.size();
            bool caught = false;
            try {
                co_await me.receive<int>(to, 1);
            } catch (const spmd::deadlock_error&) {
                caught = true;
            }
            me.send(static_cast<int>(me.id()), to, 1);
            const std::size_t from = (me.id() + me.size() - 1) % me.size();
            co_return caught&& co_await me.receive<int>(from, 1) == static_cast<int>(from);
        }));
    });
}

TEST_CASE("a receiver or sender outside the group is rejected, naming its number") {
    for_each_launcher(3, [](const meeting_pool& pool) {
        CHECK(right_on_all(pool, [](rank me) -> task<bool> {
            int refused = 0;
            const std::vector<std::function<void()>> bad{
                [&] { static_cast<void>(me.send(1, 3)); },
                [&] { static_cast<void>(me.receive<int>(3)); },
                [&] { static_cast<void>(me.receive_message<int>(3)); },
                [&] { static_cast<void>(me.receive<int>(3).start()); },
                [&] { static_cast<void>(me.receive_message<int>(3).start()); },
                [&] { static_cast<void>(me.try_receive<int>(3)); },
                [&] { static_cast<void>(me.probe(3)); },
                [&] { static_cast<void>(me.send_receive(1, 3, 0)); },
                [&] { static_cast<void>(me.send_receive(1, 0, 3)); },
            };
            for (const auto& each : bad) {
                try {
                    each();
                } catch (const std::invalid_argument& error) {
                    if (error.what() == std::string("rank 3 is not below 3")) ++refused;
                }
            }
            co_await me.barrier();
            co_return refused == 9 && !me.try_receive<int>(); // nothing was sent
        }));
    });
}

TEST_CASE("the rank before rank 0 is an error, not any rank") {
    for_each_launcher(2, [](const meeting_pool& pool) {
        CHECK(right_on_all(pool, [](rank me) -> task<bool> {
            me.send(7, 1 - me.id());
            co_await me.barrier();
            try {
                co_return co_await me.receive<int>(me.id() - 1) == 7 && me.id() == 1;
            } catch (const std::invalid_argument& error) {
                const std::string number = std::to_string(std::size_t{0} - 1);
                co_return me.id() == 0 && error.what() == "rank " + number + " is not below 2";
            }
        }));
    });
}

TEST_CASE("nothing can be sent with any_tag") {
    for_each_launcher(1, [](const meeting_pool& pool) {
        CHECK(right_on_all(pool, [](rank me) -> task<bool> {
            bool refused = false;
            try {
                me.send(1, 0, spmd::any_tag);
            } catch (const std::invalid_argument& error) {
                refused = error.what() == std::string("a message to rank 0 cannot be sent with any_tag");
            }
            co_return refused && !me.try_receive<int>();
        }));
    });
}

TEST_CASE("try_receive returns what has arrived and matches, in order, and else nothing at once") {
    for_each_size({2, 3, 60}, [](const meeting_pool& pool) {
        CHECK(right_on_all(pool, [](rank me) -> task<bool> {
            using owned = std::unique_ptr<int>;
            const std::size_t to = (me.id() + 1) % me.size();
            const std::size_t from = (me.id() + me.size() - 1) % me.size();
            bool right = !me.try_receive<owned>();
            co_await me.barrier();
            for (const int tag : {3, 1, 2, 1}) me.send(std::make_unique<int>(10 * tag), to, tag);
            co_await me.barrier();
            const owned started = co_await me.receive<owned>(from, 2).start();
            right = right && !me.try_receive<owned>(from, 2) && !me.try_receive<owned>(spmd::any_source, 4);
            const std::optional<owned> one = me.try_receive<owned>(from, 1);
            const std::optional<owned> first = me.try_receive<owned>();
            const std::optional<owned> last = me.try_receive<owned>(from);
            co_return right && **one == 10 && **first == 30 && **last == 10 && !me.try_receive<owned>();
        }));
    });
}

TEST_CASE("try_receive of another type is a mismatch") {
    for_each_launcher(1, [](const meeting_pool& pool) {
        auto result = pool.broadcast([](rank me) -> task<> {
                              me.send(1.5, 0);
                              static_cast<void>(me.try_receive<int>());
                              co_return;
                          })
                          .start();
        CHECK_THAT(spmd::message_of(result.outcomes()[0].error()),
                   Contains("rank 0 receives int at messages_test.cpp:") &&
                       Contains("but rank 0 sent double"));
    });
}

TEST_CASE("a probe names the first message that it matches and leaves it, whether sent before or after") {
    for_each_size({1, 2, 3, 60, 1000}, [](const meeting_pool& pool) {
        CHECK(right_on_all(pool, [](rank me) -> task<bool> {
            const std::size_t to = (me.id() + 1) % me.size();
            const std::size_t from = (me.id() + me.size() - 1) % me.size();
            for (const int tag : {5, 6, 7}) me.send(tag, to, tag);
            const spmd::message_origin last = co_await me.probe(from, 7);
            const spmd::message_origin first = co_await me.probe();
            const spmd::message_origin again = co_await me.probe(from);
            bool right = last == spmd::message_origin{from, 7} && first.tag == 5 && again == first;
            for (const int tag : {5, 6, 7}) right = co_await me.receive<int>() == tag && right;
            // From here on the probe waits first, on all ranks but the last.
            if (me.id() == me.size() - 1) me.send(std::string("x"), 0, 9);
            const spmd::message_origin came = co_await me.probe(spmd::any_source, 9);
            if (me.id() != me.size() - 1) me.send(std::string("x"), me.id() + 1, 9);
            const std::string got = co_await me.receive<std::string>(came.from, came.tag);
            co_return right&& came == spmd::message_origin{from, 9} && got == "x";
        }));
    });
}

TEST_CASE("receives that were started before a probe get their messages first") {
    for_each_launcher(2, [](const meeting_pool& pool) {
        CHECK(right_on_all(pool, [](rank me) -> task<bool> {
            const std::size_t other = 1 - me.id();
            if (me.id() == 1) {
                co_await me.barrier();
                for (const int value : {1, 2, 3}) me.send(value, other, value);
                co_return co_await me.receive<int>() == 0;
            }
            auto started = me.receive<int>().start();
            auto of_tag_3 = me.receive<int>(other, 3).start();
            auto met = me.barrier().start();
            const spmd::message_origin second = co_await me.probe();
            me.send(0, other);
            const int left = co_await me.receive<int>();
            co_await met;
            const int first = co_await started;
            co_return first == 1 && second.tag == 2 && left == 2 && co_await of_tag_3 == 3;
        }));
    });
}

TEST_CASE("a probe finds one of very many messages") {
    for_each_concurrent_pool(2, 2, [](const meeting_pool& pool) {
        CHECK(right_on_all(pool, [](rank me) -> task<bool> {
            const int count = static_cast<int>(very_many) / 10;
            for (int tag = 0; tag < count; ++tag) me.send(tag, 1 - me.id(), tag);
            for (int tag = count - 1; tag >= 0; --tag) {
                const spmd::message_origin found = co_await me.probe(1 - me.id(), tag);
                if (found.tag != tag || co_await me.receive<int>(found.from, tag) != tag) co_return false;
            }
            co_return true;
        }));
    });
}

TEST_CASE("values shift along a row whose ends have no neighbour") {
    for_each_size({1, 2, 3, 60, 1000}, [](const meeting_pool& pool) {
        CHECK(right_on_all(pool, [](rank me) -> task<bool> {
            const auto left = me.id() > 0 ? me.id() - 1 : spmd::no_rank;
            const auto right = me.id() + 1 < me.size() ? me.id() + 1 : spmd::no_rank;
            me.send(std::string("to the left"), left, 8);
            const std::optional<std::string> from_left =
                co_await me.send_receive(std::to_string(me.id()), right, left);
            auto started = me.send_receive(std::make_unique<std::size_t>(me.id()), left, right, 4).start();
            const std::optional<std::unique_ptr<std::size_t>> from_right = co_await started;
            if (from_left.has_value() != left.has_value() || from_right.has_value() != right.has_value())
                co_return false;
            if (right && co_await me.receive<std::string>(*right, 8) != "to the left") co_return false;
            co_return (!left || *from_left == std::to_string(*left)) && (!right || **from_right == *right);
        }));
    });
}

TEST_CASE("a started send_receive from no rank is ready") {
    for_each_launcher(2, [](const meeting_pool& pool) {
        CHECK(right_on_all(pool, [](rank me) -> task<bool> {
            auto started = me.send_receive(1, spmd::no_rank, spmd::no_rank).start();
            const bool ready = started.ready();
            const std::optional<int> nothing = co_await started;
            co_return ready && !nothing;
        }));
    });
}

TEST_CASE("probe and send_receive that wait for each other are a deadlock that names each wait") {
    for_each_launcher(3, [](const meeting_pool& pool) {
        auto result = pool.broadcast([](rank me) -> task<> {
                              if (me.id() == 0) co_await me.probe(1, 9);
                              if (me.id() == 1) co_await me.send_receive(1, 2, 0, 8);
                              if (me.id() == 2) co_await me.probe(spmd::any_source, 7);
                          })
                          .start();
        for (const auto& end : result.outcomes()) {
            REQUIRE(is_a<spmd::deadlock_error>(end.error()));
            REQUIRE_THAT(spmd::message_of(end.error()),
                         Contains("rank 0: probe(from 1, tag 9) at messages_test.cpp:") &&
                             Contains("rank 1: send_receive(from 0, tag 8) at messages_test.cpp:") &&
                             Contains("rank 2: probe(from any, tag 7) at messages_test.cpp:"));
        }
    });
}

TEST_CASE("a sender that has ended is named to a probe, which may be repeated") {
    for_each_launcher(2, [](const meeting_pool& pool) {
        auto result = pool.broadcast([](rank me) -> task<> {
                              if (me.id() == 1) co_return;
                              bool failed = false;
                              try {
                                  co_await me.probe(1, 4);
                              } catch (const spmd::peer_error&) {
                                  failed = true;
                              }
                              me.send(1, 0, 4);
                              if (failed && co_await me.receive<int>() == 1) co_await me.probe(1, 4);
                          })
                          .start();
        CHECK_THAT(
            spmd::message_of(result.outcomes()[0].error()),
            Contains("rank 1 returned before it reached a send for the probe(from 1, tag 4) at messages"));
    });
}

TEST_CASE("ranks that wait in a probe or a send_receive are cancelled") {
    for_each_concurrent_pool(3, 1, [](const meeting_pool& pool) {
        std::atomic<int> begun{0};
        std::atomic<int> cancelled{0};
        const gate never;
        auto result = pool.broadcast([&](rank me) -> task<> {
                              try {
                                  ++begun;
                                  if (me.id() == 0) co_await me.probe();
                                  if (me.id() == 1) co_await me.send_receive(1, spmd::no_rank, 0);
                                  if (me.id() < 2) co_return;
                                  const auto posted = me.send_receive(1, spmd::no_rank, 0).start();
                                  never.wait(me); // until the stop
                                  static_cast<void>(me.try_receive<int>());
                              } catch (const spmd::cancelled_error&) {
                                  ++cancelled;
                                  throw;
                              }
                          })
                          .start();
        while (begun < 3) std::this_thread::yield();
        result.cancel();
        CHECK_THROWS_AS(result.get(), spmd::cancelled_error);
        CHECK(cancelled == 3);
    });
}

TEST_CASE("a started receive can be awaited only once") {
    for_each_launcher(2, [](const meeting_pool& pool) {
        CHECK(right_on_all(pool, [](rank me) -> task<bool> {
            auto posted = me.receive<int>().start();
            me.send(7, 1 - me.id());
            const int got = co_await posted;
            try {
                co_await posted;
            } catch (const std::logic_error&) {
                co_return got == 7;
            }
            co_return false;
        }));
    });
}

TEST_CASE("a dropped receive's message goes to the next matching receive, else to its old position") {
    for_each_launcher(2, [](const meeting_pool& pool) {
        CHECK(right_on_all(pool, [](rank me) -> task<bool> {
            const std::size_t other = 1 - me.id();
            std::optional dropped = me.receive<int>().start();
            auto kept = me.receive<int>(other, 4).start();
            me.send(1, other, 4);
            co_await me.barrier();
            dropped.reset();
            if (co_await kept != 1) co_return false;

            std::vector<spmd::pending<int>> several;
            for (int i = 0; i < 3; ++i) several.push_back(me.receive<int>().start());
            for (int i = 0; i < 5; ++i) me.send(i, other);
            co_await me.barrier();
            several.clear();
            for (int i = 0; i < 5; ++i)
                if (co_await me.receive<int>() != i) co_return false;
            co_return true;
        }));
    });
}

TEST_CASE("one rank receives from very many, in an order of its choice") {
    for_each_concurrent_pool(very_many, 2, [](const meeting_pool& pool) {
        const auto right = pool.broadcast([](rank me) -> task<bool> {
                                   if (me.id() == 0) {
                                       co_await me.barrier();
                                       // In descending order, then the last ten from any source.
                                       for (std::size_t i = me.size() - 1; i > 10; --i)
                                           if (co_await me.receive<std::size_t>(i, 1) != i) co_return false;
                                       std::size_t sum = 0;
                                       for (int i = 0; i < 10; ++i) sum += co_await me.receive<std::size_t>();
                                       co_return sum == 55;
                                   }
                                   me.send(me.id(), 0, 1);
                                   co_await me.barrier();
                                   co_return true;
                               })
                               .get();
        CHECK(std::ranges::all_of(right, [](bool each) { return each; }));
    });
}

TEST_CASE("very many messages with as many tags are received backwards, and those left are freed") {
    for_each_concurrent_pool(2, 2, [](const meeting_pool& pool) {
        std::atomic<std::ptrdiff_t> living{0};
        const auto each = [&](rank me) -> task<bool> {
            const int last = static_cast<int>(very_many) - 1;
            for (int tag = 0; tag <= last; ++tag) me.send(token(living), 1 - me.id(), tag);
            co_await me.barrier();
            for (int tag = last; tag > last / 2; --tag) {
                const spmd::source from = tag % 2 == 0 ? 1 - me.id() : spmd::any_source;
                const auto got = co_await me.receive_message<token>(from, tag);
                if (got.tag != tag) co_return false;
            }
            const auto first = co_await me.receive_message<token>();
            co_return first.tag == 0;
        };
        CHECK(right_on_all(pool, each));
        CHECK(living == 0);
    });
}

TEST_CASE("one rank starts receives of very many tags that arrive in another order") {
    for_each_concurrent_pool(2, 2, [](const meeting_pool& pool) {
        CHECK(right_on_all(pool, [](rank me) -> task<bool> {
            const int count = static_cast<int>(very_many);
            std::vector<spmd::pending<int>> all;
            for (int tag = 0; tag < count; ++tag)
                all.push_back(tag % 2 == 0 ? me.receive<int>(1 - me.id(), tag).start()
                                           : me.receive<int>(spmd::any_source, tag).start());
            auto next = me.receive<int>().start(); // accepts what the others do not
            co_await me.barrier();
            me.send(-1, 1 - me.id(), -1);
            for (int tag = count - 1; tag >= 0; --tag) me.send(tag, 1 - me.id(), tag);
            for (int tag = 0; tag < count; ++tag)
                if (co_await all[static_cast<std::size_t>(tag)] != tag) co_return false;
            co_return co_await next == -1;
        }));
    });
}

TEST_CASE("one rank starts receives from very many that send in another order") {
    for_each_concurrent_pool(very_many, 2, [](const meeting_pool& pool) {
        const auto right = pool.broadcast([](rank me) -> task<bool> {
                                   if (me.id() > 0) {
                                       co_await me.barrier();
                                       me.send(me.id(), 0);
                                       co_return true;
                                   }
                                   std::vector<spmd::pending<std::size_t>> all;
                                   for (std::size_t i = me.size() - 1; i > 0; --i)
                                       all.push_back(me.receive<std::size_t>(i).start());
                                   auto another = me.receive<std::size_t>(1).start(); // one too many
                                   co_await me.barrier();
                                   std::size_t expected = me.size();
                                   for (auto& each : all)
                                       if (co_await each != --expected) co_return false;
                                   co_return !another.ready();
                               })
                               .get();
        CHECK(std::ranges::all_of(right, [](bool each) { return each; }));
    });
}
