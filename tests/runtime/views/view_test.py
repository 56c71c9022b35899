"""Calls of broadcast and map that cannot be are refused by one sentence that says what to write."""
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[2] / "support"))
import refused_calls

COMPILER, INCLUDE = sys.argv[1:]
PROGRAM = """#include <spmd/engine_pool.hpp>
#include <list>
#include <string>
void call(const spmd::engine_pool& pool) {{
    const std::vector<int> items{{1, 2, 3}};
    const auto square = [](int item) {{ return item * item; }};
    static_cast<void>(square(items.front()));
    static_cast<void>(pool);
{}
}}
"""
NO_RANGE = ("write map(task, ranges...) with ranges that have random access and a size, such as "
            "std::vector or std::span; copy other ranges into a std::vector first")
NO_TASK = ("write map(task, ranges...) with a const task for all items that can be called as "
           "task(item, ...) with an item of each range")
NO_RANK_TASK = ("write broadcast(task, args...) with a const task for all ranks that can be called as "
                "task(rank, args...) with const references to the arguments")
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
}

sys.exit(refused_calls.check(COMPILER, INCLUDE, PROGRAM, CALLS))
