// Guards every collective, blocking and started, against results that depend on the order of execution:
// values from the wrong rank, combined twice, never, or in another order; a rank that passes before its peers
// have arrived; groups of a split that mix up their members or their collectives; a failure that some ranks
// do not see; and memory that grows with the number of collectives.

#include "support/checks.hpp"
#include "support/meeting.hpp"
#include "support/pools.hpp"

#include <spmd/spmd.hpp>

#include <catch2/catch.hpp>
#include <malloc.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace test_support;
using Catch::Matchers::Contains;
using spmd::rank;

constexpr std::size_t leaf = 1024; // of the documented reduction tree

// Sizes around one leaf of the tree and several.
const std::vector<std::size_t> sizes{1, 2, 3, 8, 1000, 1024, 1025, 3000};
const std::vector<std::size_t> few_sizes{1, 2, 3, 8, 60};

std::vector<std::size_t> roots_of(std::size_t size) {
    if (size > 8) return {0, 1, size / 2, size - 1};
    std::vector<std::size_t> all(size);
    std::iota(all.begin(), all.end(), std::size_t{0});
    return all;
}

std::string name_of(std::size_t id) {
    std::string name = std::to_string(id);
    name += ',';
    return name;
}

std::string names_below(std::size_t size) {
    std::string names;
    for (std::size_t id = 0; id < size; ++id) names += name_of(id);
    return names;
}

// A part whose length varies from rank to rank.
std::vector<std::size_t> part_of(std::size_t id) { return std::vector<std::size_t>(id * 7 % 4, id); }

std::vector<std::size_t> parts_below(std::size_t size) {
    std::vector<std::size_t> whole;
    for (std::size_t id = 0; id < size; ++id) {
        const std::vector<std::size_t> part = part_of(id);
        whole.insert(whole.end(), part.begin(), part.end());
    }
    return whole;
}

// Sums of these depend on the order of addition.
double uneven(std::size_t id) {
    return 1.0 / static_cast<double>(3 * id + 1) + static_cast<double>(id % 11) * 1e8;
}

// The tree documented in rank.hpp: leaves of 1,024 from the left, then neighbours pairwise.
template <class T, class Op>
T in_the_tree(const std::vector<T>& values, Op op) {
    std::vector<T> level;
    for (std::size_t begin = 0; begin < values.size(); begin += leaf) {
        T sum = values[begin];
        for (std::size_t i = begin + 1; i < std::min(begin + leaf, values.size()); ++i)
            sum = op(sum, values[i]);
        level.push_back(sum);
    }
    while (level.size() > 1) {
        std::vector<T> next;
        for (std::size_t i = 0; i + 1 < level.size(); i += 2) next.push_back(op(level[i], level[i + 1]));
        if (level.size() % 2 == 1) next.push_back(level.back());
        level = next;
    }
    return level.front();
}

// Prefixes as rank.hpp documents them: within a leaf, combined with the total of all leaves before it, from
// the left.
template <class T, class Op>
std::vector<T> prefixes(const std::vector<T>& values, Op op) {
    std::vector<T> all;
    std::optional<T> before;
    for (std::size_t begin = 0; begin < values.size(); begin += leaf) {
        T within = values[begin];
        for (std::size_t i = begin; i < std::min(begin + leaf, values.size()); ++i) {
            if (i > begin) within = op(within, values[i]);
            all.push_back(before ? op(*before, within) : within);
        }
        before = before ? op(*before, within) : within;
    }
    return all;
}

std::vector<double> uneven_below(std::size_t size) {
    std::vector<double> values;
    for (std::size_t id = 0; id < size; ++id) values.push_back(uneven(id));
    return values;
}

// Bytes allocated, to detect growth.
std::size_t bytes_in_use() {
    const auto now = ::mallinfo2();
    return now.uordblks + now.hblkhd;
}

} // namespace

TEST_CASE("no rank passes a barrier before all have arrived") {
    for_each_size(sizes, [](const meeting_pool& pool) {
        std::array<std::atomic<std::size_t>, 5> came{};
        const auto passed_early = pool.broadcast([&](rank me) -> task<std::size_t> {
                                          std::size_t early = 0;
                                          for (auto& here : came) {
                                              ++here;
                                              co_await me.barrier();
                                              if (here != me.size()) ++early;
                                              co_await me.barrier().start();
                                          }
                                          co_return early;
                                      })
                                      .get();
        CHECK(all_equal(passed_early, 0));
    });
}

TEST_CASE("a broadcast delivers the root's value to all ranks, for every root") {
    for_each_size(sizes, [](const meeting_pool& pool) {
        for (const std::size_t root : roots_of(pool.size())) {
            const auto got = pool.broadcast([&](rank me) -> task<std::string> {
                                     std::string value = co_await me.broadcast(name_of(me.id()), root);
                                     auto later = me.broadcast(name_of(me.id() + 1), root).start();
                                     value += co_await later;
                                     co_return value;
                                 })
                                 .get();
            REQUIRE(all_equal(got, name_of(root) + name_of(root + 1)));
        }
    });
}

TEST_CASE("a reduction combines all values in rank order") {
    for_each_size(sizes, [](const meeting_pool& pool) {
        const std::string expected = names_below(pool.size());
        for (const std::size_t root : roots_of(pool.size())) {
            const auto got =
                pool.broadcast([&](rank me) -> task<std::pair<int, bool>> {
                        const std::optional<std::string> now =
                            co_await me.reduce(name_of(me.id()), std::plus<>{}, root);
                        auto later = me.reduce(name_of(me.id()), std::plus<>{}, root).start();
                        const std::optional<std::string> then = co_await later;
                        const int given = (now ? 1 : 0) + (then ? 1 : 0);
                        co_return std::pair(given, given == 2 && *now == expected && *then == expected);
                    })
                    .get();
            for (std::size_t id = 0; id < pool.size(); ++id) {
                REQUIRE(got[id].first == (id == root ? 2 : 0));
                REQUIRE(got[id].second == (id == root));
            }
        }
        const auto all = pool.broadcast([&](rank me) -> task<bool> {
                                 const std::string now =
                                     co_await me.all_reduce(name_of(me.id()), std::plus<>{});
                                 auto later = me.all_reduce(name_of(me.id()), std::plus<>{}).start();
                                 co_return now == expected&& expected == co_await later;
                             })
                             .get();
        CHECK(all_equal(all, true));
    });
}

TEST_CASE("scans combine the values of preceding ranks, inclusive and exclusive") {
    for_each_size(sizes, [](const meeting_pool& pool) {
        const auto got =
            pool.broadcast([&](rank me) -> task<std::array<std::string, 5>> {
                    std::array<std::string, 5> all;
                    auto scanned = me.scan(name_of(me.id()), std::plus<>{}).start();
                    auto exclusive =
                        me.exclusive_scan(name_of(me.id()), std::plus<>{}, std::string("from ")).start();
                    all[0] = co_await me.scan(name_of(me.id()), std::plus<>{});
                    all[1] = co_await me.exclusive_scan(name_of(me.id()), std::plus<>{});
                    all[2] =
                        co_await me.exclusive_scan(name_of(me.id()), std::plus<>{}, std::string("from "));
                    all[3] = co_await scanned;
                    all[4] = co_await exclusive;
                    co_return all;
                })
                .get();
        std::string before;
        bool right = true;
        for (std::size_t id = 0; id < pool.size(); ++id) {
            const std::string with = before + name_of(id);
            std::string from = "from ";
            from += before;
            right = right && got[id] == std::array{with, before, from, with, from};
            before = with;
        }
        CHECK(right);
    });
}

TEST_CASE("gather collects all values by rank at the root, all_gather at every rank") {
    for_each_size(sizes, [](const meeting_pool& pool) {
        std::vector<std::string> expected;
        for (std::size_t id = 0; id < pool.size(); ++id) expected.push_back(name_of(id));
        for (const std::size_t root : roots_of(pool.size())) {
            const auto got = pool.broadcast([&](rank me) -> task<std::vector<std::string>> {
                                     auto later = me.gather(name_of(me.id()), root).start();
                                     std::vector<std::string> now =
                                         co_await me.gather(name_of(me.id()), root);
                                     const std::vector<std::string> then = co_await later;
                                     now.insert(now.end(), then.begin(), then.end());
                                     co_return now;
                                 })
                                 .get();
            std::vector<std::string> twice = expected;
            twice.insert(twice.end(), expected.begin(), expected.end());
            for (std::size_t id = 0; id < pool.size(); ++id)
                REQUIRE(got[id] == (id == root ? twice : std::vector<std::string>{}));
        }
        const auto found_right =
            pool.broadcast([&](rank me) -> task<bool> {
                    auto later = me.all_gather(name_of(me.id())).start();
                    bool same = true;
                    std::size_t id = 0;
                    for (const std::string& each : co_await me.all_gather(name_of(me.id())))
                        same = same && each == expected[id++];
                    const spmd::shared_values<std::string> then = co_await later;
                    co_return same&& id == me.size() && then.size() == me.size() && !then.empty() &&
                        then[id - 1] == expected[id - 1];
                })
                .get();
        CHECK(all_equal(found_right, true));
    });
}

TEST_CASE("gathered vectors may differ in length") {
    for_each_size(sizes, [](const meeting_pool& pool) {
        std::vector<std::vector<std::size_t>> expected;
        for (std::size_t id = 0; id < pool.size(); ++id) expected.push_back(part_of(id));
        const auto right = pool.broadcast([&](rank me) -> task<bool> {
                                   const std::size_t root = me.size() / 2;
                                   const auto at_root = co_await me.gather(part_of(me.id()), root);
                                   const auto all = co_await me.all_gather(part_of(me.id()));
                                   bool same = me.id() == root ? at_root == expected : at_root.empty();
                                   for (std::size_t id = 0; id < me.size(); ++id)
                                       same = same && all[id] == expected[id];
                                   co_return same&& all.size() == me.size();
                               })
                               .get();
        CHECK(all_equal(right, true));
    });
}

TEST_CASE("all_gather's result is shared by all ranks and outlives the collective") {
    for_each_launcher(std::min<std::size_t>(1025, most_ranks), [](const meeting_pool& pool) {
        auto all = pool.broadcast([&](rank me) -> task<spmd::shared_values<std::size_t>> {
                           auto mine = co_await me.all_gather(me.id() * 3);
                           for (int i = 0; i < 8; ++i) co_await me.all_gather(me.id());
                           co_return mine;
                       })
                       .get();
        const spmd::shared_values<std::size_t> last = all.back();
        CHECK(std::ranges::all_of(all, [&](const auto& each) { return &each[0] == &last[0]; }));
        all.clear();
        bool right = true;
        for (std::size_t id = 0; id < last.size(); ++id) right = right && last[id] == 3 * id;
        CHECK(right);
    });
}

TEST_CASE("concat makes one flat sequence of ranges of any lengths") {
    for_each_size(sizes, [](const meeting_pool& pool) {
        const std::vector<std::size_t> expected = parts_below(pool.size());
        for (const std::size_t root : roots_of(pool.size())) {
            const auto found_right = pool.broadcast([&](rank me) -> task<bool> {
                                             auto later = me.concat(part_of(me.id()), root).start();
                                             const std::vector<std::size_t> now =
                                                 co_await me.concat(part_of(me.id()), root);
                                             const std::vector<std::size_t> then = co_await later;
                                             co_return me.id() == root ? now == expected&& then == expected
                                                                       : now.empty() && then.empty();
                                         })
                                         .get();
            REQUIRE(all_equal(found_right, true));
        }
        const auto found_right =
            pool.broadcast([&](rank me) -> task<bool> {
                    auto later = me.all_concat(part_of(me.id())).start();
                    const spmd::shared_values<std::size_t> now = co_await me.all_concat(part_of(me.id()));
                    const spmd::shared_values<std::size_t> then = co_await later;
                    co_return std::ranges::equal(now, expected) && std::ranges::equal(then, expected);
                })
                .get();
        CHECK(all_equal(found_right, true));
    });
}

TEST_CASE("concat of empty ranges is empty") {
    for_each_launcher(3, [](const meeting_pool& pool) {
        const auto counts = pool.broadcast([](rank me) -> task<std::size_t> {
                                    const auto mine = co_await me.concat(std::vector<int>(), me.size() - 1);
                                    const auto shared = co_await me.all_concat(std::vector<char>());
                                    co_return mine.size() + shared.size();
                                })
                                .get();
        CHECK(all_equal(counts, 0));
    });
}

TEST_CASE("scatter distributes the root's values, one per rank") {
    for_each_size(sizes, [](const meeting_pool& pool) {
        for (const std::size_t root : roots_of(pool.size())) {
            const auto found_right =
                pool.broadcast([&](rank me) -> task<bool> {
                        std::vector<std::vector<std::size_t>> parts;
                        std::vector<std::string> names;
                        if (me.id() == root) {
                            for (std::size_t to = 0; to < me.size(); ++to) {
                                parts.push_back(part_of(to));
                                names.push_back(name_of(to));
                            }
                        }
                        auto later = me.scatter(std::move(names), root).start();
                        const std::vector<std::size_t> mine = co_await me.scatter(std::move(parts), root);
                        co_return mine == part_of(me.id()) && name_of(me.id()) == co_await later;
                    })
                    .get();
            REQUIRE(all_equal(found_right, true));
        }
    });
}

TEST_CASE("all_to_all delivers to each rank one value from every rank") {
    for (const std::size_t ranks : {1U, 2U, 3U, 60U, 300U, 1025U}) {
        if (ranks > most_ranks) continue;
        for_each_launcher(ranks, [](const meeting_pool& pool) {
            const auto found_right = pool.broadcast([](rank me) -> task<bool> {
                                             std::vector<std::size_t> mine;
                                             for (std::size_t to = 0; to < me.size(); ++to)
                                                 mine.push_back(me.id() * 10'000 + to);
                                             auto later = me.all_to_all(mine).start();
                                             const std::vector<std::size_t> got =
                                                 co_await me.all_to_all(std::move(mine));
                                             bool right = got.size() == me.size() && got == co_await later;
                                             for (std::size_t from = 0; right && from < me.size(); ++from)
                                                 right = got[from] == from * 10'000 + me.id();
                                             co_return right;
                                         })
                                         .get();
            CHECK(all_equal(found_right, true));
        });
    }
}

TEST_CASE("all_to_all accepts ranges of varying lengths") {
    for_each_size(few_sizes, [](const meeting_pool& pool) {
        const auto length = [](std::size_t from, std::size_t to) { return (from * 5 + to * 3) % 4; };
        const auto found_right = pool.broadcast([&](rank me) -> task<bool> {
                                         std::vector<std::vector<std::size_t>> mine;
                                         for (std::size_t to = 0; to < me.size(); ++to)
                                             mine.emplace_back(length(me.id(), to), me.id());
                                         const auto got = co_await me.all_to_all(std::move(mine));
                                         bool right = got.size() == me.size();
                                         for (std::size_t from = 0; right && from < me.size(); ++from)
                                             right = got[from] == std::vector(length(from, me.id()), from);
                                         co_return right;
                                     })
                                     .get();
        CHECK(all_equal(found_right, true));
    });
}

TEST_CASE("vectors are combined element by element, unless the operation combines vectors") {
    for_each_size(sizes, [](const meeting_pool& pool) {
        const auto chained = [](std::vector<std::size_t> left, const std::vector<std::size_t>& right) {
            left.insert(left.end(), right.begin(), right.end());
            return left;
        };
        const auto found_right =
            pool.broadcast([&](rank me) -> task<bool> {
                    const std::size_t n = me.size();
                    std::vector<std::size_t> mine(3, me.id());
                    mine[1] = 1;
                    mine[2] = n - me.id();
                    std::vector<std::size_t> same = mine;
                    const auto sums = co_await me.all_reduce(std::move(mine), std::plus<>{});
                    const auto until = co_await me.scan(std::move(same), std::plus<>{});
                    const auto whole = co_await me.reduce(part_of(me.id()), chained, n - 1);
                    const auto nothing = co_await me.all_reduce(std::vector<int>(), std::plus<>{});
                    co_return sums == std::vector{n * (n - 1) / 2, n, n * (n + 1) / 2} &&
                        until[0] == me.id() * (me.id() + 1) / 2 && until[1] == me.id() + 1 &&
                        nothing.empty() && (me.id() + 1 < n ? !whole : *whole == parts_below(n));
                })
                .get();
        CHECK(all_equal(found_right, true));
    });
}

TEST_CASE("an exclusive scan of vectors begins with zeros, or with an initial value of the same length") {
    for_each_size(sizes, [](const meeting_pool& pool) {
        const auto right = pool.broadcast([](rank me) -> task<bool> {
                                   const std::vector<std::size_t> mine{me.id(), 1};
                                   const std::vector<std::size_t> first{100, 7};
                                   const auto zeros = co_await me.exclusive_scan(mine, std::plus<>{});
                                   const auto with_first =
                                       co_await me.exclusive_scan(mine, std::plus<>{}, first);
                                   const std::size_t before = me.id() * (me.id() - (me.id() > 0 ? 1 : 0)) / 2;
                                   co_return zeros == std::vector{before, me.id()} &&
                                       with_first == std::vector{before + 100, me.id() + 7};
                               })
                               .get();
        CHECK(all_equal(right, true));
    });
    for_each_launcher(3, [](const meeting_pool& pool) {
        const auto outcomes = pool.broadcast([](rank me) -> task<> {
                                      const std::vector<int> mine(2, 1);
                                      const std::vector<int> first(me.id() == 1 ? 3 : 2, 0);
                                      co_await me.exclusive_scan(mine, std::plus<>{}, first);
                                  })
                                  .outcomes();
        CHECK(spmd::message_of(outcomes[1].error()) ==
              "exclusive_scan of 2 elements has an initial value of 3 elements");
        CHECK(is_a<std::invalid_argument>(outcomes[1].error()));
        CHECK(is_a<spmd::peer_error>(outcomes[0].error()));
    });
}

TEST_CASE("collectives accept move-only values") {
    using owned = std::unique_ptr<std::size_t>;
    for_each_size(few_sizes, [](const meeting_pool& pool) {
        const auto found_right =
            pool.broadcast([](rank me) -> task<bool> {
                    const std::size_t n = me.size();
                    const auto add = [](owned left, const owned& right) {
                        *left += *right;
                        return left;
                    };
                    const auto own = [](std::size_t value) { return std::make_unique<std::size_t>(value); };
                    std::vector<owned> to_all;
                    std::vector<owned> dealt;
                    for (std::size_t to = 0; to < n; ++to) to_all.push_back(own(me.id() * 100 + to));
                    for (std::size_t to = 0; to < n && me.id() == 0; ++to) dealt.push_back(own(to + 7));
                    const std::optional<owned> sum = co_await me.reduce(own(me.id()), add, 0);
                    const std::vector<owned> all = co_await me.gather(own(me.id()), n - 1);
                    const owned mine = co_await me.scatter(std::move(dealt), 0);
                    const std::vector<owned> from_all = co_await me.all_to_all(std::move(to_all));
                    const spmd::shared_values<owned> shared = co_await me.all_gather(own(me.id()));
                    bool right = sum.has_value() == (me.id() == 0) && *mine == me.id() + 7 &&
                                 all.size() == (me.id() + 1 == n ? n : 0);
                    if (sum) right = right && **sum == n * (n - 1) / 2;
                    for (std::size_t id = 0; id < n; ++id) {
                        right = right && *shared[id] == id && *from_all[id] == id * 100 + me.id();
                        if (!all.empty()) right = right && *all[id] == id;
                    }
                    co_return right;
                })
                .get();
        CHECK(all_equal(found_right, true));
    });
}

TEST_CASE("collectives accept bool, one object per value, and vectors of bool") {
    for_each_size(sizes, [](const meeting_pool& pool) {
        const auto odd = [](std::size_t id) { return id % 2 == 1; };
        const auto found_right =
            pool.broadcast([&](rank me) -> task<bool> {
                    const std::size_t n = me.size();
                    const bool all = co_await me.all_reduce(true, std::logical_and<>{});
                    const bool not_all = co_await me.all_reduce(me.id() + 1 < n, std::logical_and<>{});
                    const bool any_until = co_await me.scan(odd(me.id()), std::logical_or<>{});
                    const bool of_root = co_await me.broadcast(me.id() + 1 == n, n - 1);
                    const spmd::results<bool> gathered = co_await me.gather(odd(me.id()), n - 1);
                    const spmd::shared_values<bool> shared = co_await me.all_gather(odd(me.id()));
                    std::vector<bool> dealt;
                    for (std::size_t to = 0; to < n && me.id() == 0; ++to) dealt.push_back(odd(to));
                    const bool mine = co_await me.scatter(std::move(dealt), 0);
                    std::vector<bool> flags(3, me.id() == 0);
                    flags[1] = true;
                    const std::vector<bool> either = co_await me.all_reduce(flags, std::logical_or<>{});
                    const std::vector<bool> both = co_await me.all_reduce(flags, std::logical_and<>{});
                    bool right = all && !not_all && any_until == (me.id() > 0) && of_root &&
                                 mine == odd(me.id()) && either == std::vector<bool>(3, true) && both[1] &&
                                 both[0] == (n == 1) && both[2] == (n == 1);
                    for (std::size_t id = 0; id < n; ++id) {
                        right = right && shared[id] == odd(id);
                        if (me.id() + 1 == n) right = right && gathered[id] == odd(id);
                    }
                    co_return right;
                })
                .get();
        CHECK(all_equal(found_right, true));
    });
    for_each_launcher(60, [](const meeting_pool& pool) {
        const auto found_right = pool.broadcast([](rank me) -> task<bool> {
                                         std::vector<bool> mine;
                                         for (std::size_t to = 0; to < me.size(); ++to)
                                             mine.push_back((me.id() + to) % 3 == 0);
                                         const std::vector<bool> got = co_await me.all_to_all(mine);
                                         co_return got == mine; // symmetric
                                     })
                                     .get();
        CHECK(all_equal(found_right, true));
    });
}

TEST_CASE("reductions of doubles are bitwise equal to those of the documented tree") {
    for_each_size(sizes, [](const meeting_pool& pool) {
        const std::vector<double> values = uneven_below(pool.size());
        const double sum = in_the_tree(values, std::plus<>{});
        const std::vector<double> until = prefixes(values, std::plus<>{});
        const auto found_right =
            pool.broadcast([&](rank me) -> task<bool> {
                    const double mine = uneven(me.id());
                    const double all = co_await me.all_reduce(mine, std::plus<>{});
                    const std::optional<double> reduced =
                        co_await me.reduce(mine, std::plus<>{}, me.size() - 1);
                    const double scanned = co_await me.scan(mine, std::plus<>{});
                    const double before = co_await me.exclusive_scan(mine, std::plus<>{}, 0.5);
                    co_return all == sum&& reduced.value_or(sum) == sum&& scanned == until[me.id()] &&
                        before == (me.id() == 0 ? 0.5 : 0.5 + until[me.id() - 1]);
                })
                .get();
        CHECK(all_equal(found_right, true));
    });
}

TEST_CASE("a sum of doubles is bitwise equal a thousand times in a row, for 1, 2 and 16 threads") {
    const auto check = [&](const meeting_pool& pool) {
        INFO(pool.threads() << " threads, " << pool.size() << " ranks");
        // The serial program's sum.
        const double expected = in_the_tree(uneven_below(pool.size()), std::plus<>{});
        const auto all_same =
            pool.broadcast([expected](rank me) -> task<bool> {
                    bool same = true;
                    for (int i = 0; i < 1000; ++i)
                        same = co_await me.all_reduce(uneven(me.id()), std::plus<>{}) == expected && same;
                    co_return same;
                })
                .get();
        CHECK(all_equal(all_same, true));
    };
    for (const std::size_t ranks : {37U, 2100U}) {
        if (ranks > most_ranks) continue;
        for_each_launcher(ranks, check);
        for (const std::size_t threads : {1U, 2U, 16U}) {
            check(make_jthread_pool(ranks, {threads}));
#ifndef SPMD_TEST_WITHOUT_TBB
            check(spmd::engine_pool{{.ranks = ranks, .threads = threads}});
#endif
        }
    }
}

namespace {

// A member's view of its group after a split.
struct seat {
    std::size_t id = 0;
    std::size_t size = 0;
    std::size_t engine = 0;
    std::vector<std::size_t> members; // their ids before the split, by id
    friend bool operator==(const seat&, const seat&) = default;
};

struct choice {
    std::optional<std::size_t> color;
    std::int64_t key = 0;
};

// The groups of a split of ranks on `engines`, by MPI_Comm_split's rule.
std::vector<std::optional<seat>> seats_of(const std::vector<choice>& choices,
                                          const std::vector<std::size_t>& engines) {
    std::map<std::size_t, std::vector<std::size_t>> groups;
    for (std::size_t id = 0; id < choices.size(); ++id)
        if (choices[id].color) groups[*choices[id].color].push_back(id);
    std::vector<std::optional<seat>> seats(choices.size());
    for (auto& [color, members] : groups) {
        std::ranges::sort(members, [&](std::size_t a, std::size_t b) {
            return std::pair(choices[a].key, a) < std::pair(choices[b].key, b);
        });
        for (std::size_t i = 0; i < members.size(); ++i)
            seats[members[i]] = seat{i, members.size(), engines[members[i]], members};
    }
    return seats;
}

task<std::optional<seat>> sit_down(rank me, choice mine) {
    const std::optional<rank> group = co_await me.split(mine.color, mine.key);
    if (!group) co_return std::nullopt;
    const spmd::shared_values<std::size_t> members = co_await group->all_gather(me.id());
    seat own{group->id(), group->size(), group->engine(), {members.begin(), members.end()}};
    co_return own;
}

std::vector<std::size_t> counted_up(std::size_t count, std::size_t first = 0, std::size_t stride = 1) {
    std::vector<std::size_t> all(count);
    for (std::size_t i = 0; i < count; ++i) all[i] = first + i * stride;
    return all;
}

} // namespace

TEST_CASE("split makes one group per colour, ordered by key and then by the previous id") {
    std::mt19937_64 random(7);
    for_each_size({1, 2, 3, 8, 100, 1025, 3000}, [&](const meeting_pool& pool) {
        std::vector<choice> choices(pool.size());
        for (choice& each : choices) {
            if (random() % 5 > 0) each.color = random() % 3 * 1'000'000'007;
            each.key = static_cast<std::int64_t>(random() % 5) - 2;
        }
        const auto got = pool.broadcast([&](rank me) { return sit_down(me, choices[me.id()]); }).get();
        CHECK(got == seats_of(choices, counted_up(pool.size())));
    });
}

TEST_CASE("a split with a colour for all returns ranks; one without any returns none") {
    for_each_size(sizes, [](const meeting_pool& pool) {
        const auto found_right =
            pool.broadcast([](rank me) -> task<bool> {
                    const rank same = co_await me.split(3);
                    const rank turned = co_await me.split(3, -static_cast<std::int64_t>(me.id()));
                    const rank alone = co_await me.split(me.id());
                    const std::optional<rank> none = co_await me.split(spmd::no_color);
                    co_await alone.barrier();
                    const auto sum = co_await turned.scan(std::size_t{1}, std::plus<>{});
                    co_return same.id() == me.id() && same.size() == me.size() &&
                        turned.id() == me.size() - 1 - me.id() && sum == turned.id() + 1 && alone.id() == 0 &&
                        alone.size() == 1 && alone.engine() == me.id() && !none;
                })
                .get();
        CHECK(all_equal(found_right, true));
    });
}

TEST_CASE("started splits are awaited in any order, or dropped") {
    for_each_size(sizes, [](const meeting_pool& pool) {
        const auto right =
            pool.broadcast([](rank me) -> task<bool> {
                    auto turned = me.split(3, -static_cast<std::int64_t>(me.id())).start();
                    const std::optional<std::size_t> color =
                        me.id() % 2 == 0 ? std::optional<std::size_t>(1) : spmd::no_color;
                    auto even = me.split(color).start();
                    static_cast<void>(me.split(me.id()).start());
                    co_await me.barrier();
                    const std::optional<rank> in_even = co_await even;
                    const rank in_turned = co_await turned;
                    const auto sum = co_await in_turned.scan(std::size_t{1}, std::plus<>{});
                    if (in_even.has_value() != (me.id() % 2 == 0)) co_return false;
                    if (in_even && in_even->id() != me.id() / 2) co_return false;
                    co_return in_turned.id() == me.size() - 1 - me.id() && sum == in_turned.id() + 1;
                })
                .get();
        CHECK(all_equal(right, true));
    });
}

TEST_CASE("a split of a split, and of a view's ranks, knows the engines") {
    for_each_launcher(24, [](const meeting_pool& pool) {
        const auto row_of = [](std::size_t id) { return id / 4; };
        const auto check = [&](const auto& view, const std::vector<std::size_t>& engines) {
            const auto got = view.broadcast([&](rank me) -> task<std::vector<std::size_t>> {
                                     const rank row = co_await me.split(row_of(me.id()));
                                     const rank pair = co_await row.split(row.id() % 2, -1);
                                     const auto mates = co_await pair.all_gather(pair.engine());
                                     const auto mine = co_await me.all_gather(me.engine());
                                     std::vector<std::size_t> seen{row.id(), row.engine(), pair.id(),
                                                                   pair.size(), mine[me.id()]};
                                     seen.insert(seen.end(), mates.begin(), mates.end());
                                     co_return seen;
                                 })
                                 .get();
            for (std::size_t id = 0; id < engines.size(); ++id) {
                const std::size_t first = row_of(id) * 4 + id % 2;
                const std::vector<std::size_t> expected{id % 4,      engines[id],    id % 4 / 2,        2,
                                                        engines[id], engines[first], engines[first + 2]};
                REQUIRE(got[id] == expected);
            }
        };
        check(pool.all(), counted_up(24));
        check(pool.on(spmd::slice{.first = 1, .stride = 3}), counted_up(8, 1, 3));
        check(pool.on({23, 0, 5, 7}), {23, 0, 5, 7});
    });
}

TEST_CASE("collectives of all ranks and of groups mix in unequal numbers") {
    for_each_size({2, 9, 1000, 2050}, [](const meeting_pool& pool) {
        const auto found_right =
            pool.broadcast([](rank me) -> task<bool> {
                    const rank group = co_await me.split(me.id() % 3);
                    bool right = true;
                    for (std::size_t round = 0; round < 4; ++round) {
                        // Group 0 reduces once, group 1 twice, and so on, before all do.
                        for (std::size_t i = 0; i <= me.id() % 3; ++i)
                            right =
                                co_await group.all_reduce(std::size_t{1}, std::plus<>{}) == group.size() &&
                                right;
                        const std::size_t met = co_await me.all_reduce(std::size_t{1}, std::plus<>{});
                        right = right && met == me.size();
                    }
                    co_return right;
                })
                .get();
        CHECK(all_equal(found_right, true));
    });
}

TEST_CASE("groups outlive the group they were split from, and each other") {
    for_each_size({2, 3, 8, 1000}, [](const meeting_pool& pool) {
        const auto found_right =
            pool.broadcast([](rank me) -> task<bool> {
                    std::vector<rank> groups;
                    {
                        const rank halves = co_await me.split(me.id() % 2);
                        groups.push_back(co_await halves.split(0, -static_cast<std::int64_t>(halves.id())));
                    } // the last handle to `halves` is gone
                    groups.push_back(co_await me.split(me.id() / 2));
                    groups.push_back(co_await groups[1].split(1));
                    groups.erase(groups.begin() + 1);
                    rank last = co_await groups[0].split(me.id() / 4);
                    groups[0] = groups[1];
                    const std::size_t mates = co_await last.all_reduce(std::size_t{1}, std::plus<>{});
                    const std::size_t pair = co_await groups[0].all_reduce(std::size_t{1}, std::plus<>{});
                    last = me;
                    co_await last.barrier();
                    co_return mates >= 1 && mates <= 2 && pair == (me.id() / 2 * 2 + 1 < me.size() ? 2 : 1);
                })
                .get();
        CHECK(all_equal(found_right, true));
    });
}

namespace {

// Counts the live objects of its kind.
class token {
public:
    explicit token(std::atomic<std::ptrdiff_t>& count) noexcept : count_(&count) { ++*count_; }
    token(const token& other) noexcept : token(*other.count_) {}
    token(token&& other) noexcept : token(*other.count_) {}
    token& operator=(const token&) noexcept = default;
    ~token() { --*count_; }

private:
    std::atomic<std::ptrdiff_t>* count_;
};

} // namespace

TEST_CASE("a group is freed when its last member drops it, over many splits") {
    for_each_launcher(12, [](const meeting_pool& pool) {
        std::atomic<std::ptrdiff_t> living{0};
        std::atomic<std::ptrdiff_t> most{0};
        const auto seen = pool.broadcast([&](rank me) -> task<std::ptrdiff_t> {
                                  std::ptrdiff_t left = 0;
                                  for (std::size_t round = 0; round < 300; ++round) {
                                      {
                                          const rank group = co_await me.split(me.id() % (round % 4 + 1));
                                          // Owned by the group, since nobody receives it.
                                          group.send(token(living), group.id());
                                          co_await group.barrier();
                                          most = std::max<std::ptrdiff_t>(most, living);
                                      }
                                      co_await me.barrier();
                                      left += living;
                                      co_await me.barrier();
                                  }
                                  co_return left;
                              })
                              .get();
        CHECK(all_equal(seen, 0));
        CHECK(most > 0);
        CHECK(living == 0);
    });
}

TEST_CASE("contributions to reductions are freed when all have the result") {
    for_each_launcher(50, [](const meeting_pool& pool) {
        std::atomic<std::ptrdiff_t> living{0};
        const auto seen = pool.broadcast([&](rank me) -> task<std::ptrdiff_t> {
                                  const auto first = [](token one, const token&) { return one; };
                                  std::ptrdiff_t most = 0;
                                  for (int round = 0; round < 200; ++round) {
                                      {
                                          const token all = co_await me.all_reduce(token(living), first);
                                          const token until = co_await me.scan(token(living), first);
                                          const auto gathered = co_await me.gather(token(living), 3);
                                          const auto shared = co_await me.all_gather(token(living));
                                      }
                                      co_await me.barrier();
                                      most = std::max<std::ptrdiff_t>(most, living);
                                      co_await me.barrier();
                                  }
                                  co_return most;
                              })
                              .get();
        CHECK(all_equal(seen, 0));
        CHECK(living == 0);
    });
}

TEST_CASE("a hundred thousand barriers, reductions and group barriers use no memory") {
    for_each_launcher(4, [](const meeting_pool& pool) {
        constexpr int times = 100'000;
        std::atomic<std::size_t> before{0};
        std::atomic<std::size_t> after{0};
        const auto counts = pool.broadcast([&](rank me) -> task<int> {
                                    const rank pair = co_await me.split(me.id() / 2);
                                    int passed = 0;
                                    for (int i = 0; i < times; ++i) {
                                        co_await me.barrier();
                                        if (i % 10 == 0) co_await pair.barrier();
                                        if (i % 10 == 5) co_await me.all_reduce(1, std::plus<>{});
                                        ++passed;
                                        if (me.id() == 0 && i == 1000) before = bytes_in_use();
                                    }
                                    if (me.id() == 0) after = bytes_in_use();
                                    co_await me.barrier();
                                    co_return passed;
                                })
                                .get();
        CHECK(all_equal(counts, times));
        CHECK(after < before + 100'000); // one byte for each would be noticed
    });
}

TEST_CASE("a hundred thousand splits use no memory") {
    const meeting_pool pool = make_jthread_pool(4, {2});
    std::atomic<std::size_t> before{0};
    std::atomic<std::size_t> after{0};
    pool.broadcast([&](rank me) -> task<> {
            for (int i = 0; i < 100'000; ++i) {
                const rank group = co_await me.split(me.id() % 2);
                co_await group.barrier();
                if (me.id() == 0 && i == 1000) before = bytes_in_use();
            }
            if (me.id() == 0) after = bytes_in_use();
            co_await me.barrier();
        })
        .get();
    CHECK(after < before + 100'000);
}

TEST_CASE("several operations are pending at once and awaited in a different order on each rank") {
    for_each_size({1, 2, 3, 8, 1000, 1025}, [](const meeting_pool& pool) {
        const auto found_right =
            pool.broadcast([](rank me) -> task<bool> {
                    const std::size_t n = me.size();
                    bool right = true;
                    for (std::size_t round = 0; round < 6; ++round) {
                        auto sum = me.all_reduce(me.id(), std::plus<>{}).start();
                        auto all = me.all_gather(name_of(me.id())).start();
                        auto met = me.barrier().start();
                        auto until = me.scan(std::size_t{1}, std::plus<>{}).start();
                        std::array<std::size_t, 4> order{0, 1, 2, 3};
                        std::ranges::rotate(order, order.begin() + static_cast<std::ptrdiff_t>(me.id() % 4));
                        if (round % 2 == 1) std::ranges::reverse(order);
                        for (const std::size_t next : order) {
                            if (next == 0) right = co_await sum == n * (n - 1) / 2 && right;
                            if (next == 1) right = (co_await all)[n - 1] == name_of(n - 1) && right;
                            if (next == 2) co_await met;
                            if (next == 3) right = co_await until == me.id() + 1 && right;
                        }
                    }
                    co_return right;
                })
                .get();
        CHECK(all_equal(found_right, true));
    });
}

TEST_CASE("a started and an awaited call match as one collective") {
    for_each_size({2, 3, 8, 1000, 1025}, [](const meeting_pool& pool) {
        const auto found_right =
            pool.broadcast([](rank me) -> task<bool> {
                    const std::size_t n = me.size();
                    bool right = true;
                    for (std::size_t round = 0; round < 8; ++round) {
                        std::size_t sum = 0;
                        std::size_t product = 0;
                        if ((me.id() + round) % 3 == 0) {
                            auto later = me.all_reduce(me.id(), std::plus<>{}).start();
                            auto after = me.all_reduce(std::size_t{1}, std::multiplies<>{}).start();
                            co_await me.barrier(); // overlaps the others' pending operations
                            product = co_await after;
                            sum = co_await later;
                        } else {
                            sum = co_await me.all_reduce(me.id(), std::plus<>{});
                            product = co_await me.all_reduce(std::size_t{1}, std::multiplies<>{});
                            auto met = me.barrier().start();
                            if ((me.id() + round) % 3 == 1) co_await met;
                        }
                        right = right && sum == n * (n - 1) / 2 && product == 1;
                    }
                    co_return right;
                })
                .get();
        CHECK(all_equal(found_right, true));
    });
}

TEST_CASE("a dropped pending operation still contributes its value") {
    for_each_size({1, 2, 3, 8, 1000, 1025}, [](const meeting_pool& pool) {
        const auto found_right = pool.broadcast([](rank me) -> task<bool> {
                                         const std::size_t n = me.size();
                                         bool right = true;
                                         for (std::size_t round = 0; round < 20; ++round) {
                                             std::size_t sum = n * (n - 1) / 2;
                                             {
                                                 auto pending = me.all_reduce(me.id(), std::plus<>{}).start();
                                                 auto never_awaited =
                                                     me.gather(name_of(me.id()), round % n).start();
                                                 if ((me.id() + round) % 2 == 0) sum = co_await pending;
                                             }
                                             right = right && sum == n * (n - 1) / 2;
                                         }
                                         co_await me.barrier();
                                         co_return right;
                                     })
                                     .get();
        CHECK(all_equal(found_right, true));
        // Also as the ranks' last operation, which nobody awaits.
        CHECK_NOTHROW(pool.broadcast([](rank me) -> task<> {
                              const auto pending = me.all_reduce(name_of(me.id()), std::plus<>{}).start();
                              co_return;
                          })
                          .get());
    });
}

TEST_CASE("an operation is ready once all ranks have arrived, and not before") {
    for_each_size({2, 3, 1000}, [](const meeting_pool& pool) {
        const auto found_right =
            pool.broadcast([](rank me) -> task<bool> {
                    const std::size_t last = me.size() - 1;
                    if (me.id() == last) {
                        // Arrives after all others have checked.
                        for (std::size_t from = 0; from < last; ++from) co_await me.receive<int>(from);
                        auto own = me.all_reduce(1, std::plus<>{}).start();
                        const bool ready = own.ready();
                        co_await me.barrier();
                        co_return ready&& co_await own == static_cast<int>(me.size());
                    }
                    auto pending = me.all_reduce(1, std::plus<>{}).start();
                    const bool early = pending.ready();
                    me.send(0, last);
                    co_await me.barrier();
                    const bool ready = pending.ready();
                    co_return !early && ready && co_await pending == static_cast<int>(me.size());
                })
                .get();
        CHECK(all_equal(found_right, true));
    });
}

TEST_CASE("a pending operation can be awaited only once") {
    for_each_launcher(5, [](const meeting_pool& pool) {
        const auto found_right = pool.broadcast([](rank me) -> task<bool> {
                                         int refused = 0;
                                         auto pending = me.all_reduce(1, std::plus<>{}).start();
                                         auto moved = std::move(pending);
                                         const int sum = co_await moved;
                                         try {
                                             co_await moved;
                                         } catch (const std::logic_error&) {
                                             ++refused;
                                         }
                                         try {
                                             static_cast<void>(moved.ready());
                                         } catch (const std::logic_error&) {
                                             ++refused;
                                         }
                                         auto met = me.barrier().start();
                                         co_await met;
                                         try {
                                             co_await met;
                                         } catch (const std::logic_error&) {
                                             ++refused;
                                         }
                                         co_await me.barrier();
                                         co_return sum == 5 && refused == 3;
                                     })
                                     .get();
        CHECK(all_equal(found_right, true));
    });
}

TEST_CASE("an exception from an operation is thrown at every member, and the ranks go on") {
    for_each_size({2, 3, 1000, 1025, 3000}, [](const meeting_pool& pool) {
        const auto found_right = pool.broadcast([](rank me) -> task<bool> {
                                         const std::size_t bad =
                                             me.size() > leaf + 1 ? leaf + 1 : 1; // the second of a leaf
                                         const auto fussy = [bad](std::size_t left, std::size_t right) {
                                             if (right == bad)
                                                 throw std::runtime_error("will not combine it");
                                             return left + right;
                                         };
                                         std::size_t caught = 0;
                                         for (int way = 0; way < 5; ++way) {
                                             try {
                                                 if (way == 0) co_await me.all_reduce(me.id(), fussy);
                                                 if (way == 1) co_await me.reduce(me.id(), fussy, 1);
                                                 if (way == 2) co_await me.scan(me.id(), fussy);
                                                 if (way == 3) co_await me.exclusive_scan(me.id(), fussy);
                                                 if (way == 4) co_await me.all_reduce(me.id(), fussy).start();
                                             } catch (const std::runtime_error& error) {
                                                 if (error.what() == std::string("will not combine it"))
                                                     ++caught;
                                             }
                                             co_await me.barrier();
                                         }
                                         co_return caught == 5;
                                     })
                                     .get();
        CHECK(all_equal(found_right, true));
    });
    for_each_launcher(7, [](const meeting_pool& pool) {
        auto result =
            pool.broadcast([](rank me) -> task<int> {
                    const auto refuse = [](int, int) -> int { throw std::runtime_error("will not"); };
                    co_return co_await me.all_reduce(1, refuse);
                })
                .start();
        REQUIRE_THROWS_WITH(result.get(),
                            Contains("7 of 7 ranks failed") && Contains("ranks 0 to 6: will not"));
    });
}

TEST_CASE("a wrong number of values is an error on every rank") {
    for_each_launcher(5, [](const meeting_pool& pool) {
        const auto found_right = pool.broadcast([](rank me) -> task<bool> {
                                         int caught = 0;
                                         try {
                                             co_await me.scatter(std::vector<int>(me.id() == 2 ? 4 : 5), 2);
                                         } catch (const std::invalid_argument& error) {
                                             const std::string expected =
                                                 "scatter needs one value per rank: 4 values for 5 ranks";
                                             caught += error.what() == expected ? 1 : 0;
                                         }
                                         try {
                                             co_await me.all_to_all(std::vector<int>(6));
                                         } catch (const std::invalid_argument& error) {
                                             const std::string expected =
                                                 "all_to_all needs one value per rank: 6 values for 5 ranks";
                                             caught += error.what() == expected ? 1 : 0;
                                         }
                                         co_await me.barrier();
                                         co_return caught == 2;
                                     })
                                     .get();
        CHECK(all_equal(found_right, true));
    });
}

TEST_CASE("a root outside the group is rejected, naming its number") {
    for_each_launcher(4, [](const meeting_pool& pool) {
        const auto all_refused =
            pool.broadcast([](rank me) -> task<int> {
                    int refused = 0;
                    const std::vector<std::function<void()>> bad{
                        [&] { static_cast<void>(me.broadcast(1, 4)); },
                        [&] { static_cast<void>(me.reduce(1, std::plus<>{}, 4)); },
                        [&] { static_cast<void>(me.gather(1, 4)); },
                        [&] { static_cast<void>(me.concat(std::vector<int>(), 4)); },
                        [&] { static_cast<void>(me.scatter(std::vector<int>(), 4)); },
                        [&] { static_cast<void>(me.broadcast(1, 4).start()); },
                        [&] { static_cast<void>(me.reduce(1, std::plus<>{}, 4).start()); },
                        [&] { static_cast<void>(me.gather(1, 4).start()); },
                        [&] { static_cast<void>(me.concat(std::vector<int>(), 4).start()); },
                        [&] { static_cast<void>(me.scatter(std::vector<int>(), 4).start()); },
                    };
                    for (const auto& each : bad) {
                        try {
                            each();
                        } catch (const std::invalid_argument& error) {
                            if (error.what() == std::string("rank 4 is not below 4")) ++refused;
                        }
                    }
                    co_await me.barrier();
                    co_return refused;
                })
                .get();
        CHECK(all_equal(all_refused, 10));
    });
}

TEST_CASE("a plain task cannot call collectives, and the error says so") {
    for_each_launcher(3, [](const spmd::engine_pool& pool) {
        const std::vector<std::function<void(rank)>> wrong{
            [](rank me) { static_cast<void>(me.barrier()); },
            [](rank me) { static_cast<void>(me.all_reduce(1, std::plus<>{})); },
            [](rank me) { static_cast<void>(me.barrier().start()); },
            [](rank me) { static_cast<void>(me.split(1)); },
            [](rank me) { static_cast<void>(me.send(1, 0)); },
            [](rank me) { static_cast<void>(me.receive<int>()); },
            [](rank me) { static_cast<void>(me.receive<int>().start()); },
        };
        for (const auto& each : wrong) {
            const auto ends = pool.broadcast(each).outcomes();
            for (const auto& end : ends) {
                REQUIRE(is_a<std::logic_error>(end.error()));
                REQUIRE_THAT(spmd::message_of(end.error()),
                             Contains("called a collective from a plain task"));
            }
        }
    });
}

TEST_CASE("a rank's handle works only in its own coroutine") {
    for_each_launcher(4, [](const meeting_pool& pool) {
        const auto found_right =
            pool.broadcast([&](rank me) -> task<bool> {
                    // An inner broadcast's rank is a different one.
                    const auto inner =
                        pool.on({0, 1}).broadcast([me](rank) -> task<> { co_await me.barrier(); }).outcomes();
                    bool right = true;
                    for (const auto& end : inner) right = right && is_a<std::logic_error>(end.error());
                    co_await me.barrier();
                    co_return right;
                })
                .get();
        CHECK(all_equal(found_right, true));
    });
    // A peer in the same broadcast is a different rank, too.
    for_each_launcher(4, [](const meeting_pool& pool) {
        const auto found_right = pool.broadcast([&](rank me) -> task<bool> {
                                         const auto all = co_await me.all_gather(&me);
                                         const rank& next = *all[(me.id() + 1) % me.size()];
                                         int refused = 0;
                                         try {
                                             co_await next.barrier();
                                         } catch (const std::logic_error&) {
                                             ++refused;
                                         }
                                         try {
                                             static_cast<void>(next.barrier().start());
                                         } catch (const std::logic_error&) {
                                             ++refused;
                                         }
                                         try {
                                             co_await next.receive<int>();
                                         } catch (const std::logic_error&) {
                                             ++refused;
                                         }
                                         try {
                                             next.send(1, 0);
                                         } catch (const std::logic_error&) {
                                             ++refused;
                                         }
                                         co_await me.barrier();
                                         co_return refused == 4;
                                     })
                                     .get();
        CHECK(all_equal(found_right, true));
    });
}

TEST_CASE("mismatched collectives are reported to all ranks, with both lines") {
    for_each_size({2, 3, 8, 1000, 1025}, [](const meeting_pool& pool) {
        auto result = pool.broadcast([](rank me) -> task<> {
                              if (me.id() == 1)
                                  co_await me.all_reduce(1, std::plus<>{});
                              else
                                  co_await me.barrier();
                          })
                          .start();
        for (const auto& end : result.outcomes()) {
            REQUIRE(is_a<spmd::mismatch_error>(end.error()));
            REQUIRE_THAT(spmd::message_of(end.error()),
                         Contains("rank 0 called barrier at collectives_test.cpp:") &&
                             Contains("rank 1 called all_reduce of int at "));
        }
    });
}

TEST_CASE("a collective abandoned in a deadlock does not wake ranks that wait elsewhere") {
    for_each_size({2, 3, 8, 60, 1025}, [](const meeting_pool& pool) {
        std::atomic<std::size_t> began{0};
        std::atomic<std::size_t> failures{0};
        auto result = pool.broadcast([&](rank me) -> task<int> {
                              ++began;
                              try {
                                  if (me.id() > 0)
                                      co_await me.barrier();
                                  else
                                      co_await me.receive<int>(me.size() - 1, 1);
                              } catch (const spmd::deadlock_error&) {
                                  ++failures;
                              }
                              if (me.id() > 0) co_return co_await me.receive<int>(0, 5);
                              try {
                                  co_await me.barrier(); // the others have abandoned it
                              } catch (const spmd::error&) {
                                  ++failures;
                              }
                              for (std::size_t to = 1; to < me.size(); ++to) me.send(9, to, 5);
                              co_return 9;
                          })
                          .start();
        for (const auto& end : result.outcomes()) {
            if (end)
                REQUIRE(end.value() == 9);
            else
                REQUIRE(is_a<spmd::error>(end.error()));
        }
        CHECK(began == pool.size());
        CHECK(failures >= pool.size());
    });
}

TEST_CASE("ranks without a value receive the root's by broadcast_from and scatter_from") {
    for_each_size(few_sizes, [](const meeting_pool& pool) {
        for (const std::size_t root : roots_of(pool.size())) {
            const auto found_right = pool.broadcast([&](rank me) -> task<bool> {
                                             std::string name;
                                             std::size_t part = 0;
                                             if (me.id() == root) {
                                                 name = co_await me.broadcast(name_of(root), root);
                                                 std::vector<std::size_t> parts(me.size());
                                                 std::iota(parts.begin(), parts.end(), std::size_t{10});
                                                 part = co_await me.scatter(std::move(parts), root);
                                             } else {
                                                 name = co_await me.broadcast_from<std::string>(root);
                                                 part = co_await me.scatter_from<std::size_t>(root);
                                             }
                                             co_return name == name_of(root) && part == 10 + me.id();
                                         })
                                         .get();
            REQUIRE(all_equal(found_right, true));
        }
        const auto outcomes =
            pool.broadcast([](rank me) -> task<int> { co_return co_await me.broadcast_from<int>(me.id()); })
                .outcomes();
        CHECK(is_a<std::invalid_argument>(outcomes.back().error()));
    });
}

TEST_CASE("a rank that polls lets others run by yield") {
    for_each_size({1, 2, 100, 1500}, [](const meeting_pool& pool) {
        const auto found_right = pool.broadcast([](rank me) -> task<bool> {
                                         auto sum = me.all_reduce(std::size_t{1}, spmd::plus).start();
                                         std::size_t polls = 0;
                                         while (!sum.ready()) {
                                             ++polls;
                                             co_await me.yield();
                                         }
                                         co_await me.yield();
                                         const std::size_t all = co_await sum;
                                         co_return all == me.size() && polls < 1'000'000;
                                     })
                                     .get();
        CHECK(all_equal(found_right, true));
    });
}

TEST_CASE("ranks that poll do not starve those of an arena without threads") {
    const auto helpers = std::make_shared<test_support::parked_helpers>();
    const std::vector<std::size_t> threads{1, 1};
    const spmd::engine_pool parked =
        spmd::detail::pool_maker::make(2, std::make_unique<test_support::parked_launcher>(threads, helpers));
    const meeting_pool& pool = parked;
    auto answers = pool.broadcast([](rank me) -> task<int> {
                           int answer = 0;
                           if (me.id() == 0) {
                               auto reply = me.receive<int>(1).start();
                               while (!reply.ready()) co_await me.yield();
                               answer = co_await reply;
                           } else {
                               for (int i = 0; i < 3; ++i) co_await me.yield();
                               me.send(7, 0);
                           }
                           co_return answer;
                       })
                       .start();
    helpers->come(); // the helper of the first arena, until all is done
    CHECK(answers.get() == std::vector{7, 0});
}

TEST_CASE("a stop ends ranks that do nothing but yield") {
    for_each_launcher(7, [](const meeting_pool& pool) {
        std::stop_source stop;
        auto result = pool.with({.stop = stop.get_token()})
                          .broadcast([&](rank me) -> task<> {
                              for (std::size_t i = 0;; ++i) {
                                  if (i == 100 && me.id() == 3) stop.request_stop();
                                  co_await me.yield();
                              }
                          })
                          .start();
        CHECK_THROWS_AS(result.get(), spmd::cancelled_error);
    });
}

TEST_CASE("ranks that yield while others wait in vain do not hide the deadlock") {
    for_each_launcher(3, [](const meeting_pool& pool) {
        const auto outcomes = pool.broadcast([](rank me) -> task<> {
                                      for (int i = 0; i < 50; ++i) co_await me.yield();
                                      if (me.id() != 1) co_await me.barrier();
                                  })
                                  .outcomes();
        CHECK(is_a<spmd::peer_error>(outcomes[0].error()));
        CHECK(outcomes[1].error() == nullptr);
        CHECK(is_a<spmd::peer_error>(outcomes[2].error()));
    });
}

TEST_CASE("shared values can be copied into a vector") {
    for_each_launcher(3, [](const meeting_pool& pool) {
        const auto all = pool.broadcast([](rank me) -> task<std::vector<int>> {
                                 const auto shared = co_await me.all_gather(static_cast<int>(me.id()));
                                 co_return shared.to_vector();
                             })
                             .get();
        CHECK(all[2] == std::vector{0, 1, 2});
    });
}
