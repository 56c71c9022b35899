// Guards against error messages that are wrong for one or for many failures, that omit how many more there
// are, and against lost causes.

#include <spmd/error.hpp>

#include <catch2/catch.hpp>

#include <exception>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace {

using spmd::task_kind;

std::exception_ptr error_saying(const std::string& text) {
    return std::make_exception_ptr(std::runtime_error(text));
}

std::vector<spmd::failure> failures_at(const std::vector<std::size_t>& indices) {
    std::vector<spmd::failure> failures;
    for (const std::size_t index : indices) {
        std::string text = "e"; // GCC 12's -Wrestrict takes "e" + … for an overlap (its bug 105651)
        text += std::to_string(index);
        failures.push_back({index, error_saying(text)});
    }
    return failures;
}

static_assert(std::is_base_of_v<std::runtime_error, spmd::error>);
static_assert(std::is_base_of_v<spmd::error, spmd::composite_error>);
static_assert(std::is_base_of_v<spmd::error, spmd::cancelled_error>);
static_assert(std::is_base_of_v<spmd::error, spmd::stage_error>);
static_assert(std::is_nothrow_copy_constructible_v<spmd::error>);

} // namespace

TEST_CASE("composite_error groups tasks that failed with the same exception") {
    const auto shared = std::make_exception_ptr(std::runtime_error("both"));
    const auto other = std::make_exception_ptr(std::runtime_error("other"));
    const auto consequence = std::make_exception_ptr(spmd::peer_error(2, "barrier at a.cpp:1", other));
    const auto ranks = [](std::vector<spmd::failure> failures) {
        return std::string(spmd::composite_error(task_kind::rank, std::move(failures), 20, 0).what());
    };
    CHECK(ranks({{1, shared}, {2, other}, {3, shared}, {4, shared}}) ==
          "4 of 20 ranks failed: ranks 1, 3, 4: both; rank 2: other");
    CHECK(ranks({{0, consequence}, {1, consequence}, {2, other}, {3, consequence}}) ==
          "4 of 20 ranks failed: rank 2: other; ranks 0, 1, 3: rank 2 threw before it reached barrier at "
          "a.cpp:1: "
          "other");
    std::vector<spmd::failure> many;
    for (std::size_t rank = 0; rank < 20; rank += 2) many.push_back({rank, rank == 8 ? other : shared});
    CHECK(ranks(many) == "10 of 20 ranks failed: ranks 0, 2, 4, 6 and 5 more: both; rank 8: other");
    many.clear();
    for (const char* const text : {"e0", "e1", "e2", "e3", "e4"})
        many.push_back({many.size(), std::make_exception_ptr(std::runtime_error(text))});
    many.push_back({5, many[1].error});
    many.push_back({6, consequence});
    CHECK(ranks(many) ==
          "7 of 20 ranks failed: rank 0: e0; ranks 1, 5: e1; rank 2: e2; rank 3: e3; and 2 more");
}

TEST_CASE("composite_error counts failures out of all tasks, names the first four and counts the rest") {
    struct composite {
        task_kind kind;
        std::vector<std::size_t> failed;
        std::size_t tasks;
        std::size_t cancelled;
        const char* message;
    };
    const composite cases[] = {
        {task_kind::rank, {0}, 1, 0, "1 of 1 rank failed: rank 0: e0"},
        {task_kind::item, {0}, 1, 0, "1 of 1 item failed: item 0: e0"},
        {task_kind::rank, {4}, 100, 0, "1 of 100 ranks failed: rank 4: e4"},
        {task_kind::item, {1, 2}, 3, 0, "2 of 3 items failed: item 1: e1; item 2: e2"},
        {task_kind::rank,
         {1, 2, 3, 4},
         9,
         0,
         "4 of 9 ranks failed: rank 1: e1; rank 2: e2; rank 3: e3; rank 4: e4"},
        {task_kind::rank,
         {1, 2, 3, 4, 5},
         9,
         0,
         "5 of 9 ranks failed: rank 1: e1; rank 2: e2; rank 3: e3; rank 4: e4; and 1 more"},
        {task_kind::rank,
         {1, 2, 3, 4, 5, 7},
         9,
         2,
         "6 of 9 ranks failed: rank 1: e1; rank 2: e2; rank 3: e3; rank 4: e4; and 2 more (2 were "
         "cancelled)"},
        {task_kind::item, {8}, 9, 1, "1 of 9 items failed: item 8: e8 (1 was cancelled)"},
    };
    for (const composite& each : cases) {
        const spmd::composite_error error(each.kind, failures_at(each.failed), each.tasks, each.cancelled);
        CHECK(std::string(error.what()) == each.message);
        CHECK(error.kind() == each.kind);
        REQUIRE(error.failures().size() == each.failed.size());
        for (std::size_t i = 0; i < each.failed.size(); ++i)
            CHECK(error.failures()[i].index == each.failed[i]);
    }
}

TEST_CASE("cancelled_error names what did not run") {
    CHECK(std::string(spmd::cancelled_error(task_kind::rank, 3, 10).what()) ==
          "cancelled: 3 of 10 ranks did not run to the end");
    CHECK(std::string(spmd::cancelled_error(task_kind::item, 1, 1).what()) ==
          "cancelled: 1 of 1 item did not run to the end");
    CHECK(std::string(spmd::cancelled_error(task_kind::item, 7).what()) ==
          "cancelled: item 7 did not run to the end");
    CHECK(std::string(spmd::cancelled_error(task_kind::rank, 0).what()) ==
          "cancelled: rank 0 did not run to the end");
}

TEST_CASE("stage_error names the stage, repeats the cause and keeps it") {
    const std::exception_ptr cause = error_saying("no disk");
    const spmd::stage_error error("write", cause);
    CHECK(std::string(error.what()) == "stage \"write\": no disk");
    CHECK(error.stage() == "write");
    CHECK(error.cause() == cause);
    CHECK_THROWS_AS(std::rethrow_exception(error.cause()), std::runtime_error);
}

TEST_CASE("message_of returns a text for every exception") {
    CHECK(spmd::message_of(error_saying("this")) == "this");
    CHECK(spmd::message_of(error_saying("")).empty());
    CHECK(spmd::message_of(std::make_exception_ptr(1)) == "an unknown exception");
    CHECK(spmd::message_of(std::make_exception_ptr("a literal")) == "an unknown exception");
    const auto nested =
        std::make_exception_ptr(spmd::composite_error(task_kind::rank, {{3, error_saying("deep")}}, 5, 0));
    CHECK(spmd::message_of(nested) == "1 of 5 ranks failed: rank 3: deep");
}
