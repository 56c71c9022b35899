// Guards the flat sequence against a part that is missing, doubled or out of order, above all at the borders
// of parts and of the pieces that one thread copies; items copied where they can be moved; a supplied buffer
// that is not used; and known sizes that still cost a copy.

#include "support/pools.hpp"

#include <spmd/spmd.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <cstddef>
#include <deque>
#include <list>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace {

using namespace test_support;
using spmd::rank;

// Sizes of the ranks' parts; item k of rank r is value(r, k).
struct part_sizes {
    const char* name;
    std::size_t ranks;
    std::size_t (*size_of)(std::size_t rank);
};

// The largest are above 1 MiB for every item type, where copying is shared between threads.
const part_sizes shapes[] = {
    {"all empty", 9, [](std::size_t) { return std::size_t{0}; }},
    {"one item", 9, [](std::size_t rank) { return std::size_t{rank == 4 ? 1U : 0U}; }},
    {"small and uneven", 50, [](std::size_t rank) { return rank * 7 % 11; }},
    {"the first has all", 9, [](std::size_t rank) { return std::size_t{rank == 0 ? 300'001U : 0U}; }},
    {"the last has all", 9, [](std::size_t rank) { return std::size_t{rank == 8 ? 300'001U : 0U}; }},
    {"large, uneven, with empty ones", 37,
     [](std::size_t rank) { return rank % 5 == 0 ? 0 : rank * 7919 % 20'011; }},
    {"borders of parts on borders of pieces", 16, [](std::size_t) { return std::size_t{32'768}; }},
    {"many tiny ones", 3000, [](std::size_t rank) { return 90 + rank % 3; }},
};

std::size_t total_of(const part_sizes& shape) {
    std::size_t total = 0;
    for (std::size_t rank = 0; rank < shape.ranks; ++rank) total += shape.size_of(rank);
    return total;
}

std::size_t value(std::size_t rank, std::size_t k) { return rank * 1'000'003 + k; }

// Checks that the sequence is the parts one after the other.
template <class Flat, class Make>
bool is_concatenation(const Flat& flat, const part_sizes& shape, const Make& make) {
    auto item = flat.begin();
    for (std::size_t rank = 0; rank < shape.ranks; ++rank)
        for (std::size_t k = 0; k < shape.size_of(rank); ++k, ++item)
            if (item == flat.end() || !(*item == make(value(rank, k)))) return false;
    return item == flat.end();
}

template <class Part, class Make>
auto concat_of(const spmd::engine_pool& pool, const part_sizes& shape, const Make& make) {
    return pool
        .broadcast([&](rank me) {
            Part mine;
            for (std::size_t k = 0; k < shape.size_of(me.id()); ++k) mine.push_back(make(value(me.id(), k)));
            return mine;
        })
        .start();
}

struct without_default {
    explicit without_default(std::size_t v) : number(v) {}
    bool operator==(const without_default&) const = default;
    std::size_t number;
};

template <class Part, class Make>
void check_all_shapes(const Make& make) {
    for (const part_sizes& shape : shapes) {
        INFO(shape.name);
        for_each_launcher(shape.ranks, [&](const spmd::engine_pool& pool) {
            const auto flat = concat_of<Part>(pool, shape, make).concat();
            REQUIRE(flat.size() == total_of(shape));
            REQUIRE(is_concatenation(flat, shape, make));
        });
    }
}

const auto as_number = [](std::size_t v) { return v; };
const auto as_text = [](std::size_t v) {
    return "a text too long to be kept in place: " + std::to_string(v);
};

} // namespace

TEST_CASE("parts of numbers become one sequence in rank order") {
    check_all_shapes<std::vector<std::size_t>>(as_number);
}

TEST_CASE("deques of numbers become one sequence in rank order") {
    check_all_shapes<std::deque<std::size_t>>(as_number);
}

TEST_CASE("lists of strings, and vectors of a type without a default constructor, are concatenated") {
    const part_sizes& uneven = shapes[2];
    for_each_launcher(uneven.ranks, [&](const spmd::engine_pool& pool) {
        CHECK(is_concatenation(concat_of<std::list<std::string>>(pool, uneven, as_text).concat(), uneven,
                               as_text));
        for (const part_sizes& shape : {shapes[2], shapes[5]}) {
            if (shape.ranks != pool.size()) continue;
            const auto make = [](std::size_t v) { return without_default(v); };
            CHECK(is_concatenation(concat_of<std::vector<without_default>>(pool, shape, make).concat(), shape,
                                   make));
        }
    });
    const auto make = [](std::size_t v) { return without_default(v); };
    const spmd::engine_pool pool = make_jthread_pool(shapes[5].ranks, {2});
    CHECK(is_concatenation(concat_of<std::vector<without_default>>(pool, shapes[5], make).concat(), shapes[5],
                           make));
}

TEST_CASE("strings as items are moved, also by several threads") {
    const part_sizes& large = shapes[5];
    for_each_launcher(large.ranks, [&](const spmd::engine_pool& pool) {
        auto result = concat_of<std::vector<std::string>>(pool, large, as_text);
        REQUIRE(is_concatenation(result.concat(), large, as_text));
    });
}

TEST_CASE("move-only items are moved: each keeps its address") {
    for (const part_sizes& shape : {shapes[2], shapes[5]}) {
        for_each_launcher(shape.ranks, [&](const spmd::engine_pool& pool) {
            std::vector<std::vector<std::size_t*>> addresses(shape.ranks);
            auto result = pool.broadcast([&](rank me) {
                                  std::vector<std::unique_ptr<std::size_t>> mine;
                                  for (std::size_t k = 0; k < shape.size_of(me.id()); ++k) {
                                      mine.push_back(std::make_unique<std::size_t>(value(me.id(), k)));
                                      addresses[me.id()].push_back(mine.back().get());
                                  }
                                  return mine;
                              })
                              .start();
            const auto flat = result.concat();
            REQUIRE(flat.size() == total_of(shape));
            std::size_t next = 0;
            bool same = true;
            for (std::size_t id = 0; id < shape.ranks; ++id)
                for (std::size_t* address : addresses[id]) same = same && flat[next++].get() == address;
            REQUIRE(same);
        });
    }
}

TEST_CASE("strings become one string, and flags a deque") {
    for_each_pool([](const spmd::engine_pool& pool) {
        std::string expected;
        for (std::size_t id = 0; id < pool.size(); ++id)
            expected += std::string(id % 3, static_cast<char>('a' + id % 26));
        const std::string text =
            pool.broadcast(
                    [](rank me) { return std::string(me.id() % 3, static_cast<char>('a' + me.id() % 26)); })
                .concat();
        REQUIRE(text == expected);
        const auto flags =
            pool.broadcast([](rank me) { return std::vector<bool>(2, me.id() % 2 == 0); }).concat();
        static_assert(std::is_same_v<decltype(flags), const std::deque<bool>>);
        REQUIRE(flags.size() == 2 * pool.size());
        for (std::size_t i = 0; i < flags.size(); ++i) REQUIRE(flags[i] == (i / 2 % 2 == 0));
        const auto pairs = pool.broadcast([](rank me) { return std::array{me.id(), me.id() + 1}; }).concat();
        REQUIRE(pairs.size() == 2 * pool.size());
        REQUIRE(pairs.back() == pool.size());
    });
}

TEST_CASE("a map's results are concatenated too, also for no items") {
    for_each_launcher(5, [](const spmd::engine_pool& pool) {
        const auto repeat = [](std::size_t n) { return std::vector<std::size_t>(n, n); };
        CHECK(pool.map(repeat, std::vector<std::size_t>{2, 0, 1, 3}).concat() ==
              std::vector<std::size_t>{2, 2, 1, 3, 3, 3});
        CHECK(pool.map(repeat, std::vector<std::size_t>{}).concat({1, 2, 3}).empty());
    });
}

TEST_CASE("a supplied buffer is reused where large enough, and its old content is gone") {
    for (const part_sizes& shape : {shapes[0], shapes[2], shapes[5]}) {
        INFO(shape.name);
        for_each_launcher(shape.ranks, [&](const spmd::engine_pool& pool) {
            const std::size_t total = total_of(shape);
            for (const std::size_t held : {std::size_t{0}, total / 2, total, total + 1000}) {
                std::vector<std::size_t> reused(held, 77);
                const bool large_enough = reused.capacity() >= total;
                const std::size_t* const address = reused.data();
                const auto flat =
                    concat_of<std::vector<std::size_t>>(pool, shape, as_number).concat(std::move(reused));
                INFO("it held " << held);
                REQUIRE(is_concatenation(flat, shape, as_number));
                if (large_enough) REQUIRE(flat.data() == address);
            }
        });
    }
}

TEST_CASE("ranks write their parts of one output, each item once") {
    for_each_pool([](const spmd::engine_pool& pool) {
        for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{777}}) {
            std::vector<int> output(count, -1);
            std::vector<std::span<int>> parts(pool.size());
            pool.broadcast([&](rank me) {
                    const std::span<int> mine = me.part(std::span(output));
                    parts[me.id()] = mine;
                    const auto expected = me.part(count);
                    for (std::size_t k = 0; k < mine.size(); ++k) mine[k] = static_cast<int>(expected[k]);
                })
                .get();
            INFO(count << " items");
            for (std::size_t i = 0; i < count; ++i) REQUIRE(output[i] == static_cast<int>(i));
            std::size_t covered = 0;
            for (const std::span<int> part : parts) {
                if (!part.empty()) REQUIRE(part.data() == output.data() + covered);
                covered += part.size();
            }
            REQUIRE(covered == count);
        }
    });
}

TEST_CASE("parts that only refer to items leave them in place") {
    const std::vector<std::string> words{"a word that is kept elsewhere, 1",
                                         "a word that is kept elsewhere, 2"};
    for_each_launcher(2, [&](const spmd::engine_pool& pool) {
        std::vector<std::string> owned = words;
        const auto flat = pool.broadcast([&](rank me) { return std::span(&owned[me.id()], 1); }).concat();
        CHECK(flat == words);
        CHECK(owned == words);
    });
}
