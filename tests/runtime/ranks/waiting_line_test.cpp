// Guards the order of messages and receives: one that overtakes another of the same sender and tag, or that
// is found by a wildcard before one that arrived earlier; and a line that gets slow, or loses an item, when
// it becomes an index or is emptied again.

#include <spmd/detail/ranks/waiting_line.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <random>
#include <vector>

namespace {

using spmd::any_tag;
using spmd::detail::match_key;

/// A message, without wildcards, or a receive, with them.
template <bool HasWildcards>
struct item : spmd::detail::waiting_line_place<item<HasWildcards>> {
    static constexpr bool has_wildcards = HasWildcards;
    item(std::size_t from, int tag) : key_{from, tag} {}
    explicit item(const match_key& key) : key_(key) {}
    match_key key() const noexcept { return key_; }

private:
    match_key key_;
};

using message = item<false>;
using receive = item<true>;
template <class Item>
using line = spmd::detail::waiting_line<Item>;

const match_key any;

constexpr std::size_t senders = 10;
constexpr int tags = 6;

/// One of few keys, so that many items have the same.
match_key random_key(std::mt19937& random, bool with_wildcards) {
    match_key key{random() % senders, static_cast<int>(random() % tags)};
    return with_wildcards ? key.widened(random() % 4) : key;
}

// Adds and takes items by random keys, as a plain vector does that is searched from its first.
template <class Item>
void check_against_a_vector(unsigned seed) {
    std::mt19937 random(seed);
    std::deque<Item> items;
    std::vector<Item*> expected;
    line<Item> waiting;
    const auto take = [&](const match_key& wanted) {
        const auto found =
            std::ranges::find_if(expected, [&](const Item* each) { return wanted.matches(each->key()); });
        Item* const first = found == expected.end() ? nullptr : *found;
        if (first != nullptr) expected.erase(found);
        REQUIRE(waiting.take_first(wanted) == first);
    };
    for (int step = 0; step < 2000; ++step) {
        // More arrive than are taken for a while, then fewer, so that it becomes an index and a list again.
        if (random() % 8 < (step < 1000 ? 5U : 3U)) {
            waiting.add(items.emplace_back(random_key(random, Item::has_wildcards)));
            expected.push_back(&items.back());
        } else if (random() % 8 == 0 && !expected.empty()) {
            const auto removed = expected.begin() + static_cast<std::ptrdiff_t>(random() % expected.size());
            REQUIRE(waiting.remove(**removed));
            // A message that a dropped receive returns: to its place.
            if (random() % 2 == 0)
                waiting.insert(**removed);
            else
                expected.erase(removed);
        } else {
            take(random_key(random, !Item::has_wildcards));
        }
    }
    for (std::size_t from = 0; from < senders; ++from)
        for (int tag = 0; tag < tags; ++tag)
            while (std::ranges::any_of(expected,
                                       [&](const Item* each) { return each->key().matches({from, tag}); }))
                take({from, tag});
    REQUIRE(waiting.take_first({0, 0}) == nullptr);
}

} // namespace

TEST_CASE("items are taken in the order of their arrival, few or many") {
    for (const std::size_t count : {1U, 3U, 64U, 65U, 1000U}) {
        std::deque<message> items;
        line<message> waiting;
        for (std::size_t i = 0; i < count; ++i) waiting.add(items.emplace_back(i % 7, 0));
        for (std::size_t i = 0; i < count; ++i) CHECK(waiting.take_first(any) == &items[i]);
        CHECK(waiting.take_first(any) == nullptr);
        message after(1, 0);
        waiting.add(after); // an emptied line works again
        CHECK(waiting.take_first(any) == &after);
    }
}

TEST_CASE("an item that arrived first is inserted before those that arrived later") {
    for (const std::size_t others : {0U, 100U}) {
        std::deque<message> items;
        line<message> waiting;
        message late(1, 0);
        message early(1, 0);
        waiting.arrive(early);
        for (std::size_t i = 0; i < others; ++i) waiting.add(items.emplace_back(2, 0));
        waiting.add(late);
        waiting.insert(early);
        CHECK(waiting.take_first({1, 0}) == &early);
        CHECK(waiting.take_first({1, any_tag}) == &late);
    }
}

TEST_CASE("an item can be removed once") {
    for (const std::size_t count : {3U, 200U}) {
        std::deque<message> items;
        line<message> waiting;
        for (std::size_t i = 0; i < count; ++i) waiting.add(items.emplace_back(i, 0));
        CHECK(waiting.remove(items[count - 1]));
        CHECK_FALSE(waiting.remove(items[count - 1]));
        CHECK(waiting.remove(items[0]));
        CHECK(waiting.take_first(any) == &items[1]);
    }
}

TEST_CASE("messages are found by any wildcards as in a plain list, by random steps") {
    for (unsigned seed = 1; seed <= 20; ++seed) check_against_a_vector<message>(seed);
}

TEST_CASE("receives with wildcards are found for messages as in a plain list, by random steps") {
    for (unsigned seed = 1; seed <= 20; ++seed) check_against_a_vector<receive>(seed);
}
