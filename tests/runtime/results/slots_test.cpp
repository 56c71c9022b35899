// Guards the places of results: a value that is destroyed twice or never, and types that need no construction
// but get one.

#include <spmd/detail/results/slots.hpp>

#include <catch2/catch.hpp>

#include <memory>
#include <string>

namespace {

using spmd::detail::slots;

struct counted {
    explicit counted(int v) : value(v) { ++alive; }
    counted(counted&& other) noexcept : value(other.value) { ++alive; }
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;
    counted& operator=(counted&&) = delete;
    ~counted() { --alive; }
    int value;
    static inline int alive = 0;
};

} // namespace

TEST_CASE("slots of numbers are a vector, filled in any order") {
    STATIC_REQUIRE_FALSE(slots<double>::destroys);
    slots<double> places(3);
    slots<double>::fill(places.begin(), 2, [] { return 2.5; });
    slots<double>::fill(places.begin(), 0, [] { return 0.5; });
    slots<double>::fill(places.begin(), 1, [] { return 1.5; });
    const double* const first = places.begin();
    const auto all = places.take();
    CHECK(all == std::vector<double>{0.5, 1.5, 2.5});
    CHECK(all.data() == first); // moved, not copied
}

TEST_CASE("slots construct nothing before a task fills them, and destroy single values") {
    STATIC_REQUIRE(slots<counted>::destroys);
    {
        slots<counted> places(3); // counted has no default constructor
        CHECK(counted::alive == 0);
        slots<counted>::fill(places.begin(), 1, [] { return counted(7); });
        CHECK(counted::alive == 1);
        CHECK(places[1].value == 7);
        places.destroy(1);
    }
    CHECK(counted::alive == 0);
}

TEST_CASE("a value whose construction throws leaves its slot empty") {
    slots<std::string> places(1);
    CHECK_THROWS_AS(slots<std::string>::fill(places.begin(), 0, []() -> std::string { throw 3; }), int);
}

TEST_CASE("slots hold types that only move, flags, and nothing") {
    slots<std::unique_ptr<int>> owned(1);
    slots<std::unique_ptr<int>>::fill(owned.begin(), 0, [] { return std::make_unique<int>(4); });
    CHECK(*owned.take()[0] == 4);
    owned.destroy(0);
    slots<bool> flags(2); // not the packed vector, which tasks could not fill at the same time
    slots<bool>::fill(flags.begin(), 0, [] { return true; });
    slots<bool>::fill(flags.begin(), 1, [] { return false; });
    CHECK(flags[0]);
    CHECK_FALSE(flags[1]);
    int calls = 0;
    slots<void> none(2);
    slots<void>::fill(none.begin(), 1, [&] { ++calls; });
    CHECK(calls == 1);
}
