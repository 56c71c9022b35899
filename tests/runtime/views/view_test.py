"""Calls of broadcast and map that cannot be are refused by one sentence that says what to write; calls beside
them compile, so a refusal is the call's and not the program's."""
import re
import subprocess
import sys

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
FIRST_CALL = PROGRAM.split("{}", maxsplit=1)[0].count("\n") + 1
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

program = PROGRAM.format("\n".join(f"    static_cast<void>({call});" for call in CALLS))
run = subprocess.run([COMPILER, "-std=c++20", "-fsyntax-only", "-I", INCLUDE, "-x", "c++", "-"],
                     input=program, capture_output=True, text=True)
# GCC names the call in a line above the error, clang in a note below.
errors, number, unplaced = {}, None, None
for line in run.stderr.splitlines():
    if place := re.match(r"<stdin>:(\d+):.*(?:required from here| error: |requested here)", line):
        number = int(place[1]) - FIRST_CALL
    if "requested here" in line and unplaced:
        errors.setdefault(number, []).append(unplaced)
        unplaced = None
    elif " error: " in line and "clang" in COMPILER and not place:
        unplaced = line
    elif " error: " in line:
        errors.setdefault(number, []).append(line)
problems = []
for number, (call, sentence) in enumerate(CALLS.items()):
    found = errors.pop(number, [])
    right = not found if sentence is None else len(found) == 1 and sentence in found[0]
    if not right:
        problems.append(f"{call}: expected {sentence or 'no error'}, found:\n" + "\n".join(found))
problems += [f"an error elsewhere: {line}" for found in errors.values() for line in found]
print("\n".join(problems) or f"{len(CALLS)} calls")
sys.exit(1 if problems else 0)
