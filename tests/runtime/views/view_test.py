"""Calls of broadcast and map that cannot be are refused by one sentence that says what to write."""
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[2] / "support"))
import refused_calls

COMPILER, INCLUDE = sys.argv[1:]
PROGRAM = """#include <spmd/engine_pool.hpp>
#include <spmd/task.hpp>
#include <functional>
#include <list>
#include <span>
#include <string>
#include <string_view>
using spmd::rank, spmd::task;
struct shape {{ int sides = 0; }};
struct square_shape : shape {{ int side = 0; }};
task<> takes_string(rank, const std::string&);
struct overloaded {{
    task<> operator()(rank, const std::string&) const;
    task<> operator()(rank, int) const;
}};
void call(const spmd::engine_pool& pool) {{
    const std::vector<int> items{{1, 2, 3}};
    const auto square = [](int item) {{ return item * item; }};
    static_cast<void>(square(items.front()));
    static_cast<void>(pool);
    const std::string text = "text";
    static_cast<void>(text);
{}
}}
"""
NO_RANGE = ("write map(task, ranges...) with ranges that have random access and a size, such as "
            "std::vector or std::span; copy other ranges into a std::vector first")
NO_TASK = ("write map(task, ranges...) with a const task for all items that can be called as "
           "task(item, ...) with an item of each range")
NO_RANK_TASK = ("write broadcast(task, args...) with a const task for all ranks that can be called as "
                "task(rank, args...) with const references to the arguments")
BY_REFERENCE = ("write a parameter by value, or pass an argument of its own type, such as "
                "std::string(\"...\") for const std::string&")
RANK_BY_REFERENCE = "write spmd::rank, not a reference to it, for the first parameter of a coroutine"
CALLS = {
    "pool.map(square, items)": None,
    "pool.map(square)": NO_RANGE,
    "pool.map(square, 3)": NO_RANGE,
    "pool.map(square, std::list{1, 2})": NO_RANGE,
    "pool.map(items, square)": NO_RANGE,
    "pool.map([](const std::string&) {}, items)": NO_TASK,
    "pool.map([n = 0](int) mutable { ++n; }, items)": NO_TASK,
    "pool.map(square, items, items)": NO_TASK,
    "pool.broadcast([](spmd::rank, int) {}, 3)": None,
    "pool.broadcast([] {})": NO_RANK_TASK,
    "pool.broadcast([](spmd::rank, int&) {}, 3)": NO_RANK_TASK,
    # A plain task returns before the temporary is gone.
    'pool.broadcast([](rank, const std::string&) {}, "text")': None,
    'pool.broadcast([](rank, const std::string&) -> task<> { co_return; }, "text")': BY_REFERENCE,
    'pool.broadcast([](rank, std::string&&) -> task<> { co_return; }, "text")': BY_REFERENCE,
    'pool.broadcast([](rank, int, const std::string&) -> task<> { co_return; }, 1, "text")': BY_REFERENCE,
    'pool.broadcast([](rank, const std::string&) noexcept -> task<> { co_return; }, "text")': BY_REFERENCE,
    'pool.broadcast(takes_string, "text")': BY_REFERENCE,
    'pool.broadcast(std::function<task<>(rank, const std::string&)>(takes_string), "text")': BY_REFERENCE,
    "pool.broadcast([](rank, const double&) -> task<> { co_return; }, 1)": BY_REFERENCE,
    "pool.broadcast([](rank, const std::span<const int>&) -> task<> { co_return; }, items)": BY_REFERENCE,
    'pool.broadcast([](rank, const std::string&) -> task<> { co_return; }, std::string("text"))': None,
    "pool.broadcast([](rank, const std::string&) -> task<> { co_return; }, text)": None,
    "pool.broadcast(takes_string, text)": None,
    "pool.broadcast(takes_string, std::cref(text))": None,
    'pool.broadcast([](rank, std::string) -> task<> { co_return; }, "text")': None,
    'pool.broadcast([](rank, std::string_view) -> task<> { co_return; }, "text")': None,
    'pool.broadcast([](rank, const char* const&) -> task<> { co_return; }, "text")': None,
    'pool.broadcast([](rank, const auto&) -> task<> { co_return; }, "text")': None,
    "pool.broadcast([](rank, const shape&) -> task<> { co_return; }, square_shape())": None,
    "pool.broadcast([](rank, int = 0) -> task<> { co_return; })": None,
    "pool.broadcast(overloaded(), text)": None,
    "pool.broadcast([](const rank&) -> task<> { co_return; })": RANK_BY_REFERENCE,
    "pool.broadcast([](const rank&) {})": None,
}

sys.exit(refused_calls.check(COMPILER, INCLUDE, PROGRAM, CALLS))
