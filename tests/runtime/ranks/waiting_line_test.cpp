// Guards the order of messages and receives: one that overtakes another from the same sender, and a line that
// gets slow, or loses an item, when it grows from a list into tables or is emptied again.

#include <spmd/detail/ranks/waiting_line.hpp>

#include <catch2/catch.hpp>

#include <cstddef>
#include <deque>
#include <random>
#include <vector>

namespace {

struct item : spmd::detail::waiting_line_place<item> {
    item(std::size_t source, int kind) : from_(source), kind_(kind) {}
    std::size_t from() const noexcept { return from_; }
    int kind() const noexcept { return kind_; }

private:
    std::size_t from_;
    int kind_;
};

using line = spmd::detail::waiting_line<item>;

const auto any = [](const item&) { return true; };

} // namespace

TEST_CASE("items are taken in the order of their arrival, few or many") {
    for (const std::size_t count : {1U, 3U, 64U, 65U, 1000U}) {
        std::deque<item> items;
        line waiting;
        for (std::size_t i = 0; i < count; ++i) waiting.add(items.emplace_back(i % 7, 0));
        for (std::size_t i = 0; i < count; ++i) CHECK(waiting.take_first({}, any) == &items[i]);
        CHECK(waiting.take_first({}, any) == nullptr);
        item after(1, 0);
        waiting.add(after); // an emptied line works again
        CHECK(waiting.take_first({}, any) == &after);
    }
}

TEST_CASE("an item that arrived first is inserted before those that arrived later") {
    std::deque<item> items;
    line waiting;
    item& late = items.emplace_back(1, 0);
    item& early = items.emplace_back(1, 0);
    waiting.arrive(early);
    waiting.add(late);
    waiting.insert(early);
    CHECK(waiting.take_first({}, any) == &early);
    CHECK(waiting.take_first({}, any) == &late);
}

TEST_CASE("an item can be removed once") {
    for (const std::size_t count : {3U, 200U}) {
        std::deque<item> items;
        line waiting;
        for (std::size_t i = 0; i < count; ++i) waiting.add(items.emplace_back(i, 0));
        CHECK(waiting.remove(items[count - 1]));
        CHECK_FALSE(waiting.remove(items[count - 1]));
        CHECK(waiting.remove(items[0]));
        CHECK(waiting.take_first({}, any) == &items[1]);
    }
}

TEST_CASE("a line does as a plain list would, by random steps") {
    std::mt19937 random(7);
    for (int round = 0; round < 20; ++round) {
        std::deque<item> items;
        std::vector<item*> expected;
        line waiting;
        for (int step = 0; step < 2000; ++step) {
            const std::size_t source = random() % 5;
            const int kind = static_cast<int>(random() % 3);
            // More arrive than are taken for a while, then fewer, so that it becomes tables and a list again.
            if (random() % 8 < (step < 1000 ? 5U : 3U)) {
                waiting.add(items.emplace_back(source, kind));
                expected.push_back(&items.back());
                continue;
            }
            const auto matches = [&](const item& each) {
                return each.kind() == kind && each.from() == source;
            };
            const auto found =
                std::ranges::find_if(expected, [&](const item* each) { return matches(*each); });
            item* const wanted = found == expected.end() ? nullptr : *found;
            if (wanted != nullptr) expected.erase(found);
            REQUIRE(waiting.take_first({&source, 1}, matches) == wanted);
        }
        for (item* const each : expected) REQUIRE(waiting.take_first({}, any) == each);
        REQUIRE(waiting.take_first({}, any) == nullptr);
    }
}
