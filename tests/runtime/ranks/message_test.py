"""Messages of pointers and views, which do not own their value, are refused by one sentence that says what to
write; and so is a rank where there may be none, or any."""
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[2] / "support"))
import refused_calls

COMPILER, INCLUDE = sys.argv[1:]
PROGRAM = """#include <spmd/spmd.hpp>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
void call(const spmd::rank& me, std::vector<int> items, std::string text) {{
    const auto left = me.id() > 0 ? me.id() - 1 : spmd::no_rank;
    const auto from = me.id() > 0 ? me.id() - 1 : spmd::any_source;
{}
}}
"""
OWN = "a message owns its value: instead of a pointer or a view, send std::string(text), or std::vector"
CALLS = {
    "me.send(items, 1)": None,
    "me.send(text, left, 7)": None,
    "me.send(std::make_shared<int>(1), 1)": None,
    "me.receive<int>(3)": None,
    "me.receive<int>(from, 7)": None,
    "me.try_receive<int>(spmd::any_source, 7)": None,
    "me.probe(from)": None,
    "me.send_receive(text, left, 3)": None,
    'me.send("text", 1)': OWN,
    "me.send(items.data(), 1)": OWN,
    "me.send(std::span(items), 1)": OWN,
    "me.send(std::string_view(text), 1)": OWN,
    "me.send(items | std::views::take(2), 1)": OWN,
    "me.send_receive(std::span<const int>(items), 1, 2)": OWN,
    "me.send(text, spmd::any_source)": "",
    "me.receive<int>(left)": "",
}

sys.exit(refused_calls.check(COMPILER, INCLUDE, PROGRAM, CALLS))
