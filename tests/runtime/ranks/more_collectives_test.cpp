// Guards reduce_scatter, exchange, clock and grids against values for another rank, lost, delivered twice or
// in an order that depends on the execution; sums in another tree than reduce()'s; ranks that read different
// times, or one from before the last arrival; grids that mix up dimensions, directions or edges; and errors
// that only some ranks see.

#include "support/checks.hpp"
#include "support/meeting.hpp"
#include "support/pools.hpp"

#include <spmd/spmd.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace test_support;
using Catch::Matchers::Contains;
using spmd::rank;

const std::vector<std::size_t> sizes{1, 2, 3, 8, 60, 1025};

// What rank `from` has for rank `to`; sums of these depend on the order of addition.
double uneven(std::size_t from, std::size_t to) {
    return 1.0 / static_cast<double>(3 * from + to + 1) + static_cast<double>((from + to) % 11) * 1e8;
}

std::vector<double> uneven_row(std::size_t from, std::size_t size) {
    std::vector<double> row;
    for (std::size_t to = 0; to < size; ++to) row.push_back(uneven(from, to));
    return row;
}

std::string name_of(std::size_t from, std::size_t to) {
    std::string name = std::to_string(from);
    name += '>';
    name += std::to_string(to);
    name += ',';
    return name;
}

std::vector<std::string> names_from(std::size_t from, std::size_t size) {
    std::vector<std::string> names;
    for (std::size_t to = 0; to < size; ++to) names.push_back(name_of(from, to));
    return names;
}

template <class T>
using pairs = std::vector<std::pair<std::size_t, T>>;

// What rank `from` lists in a round: nothing, some ranks twice, itself; never in the order of the receivers.
pairs<std::string> listed_by(std::size_t from, std::size_t size, std::size_t round) {
    pairs<std::string> listed;
    const std::size_t count = (from * 5 + round) % 4;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t to = (from * from + size - i * 3 % size + round) % size;
        listed.emplace_back(to, name_of(from, to));
        if (i == 1) listed.emplace_back(to, "again");
    }
    return listed;
}

// The documented order: by sender, then as listed.
std::vector<pairs<std::string>> delivered(std::size_t size, std::size_t round) {
    std::vector<pairs<std::string>> all(size);
    for (std::size_t from = 0; from < size; ++from)
        for (const auto& [to, name] : listed_by(from, size, round)) all[to].emplace_back(from, name);
    return all;
}

} // namespace

TEST_CASE("reduce_scatter combines what all ranks have for each, in rank order") {
    for_each_size({1, 2, 3, 8, 60}, [](const meeting_pool& pool) {
        const auto got = pool.broadcast([](rank me) -> task<std::string> {
                                 const auto mine = names_from(me.id(), me.size());
                                 auto later = me.reduce_scatter(mine, std::plus<>{}).start();
                                 std::string both = co_await me.reduce_scatter(mine, std::plus<>{});
                                 both += co_await later;
                                 co_return both;
                             })
                             .get();
        for (std::size_t id = 0; id < pool.size(); ++id) {
            std::string expected;
            for (int twice = 0; twice < 2; ++twice)
                for (std::size_t from = 0; from < pool.size(); ++from) expected += name_of(from, id);
            REQUIRE(got[id] == expected);
        }
    });
}

TEST_CASE("reduce_scatter of doubles is bitwise equal to a reduction to each rank") {
    for_each_size(sizes, [](const meeting_pool& pool) {
        const std::vector<std::size_t> roots{0, pool.size() / 2, pool.size() - 1};
        const auto found_right = pool.broadcast([&](rank me) -> task<bool> {
                                         const double mine = co_await me.reduce_scatter(
                                             uneven_row(me.id(), me.size()), spmd::plus);
                                         bool right = true;
                                         for (const std::size_t root : roots) {
                                             const std::optional<double> sum =
                                                 co_await me.reduce(uneven(me.id(), root), spmd::plus, root);
                                             right = right && (!sum || *sum == mine);
                                         }
                                         co_return right;
                                     })
                                     .get();
        CHECK(all_equal(found_right, true));
    });
}

TEST_CASE("reduce_scatter finds the rank of an extreme, and combines vectors by elements") {
    for_each_size({1, 2, 3, 8, 60}, [](const meeting_pool& pool) {
        const auto found_right =
            pool.broadcast([](rank me) -> task<bool> {
                    const std::size_t n = me.size();
                    std::vector<std::size_t> distances;
                    std::vector<std::vector<std::size_t>> blocks;
                    for (std::size_t to = 0; to < n; ++to) {
                        distances.push_back((to + n - me.id()) % n);
                        blocks.emplace_back(to % 4, me.id() + to);
                    }
                    const auto largest = co_await me.reduce_scatter(distances, spmd::max_at);
                    const auto nearest = co_await me.reduce_scatter(distances, spmd::min_at);
                    const auto sums = co_await me.reduce_scatter(blocks, spmd::plus);
                    const auto highest = co_await me.reduce_scatter(blocks, spmd::max_at);
                    const std::size_t sum = n * (n - 1) / 2 + n * me.id();
                    bool right = largest.value == n - 1 && largest.index == (me.id() + 1) % n;
                    right = right && nearest.value == 0 && nearest.index == me.id();
                    right = right && sums == std::vector(me.id() % 4, sum) && highest.size() == sums.size();
                    for (const auto& each : highest)
                        right = right && each.value == n - 1 + me.id() && each.index == n - 1;
                    co_return right;
                })
                .get();
        CHECK(all_equal(found_right, true));
    });
}

TEST_CASE("reduce_scatter applies the operation to the values, even if it combines vectors too") {
    for_each_launcher(3, [](const meeting_pool& pool) {
        const auto got = pool.broadcast([](rank me) -> task<std::pair<int, bool>> {
                                 const auto smaller = [](auto a, auto b) { return b < a ? b : a; };
                                 std::vector<int> mine(3, 5);
                                 mine[me.id()] = 1;
                                 const int least = co_await me.reduce_scatter(mine, smaller);
                                 std::vector<bool> flags(3, false);
                                 flags[2] = me.id() == 1;
                                 const bool any = co_await me.reduce_scatter(flags, spmd::logical_or);
                                 co_return std::pair(least, any);
                             })
                             .get();
        CHECK(got == std::vector<std::pair<int, bool>>{{1, false}, {1, false}, {1, true}});
    });
}

TEST_CASE("reduce_scatter accepts move-only values") {
    for_each_size({1, 3, 8}, [](const meeting_pool& pool) {
        const auto sums =
            pool.broadcast([](rank me) -> task<std::size_t> {
                    using box = std::unique_ptr<std::size_t>;
                    std::vector<box> mine;
                    for (std::size_t to = 0; to < me.size(); ++to)
                        mine.push_back(std::make_unique<std::size_t>(to));
                    const auto add = [](box a, box b) { return std::make_unique<std::size_t>(*a + *b); };
                    const box sum = co_await me.reduce_scatter(std::move(mine), add);
                    co_return *sum;
                })
                .get();
        for (std::size_t id = 0; id < pool.size(); ++id) CHECK(sums[id] == id * pool.size());
    });
}

TEST_CASE("reduce_scatter reports wrong numbers of values, and what the operation throws, at every rank") {
    for_each_launcher(5, [](const meeting_pool& pool) {
        const auto texts =
            pool.broadcast([](rank me) -> task<std::string> {
                    std::string all;
                    try {
                        co_await me.reduce_scatter(std::vector<int>(6), spmd::plus);
                    } catch (const std::invalid_argument& error) {
                        all += error.what();
                    }
                    try {
                        std::vector<std::vector<int>> blocks(5);
                        blocks[3].resize(me.id() < 2 ? 3 : 4);
                        co_await me.reduce_scatter(std::move(blocks), spmd::plus);
                    } catch (const spmd::mismatch_error& error) {
                        all += "; ";
                        all += error.what();
                    }
                    try {
                        const auto refuse = [](int, int) -> int { throw std::runtime_error("; will not"); };
                        co_await me.reduce_scatter(std::vector<int>(5), refuse);
                    } catch (const std::runtime_error& error) {
                        all += error.what();
                    }
                    co_await me.barrier();
                    co_return all;
                })
                .get();
        CHECK(all_equal(texts, "reduce_scatter needs one value per rank: 6 values for 5 ranks; "
                               "reduce_scatter combines vectors of different lengths: 3 and 4 elements; "
                               "will not"));
    });
}

TEST_CASE("reduce_scatter of unequal numbers of values is a mismatch") {
    for_each_launcher(3, [](const meeting_pool& pool) {
        const auto ends = pool.broadcast([](rank me) -> task<int> {
                                  std::vector<int> mine(me.id() == 1 ? 4 : 3);
                                  co_return co_await me.reduce_scatter(std::move(mine), spmd::plus);
                              })
                              .outcomes();
        for (const auto& end : ends) {
            REQUIRE(is_a<spmd::mismatch_error>(end.error()));
            CHECK_THAT(
                spmd::message_of(end.error()),
                Contains("rank 0 called reduce_scatter of std::vector<int>, 3 elements at more_coll") &&
                    Contains("rank 1 called reduce_scatter of std::vector<int>, 4 elements"));
        }
    });
}

TEST_CASE("an exchange delivers each value to its receiver, by sender and then as listed") {
    for_each_size(sizes, [](const meeting_pool& pool) {
        const std::size_t rounds = pool.size() > 60 ? 3 : 8;
        const auto got =
            pool.broadcast([&](rank me) -> task<std::vector<pairs<std::string>>> {
                    std::vector<pairs<std::string>> all;
                    for (std::size_t round = 0; round < rounds; ++round) {
                        auto later = me.exchange(listed_by(me.id(), me.size(), round + 1)).start();
                        all.push_back(co_await me.exchange(listed_by(me.id(), me.size(), round)));
                        all.push_back(co_await later);
                    }
                    co_return all;
                })
                .get();
        for (std::size_t round = 0; round < rounds; ++round) {
            const auto now = delivered(pool.size(), round);
            const auto later = delivered(pool.size(), round + 1);
            bool right = true;
            for (std::size_t id = 0; id < pool.size(); ++id)
                right = right && got[id][2 * round] == now[id] && got[id][2 * round + 1] == later[id];
            REQUIRE(right);
        }
    });
}

TEST_CASE("an exchange may be empty, all to one, or of move-only values") {
    for_each_size(sizes, [](const meeting_pool& pool) {
        const auto found_right =
            pool.broadcast([](rank me) -> task<bool> {
                    const auto none = co_await me.exchange(pairs<bool>());
                    pairs<bool> flag;
                    flag.emplace_back(me.size() - 1, me.id() % 2 == 1);
                    const auto flags = co_await me.exchange(std::move(flag));
                    pairs<std::unique_ptr<std::size_t>> moved;
                    moved.emplace_back((me.id() + 1) % me.size(), std::make_unique<std::size_t>(me.id()));
                    const auto from_left = co_await me.exchange(std::move(moved));
                    bool right = none.empty() && flags.size() == (me.id() + 1 == me.size() ? me.size() : 0);
                    for (std::size_t from = 0; from < flags.size(); ++from)
                        right = right && flags[from] == std::pair(from, from % 2 == 1);
                    co_return right&& from_left.size() == 1 && from_left[0].first == *from_left[0].second;
                })
                .get();
        CHECK(all_equal(found_right, true));
    });
}

TEST_CASE("an exchange with a rank outside the group is rejected at the call, naming its number") {
    for_each_launcher(4, [](const meeting_pool& pool) {
        const auto refused = pool.broadcast([](rank me) -> task<bool> {
                                     pairs<int> bad;
                                     bad.emplace_back(3, 1);
                                     bad.emplace_back(4, 1);
                                     bool caught = false;
                                     try {
                                         static_cast<void>(me.exchange(bad));
                                     } catch (const std::invalid_argument& error) {
                                         caught = error.what() == std::string("rank 4 is not below 4");
                                     }
                                     co_await me.barrier();
                                     co_return caught;
                                 })
                                 .get();
        CHECK(all_equal(refused, true));
    });
}

TEST_CASE("a clock delivers one time to all ranks, after the last arrival and before any goes on") {
    for_each_size(sizes, [](const meeting_pool& pool) {
        using time = std::chrono::steady_clock::time_point;
        struct observed {
            time before, read, after, started;
        };
        const auto all = pool.broadcast([](rank me) -> task<observed> {
                                 observed seen;
                                 seen.before = std::chrono::steady_clock::now();
                                 seen.read = co_await me.clock();
                                 seen.after = std::chrono::steady_clock::now();
                                 auto later = me.clock().start();
                                 seen.started = co_await later;
                                 co_return seen;
                             })
                             .get();
        bool right = true;
        for (const observed& one : all) {
            right = right && one.read == all[0].read && one.started == all[0].started;
            right = right && one.before <= all[0].read && all[0].read <= one.after;
            right = right && one.after <= one.started;
        }
        CHECK(right);
    });
}

TEST_CASE("dropped reduce_scatters, exchanges and clocks still contribute") {
    for_each_size({1, 2, 3, 8, 60}, [](const meeting_pool& pool) {
        const auto found_right =
            pool.broadcast([](rank me) -> task<bool> {
                    const std::size_t n = me.size();
                    bool right = true;
                    for (std::size_t round = 0; round < 12; ++round) {
                        auto sum =
                            me.reduce_scatter(std::vector<std::size_t>(n, me.id()), spmd::plus).start();
                        pairs<std::string> outgoing;
                        outgoing.emplace_back((me.id() + round) % n, name_of(me.id(), round));
                        auto incoming = me.exchange(std::move(outgoing)).start();
                        auto time = me.clock().start();
                        if ((me.id() + round) % 2 == 0) {
                            right = right && co_await sum == n * (n - 1) / 2;
                        } else if (round % 3 == 0) {
                            const auto received = co_await incoming;
                            right = right && received.size() == 1 &&
                                    received[0].second == name_of(received[0].first, round);
                        }
                    }
                    co_await me.barrier();
                    co_return right;
                })
                .get();
        CHECK(all_equal(found_right, true));
    });
}

namespace {

struct shape {
    std::vector<std::size_t> extents;
    std::vector<bool> periodic;
};

// For each number of ranks.
const std::map<std::size_t, std::vector<shape>> shapes{
    {1, {{{1}, {}}, {{1, 1}, {true, false}}}},
    {2, {{{2}, {true}}, {{1, 2}, {true, true}}}},
    {3, {{{3, 1}, {false, true}}, {{3}, {}}}},
    {8, {{{2, 4}, {false, true}}, {{2, 2, 2}, {}}}},
    {60, {{{5, 12}, {true, false}}, {{3, 4, 5}, {false, true, false}}}},
    {1025, {{{25, 41}, {}}}}};

// Coordinates of all ranks: those of the last dimension change first.
std::vector<std::vector<std::size_t>> places_in(const shape& formed, std::size_t ranks) {
    std::vector<std::vector<std::size_t>> places;
    std::vector<std::size_t> place(formed.extents.size(), 0);
    for (std::size_t id = 0; id < ranks; ++id) {
        places.push_back(place);
        for (std::size_t d = place.size(); d-- > 0;) {
            if (++place[d] < formed.extents[d]) break;
            place[d] = 0;
        }
    }
    return places;
}

// Walks one step at a time.
std::optional<std::size_t> walked(const shape& formed, std::vector<std::size_t> place, std::size_t dimension,
                                  int displacement) {
    const std::size_t extent = formed.extents[dimension];
    const bool wraps = !formed.periodic.empty() && formed.periodic[dimension];
    for (; displacement != 0; displacement += displacement > 0 ? -1 : 1) {
        std::size_t& coordinate = place[dimension];
        if (!wraps && coordinate == (displacement > 0 ? extent - 1 : 0)) return std::nullopt;
        coordinate = (coordinate + (displacement > 0 ? 1 : extent - 1)) % extent;
    }
    std::size_t id = 0;
    for (std::size_t d = 0; d < place.size(); ++d) id = id * formed.extents[d] + place[d];
    return id;
}

// Ids that share all coordinates but one with rank `id`, ascending.
std::vector<std::size_t> line_through(const std::vector<std::vector<std::size_t>>& places, std::size_t id,
                                      std::size_t dimension) {
    std::vector<std::size_t> line;
    for (std::size_t other = 0; other < places.size(); ++other) {
        std::vector<std::size_t> place = places[other];
        place[dimension] = places[id][dimension];
        if (place == places[id]) line.push_back(other);
    }
    return line;
}

} // namespace

TEST_CASE("a grid knows each rank's coordinates and neighbours, in row-major order") {
    for (const auto& [ranks, all_shapes] : shapes)
        for (const shape& formed : all_shapes) {
            if (ranks > most_ranks) continue;
            const auto places = places_in(formed, ranks);
            const auto found_right =
                make_jthread_pool(ranks, {2})
                    .broadcast([&](const rank& me) { // plain: a grid needs no meeting
                        const spmd::grid g(me, formed.extents, {.periodic = formed.periodic});
                        bool right = g.extents() == formed.extents && g.me().id() == me.id() &&
                                     g.coordinates() == places[me.id()];
                        for (std::size_t d = 0; d < formed.extents.size(); ++d)
                            for (const int displacement : {0, 1, -1, 2, -3, 40, -100}) {
                                const auto [source, destination] = g.shift(d, displacement);
                                right = right && source == walked(formed, places[me.id()], d, -displacement);
                                right =
                                    right && destination == walked(formed, places[me.id()], d, displacement);
                            }
                        return right;
                    })
                    .get();
            CHECK(all_equal(found_right, true));
        }
}

TEST_CASE("a grid makes groups along each dimension") {
    for (const auto& [ranks, all_shapes] : shapes)
        for (const shape& formed : all_shapes) {
            if (ranks > most_ranks) continue;
            const auto places = places_in(formed, ranks);
            std::vector<std::vector<std::vector<std::size_t>>> lines(ranks);
            for (std::size_t id = 0; id < ranks; ++id)
                for (std::size_t d = 0; d < formed.extents.size(); ++d)
                    lines[id].push_back(line_through(places, id, d));
            for_each_launcher(ranks, [&, formed = &formed](const meeting_pool& pool) {
                const auto found_right = pool.broadcast([&](rank me) -> task<bool> {
                                                 const spmd::grid g(me, formed->extents);
                                                 bool right = true;
                                                 for (std::size_t d = 0; d < formed->extents.size(); ++d) {
                                                     const auto dropped = g.along(d).start();
                                                     const rank line = co_await g.along(d);
                                                     const auto members = co_await line.all_gather(me.id());
                                                     right = right &&
                                                             members.to_vector() == lines[me.id()][d] &&
                                                             line.id() == places[me.id()][d];
                                                 }
                                                 if (formed->extents.size() == 2) {
                                                     const rank row = co_await g.row();
                                                     const rank column = co_await g.column();
                                                     right = right && row.id() == places[me.id()][1] &&
                                                             row.size() == formed->extents[1] &&
                                                             column.id() == places[me.id()][0] &&
                                                             column.size() == formed->extents[0];
                                                 }
                                                 co_return right;
                                             })
                                             .get();
                REQUIRE(all_equal(found_right, true));
            });
        }
}

TEST_CASE("a grid that does not fit its group is an error that names both") {
    const auto texts = make_jthread_pool(10, {2})
                           .broadcast([](const rank& me) {
                               constexpr std::size_t half = std::size_t{1} << 63U;
                               const std::vector<std::function<void()>> wrong{
                                   [&] { static_cast<void>(spmd::grid(me, {3, 4})); },
                                   [&] { static_cast<void>(spmd::grid(me, {10, 0})); },
                                   [&] { static_cast<void>(spmd::grid(me, {half, 2, 10})); },
                                   [&] { static_cast<void>(spmd::grid(me, {2, 5}, {.periodic = {true}})); },
                                   [&] { static_cast<void>(spmd::grid(me, {2, 5}).shift(2, 1)); },
                                   [&] { static_cast<void>(spmd::grid(me, {2, 5}).along(2)); },
                                   [&] { static_cast<void>(spmd::grid(me, {10}).row()); },
                                   [&] { static_cast<void>(spmd::grid(me, {1, 2, 5}).column()); },
                               };
                               std::vector<std::string> all;
                               for (const auto& each : wrong) {
                                   try {
                                       each();
                                   } catch (const std::logic_error& error) {
                                       all.emplace_back(error.what());
                                   }
                               }
                               return all;
                           })
                           .get();
    const std::vector<std::string> expected{
        "a grid of 3 x 4 has 12 ranks, but the group has 10",
        "a grid of 10 x 0 has 0 ranks, but the group has 10",
        "a grid of 9223372036854775808 x 2 x 10 has 18446744073709551615 ranks, but the group has 10",
        "a grid of 2 x 5 has 2 dimensions, but `periodic` has 1",
        "dimension 2 is not below 2",
        "dimension 2 is not below 2",
        "a grid of 10 has no rows and columns; use along(dimension)",
        "a grid of 1 x 2 x 5 has no rows and columns; use along(dimension)"};
    CHECK(all_equal(texts, expected));
}

TEST_CASE("a peer's end and a deadlock name the collective and its line") {
    using operation = std::function<task<>(rank)>;
    const std::map<std::string, operation> operations{
        {"reduce_scatter",
         [](rank me) -> task<> {
             co_await me.reduce_scatter(std::vector<int>(me.size()), spmd::plus);
             co_return;
         }},
        {"exchange",
         [](rank me) -> task<> {
             co_await me.exchange(pairs<int>());
             co_return;
         }},
        {"clock",
         [](rank me) -> task<> {
             co_await me.clock();
             co_return;
         }},
        {"split",
         [](rank me) -> task<> {
             const spmd::grid g(me, {3, 1});
             co_await g.column();
             co_return;
         }},
    };
    for (const auto& [name, meet] : operations) {
        for_each_launcher(3, [&](const meeting_pool& pool) {
            const auto gone = pool.broadcast([&](rank me) -> task<> {
                                      if (me.id() != 1) AWAIT_HELPER(meet(me));
                                  })
                                  .outcomes();
            REQUIRE(is_a<spmd::peer_error>(gone[0].error()));
            CHECK_THAT(spmd::message_of(gone[0].error()), Contains(name + " at more_collectives_test.cpp:"));
            const auto stuck = pool.broadcast([&](rank me) -> task<> {
                                       if (me.id() == 1)
                                           co_await me.receive<int>(0);
                                       else
                                           AWAIT_HELPER(meet(me));
                                   })
                                   .outcomes();
            for (const auto& end : stuck) {
                REQUIRE(is_a<spmd::deadlock_error>(end.error()));
                CHECK_THAT(spmd::message_of(end.error()), Contains(name + " at more_collectives_test.cpp:"));
            }
        });
    }
}

TEST_CASE("large vectors are combined bitwise as their elements are, with all members' own results") {
    const auto value = [](std::size_t id, std::size_t i) {
        return 1.0 / static_cast<double>(1 + (i * 7 + id * 13) % 1009);
    };
    for (const auto& [ranks, elements] : {std::pair<std::size_t, std::size_t>{1, 70'001},
                                          {2, 70'001},
                                          {3, 150'000},
                                          {60, 5'000},
                                          {1025, 300}}) {
        const std::size_t size = elements;
        std::vector<double> expected(size);
        for (std::size_t i = 0; i < size; ++i) {
            for (std::size_t id = 0; id < std::min<std::size_t>(ranks, 1024); ++id)
                expected[i] = id == 0 ? value(0, i) : expected[i] + value(id, i);
            if (ranks > 1024) expected[i] += value(1024, i);
        }
        for_each_size({ranks}, [&](const meeting_pool& pool) {
            const auto found_right = pool.broadcast([&](rank me) -> task<bool> {
                                             std::vector<double> mine(size);
                                             for (std::size_t i = 0; i < size; ++i)
                                                 mine[i] = value(me.id(), i);
                                             auto sum = co_await me.all_reduce(mine, spmd::plus);
                                             bool right = sum == expected;
                                             sum.front() = -1; // of this rank only
                                             auto started = me.all_reduce(mine, spmd::plus).start();
                                             const auto at_root =
                                                 co_await me.reduce(std::move(mine), spmd::plus);
                                             right = right && at_root.has_value() == (me.id() == 0) &&
                                                     (!at_root || *at_root == expected);
                                             sum = co_await started;
                                             co_return right&& sum == expected;
                                         })
                                         .get();
            CHECK(all_equal(found_right, true));
        });
    }
}

TEST_CASE(
    "an exception from an operation on large vectors is thrown at every member: the first in the vector") {
    for_each_launcher(3, [](const meeting_pool& pool) {
        const auto found = pool.broadcast([](rank me) -> task<std::string> {
                                   const auto fussy = [](int left, int right) {
                                       if (right != 1)
                                           throw std::runtime_error("not " + std::to_string(right));
                                       return left + right;
                                   };
                                   std::vector<int> mine(200'000, 1);
                                   if (me.id() == 2) mine[90'000] = 9;
                                   if (me.id() == 1) mine[150'000] = 15;
                                   std::string what;
                                   try {
                                       co_await me.all_reduce(std::move(mine), fussy);
                                   } catch (const std::runtime_error& error) {
                                       what = error.what();
                                   }
                                   const auto ones =
                                       co_await me.all_reduce(std::vector<int>(200'000, 1), fussy);
                                   if (ones != std::vector<int>(200'000, 3)) what += ", and a wrong sum";
                                   co_return what;
                               })
                               .get();
        CHECK(all_equal(found, "not 9"));
    });
}
