"""co_await_forms_test.py: the lint names the forms of co_await expressions that GCC 12 miscompiles, with
their lines, and nothing else; our own sources and pages are free of them. The forms and their neighbours were
tried with GCC 12.2: runtime/docs/guide.md has the outcomes."""
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
LINT = ROOT / "runtime" / "lint" / "co_await_forms"
OURS = ("README.md", "runtime", "apps", "bench", "tests")

# Each line is planted as a statement of a coroutine.
FORMS = {
    "conditional": [
        "auto r = co_await me.broadcast(me.id() == 0 ? x : std::string(), 0);",
        "auto r = co_await me.broadcast((me.id() == 0 ? std::move(x) : y), 0);",
        "auto r = co_await me.broadcast(me.id() == 0 ? x + y : y, 0);",
        "auto r = co_await helper(me, first ? x : \"b\");",
        "auto r = first ? co_await a(me) : co_await b(me);",
        "auto r = co_await me.broadcast(first ? x : std::nullopt, 0);",
        "auto r = co_await me.broadcast(first ? nullptr : pointer, 0);",
        "auto r = first ? x : co_await b(me);",
        "auto r = co_await a(me) == 1 ? x : std::string();",
        "auto r = add(first ? x : std::string(), co_await a(me));",
        "if (first ? co_await a(me) : co_await b(me)) return_early();",
        "while (co_await a(me, first ? x : std::string())) ++n;",
        "auto r = co_await a(me, first ? 1 : second ? x : std::string());",
        "REQUIRE(co_await a(me, first ? x : T()) == 1);",
        "co_return co_await a(me, first ? x : T());",
        "first ? co_await a(me) : co_await b(me);",
    ],
    "braces": [
        "co_return point{co_await a(me), co_await b(me)};",
        "co_return {co_await a(me), co_await b(me)};",
        "point p{co_await a(me), 2};",
        "auto p = point{co_await a(me), 2};",
        "p = {co_await a(me), co_await b(me)};",
        "auto r = co_await me.broadcast(point{x, y}, 0);",
        "auto r = co_await me.broadcast(point{}, 0);",
        "auto r = co_await me.broadcast(std::array<int, 2>{1, 2}, 0);",
        "auto r = co_await me.scatter(std::vector<int>{1, 2, 3}, 0);",
        "auto r = co_await me.scatter({1, 2, 3}, 0);",
        "std::vector<int> all{co_await a(me), co_await b(me)};",
        "auto r = co_await solver{x}.run(me);",
        "auto r = co_await pool.with({.chunk = 2}).map(work, items);",
        "auto r = co_await pool.on({0, 1}).broadcast(work);",
        "points.push_back({x, co_await a(me)});",
        "auto p = std::unique_ptr<point>(new point{x, co_await a(me)});",
        "for (const auto& each : {co_await a(me), co_await b(me)}) use(each);",
        "if (point p{x, co_await a(me)}; p.ok()) use(p);",
        "const bool same = co_await a(me) == point{x, y}.x;",
        "throw failure{co_await a(me)};",
        "auto r = co_await me.broadcast(my::pair<int, std::vector<int>>{1, x}, 0);",
        "CHECK((co_await a(me, point{1, 2})).ok());",
        "switch (co_await a(me, point{1, 2})) { case 1: break; }",
        "auto r = co_await a(me, [&] { return point{1, 2}; }, point{1, 2});",
        "if (first) co_await a(me, point{1, 2}); else use(x);",
        "do co_await a(me, point{1, 2}); while (first);",
    ],
    "captures": [
        "auto r = co_await me.all_reduce(x, [y](auto a, auto b) { return a + b + y; });",
        "auto r = co_await me.all_reduce(x, [=](auto a, auto b) { return a + b + y; });",
        "auto r = co_await me.all_reduce(x, [&, y](auto a, auto b) { return a + b + y; });",
        "auto r = co_await me.all_reduce(x, [z = y](auto a, auto b) { return a + b + z; });",
        "auto r = co_await me.all_reduce(x, [y]<class T>(T a, T b) mutable noexcept -> T { return a; });",
        "auto r = co_await helper(me, std::function<int(int)>([x](int a) { return a; }));",
        "auto r = co_await [x](rank me) -> task<int> { co_return 1; }(me);",
        "auto r = co_await [*this](rank me) -> task<int> { co_return 1; }(me);",
        "auto r = co_await pool.map([x](int a) -> std::pair<int, int> { return two(a); }, items);",
        "auto f = [y = co_await a(me)] { return y; };",
        "auto r = co_await a(me, [x] { return 1; }());",
        "auto r = co_await a(me, [rest...] { return 1; });",
    ],
}
SAFE = [
    "auto r = co_await me.broadcast(std::move(x), root);",
    "auto r = co_await me.broadcast(me.id() == 0 ? x : y, 0);",
    "auto r = co_await me.broadcast(first ? std::nullopt : std::nullopt, 0);",
    "auto r = co_await me.broadcast(x, me.id() == 0 ? me.size() - 1 : me.id() - 1);",
    "auto r = co_await me.broadcast(first ? point.x : points[i].x, 0);",
    "auto r = co_await a(me, first ? \"yes\" : \"no\");",
    "auto r = co_await a(me) == 1 ? 5 : 6;",
    "auto r = first ? x : std::string(); co_await a(me);",
    "if (co_await a(me)) r = first ? x : std::string();",
    "for (auto r = first ? x : T(); co_await a(me); r = {}) use(r);",
    "co_return point{x, y};",
    "point p{x, y}; auto r = co_await me.broadcast(p, 0);",
    "auto r = co_await me.all_reduce(x, std::plus<>{});",
    "auto r = co_await me.all_reduce(x, std::plus<std::pair<int, int>>{});",
    "auto r = co_await me.broadcast(std::string{x}, std::size_t{0});",
    "auto r = co_await me.broadcast(std::pair<int, std::string>{1, x}, 0);",
    "auto r = co_await me.gather(std::vector<int>{}, int{1});",
    "double r{co_await a(me)};",
    "const std::string r{co_await a(me)};",
    "auto r = co_await me.broadcast(solver(x), 0);",
    "auto r = co_await me.all_reduce(x, [](auto a, auto b) { return first ? point{a, b} : T(); });",
    "auto r = co_await me.all_reduce(x, [&](auto a, auto b) { return a + b + y; });",
    "auto r = co_await me.all_reduce(x, [&y, this, &z = x](auto a, auto b) { return a + b + y; });",
    "const auto op = [y](auto a, auto b) { return a + b + y; }; auto r = co_await me.all_reduce(x, op);",
    "pool.broadcast([x](rank me) -> task<> { co_await me.barrier(); }).get();",
    "pool.with({.chunk = 2}).broadcast([](rank me) -> task<> { co_await me.barrier(); }).get();",
    "spmd::engine_pool pool{{.ranks = 3}}; auto r = co_await a(me);",
    "const auto [s, t] = co_await a(me);",
    "const auto& [s, t] = co_await a(me);",
    "r[co_await a(me)] = values[0] + co_await b(me)[1];",
    "delete[] r; co_await a(me);",
    "[[maybe_unused]] const int r = co_await a(me);",
    "struct local { int i{0}; auto operator co_await() const { return point{i, 1}; } }; co_await a(me);",
    "if constexpr (first) { co_await a(me); } else { use(point{1, 2}); }",
    "try { co_await a(me); } catch (const std::exception& e) { use(point{1, 2}); }",
    "switch (n) { case 1: { co_await a(me); break; } default: { use(point{1, 2}); } }",
    "use(\"co_await a(me, point{1, 2})\", point{1, 2}, first ? x : T());",
    "use(R\"raw(co_await \" ) )raw\", point{1, 2}); // co_await point{1, 2}",
    "use('{', '\\'', 1'000'000, co_await_count, point{1, 2}); /* co_await point{} */",
    "auto r = co_await a(me, point{1, 2}); // co_await_forms: safe",
]
# More than a line each, with the lines to be found in.
PAGES = {
    "lines.cpp": ("""task<point> f(rank me) {
    auto r = co_await me.broadcast(
        me.id() == 0 ? x
                     : T(),
        point{1,
              2});
    co_return r;
}
""", ["3: conditional", "5: braces"]),
    "macros.hpp": ("""#define WAITS(x) co_await a(me, point{x, 1}); \\
    co_await b(me, point{x, 2})
    #  include <co_await> // point{
class waiting : public base<int> {
public:
    waiting(int i) : i_{i}, j_(i) {}
    auto operator()() const -> task<> { co_await a(me); }
    enum class kind { one, two };
    template <class T>
        requires requires(T t) { t.size(); }
    task<T> run(rank me) const&
    {
        co_return point{co_await a(me)};
    }
    auto step(int i = 0) -> task<> { if (i > 0) { co_await a(me); } else { use(point{i, 1}); } }
    task<> stop() && { if (i_ > 0) { co_await a(me); } else { use(point{i_, 1}); } }
    int i_{0};
};
""", ["13: braces"]),
    "branches.cpp": ("""task<> f(rank me) {
#if USES_A
    if (co_await a(me, point{1})) {
#else
    if (co_await b(me, point{2})) {
#endif
        use(point{3});
    }
#ifdef USES_B
    co_await a(me);
#else
    co_await b(me, point{4});
#endif
#if 0
    co_await b(me, point{5});
#endif
}
""", ["3: braces", "12: braces"]),
    "nested.cpp": ("""task<> f(rank me) {
    co_await on_all([&](rank each) -> task<> {
        co_await g(each, point{1});
        use(point{2});
        auto h = [x](int i) { return i; };
    });
    run([](rank me) -> task<int> {
        co_return co_await me.all_reduce(1, [k](int a, int b) { return a + b + k; });
    }, point{3});
}
""", ["3: braces", "8: captures"]),
    "silent.cpp": ("""task<> f(rank me) {
    co_await a(me, point{1});
    // co_await_forms: off
    co_await a(me, point{2});
    // co_await_forms: on
    co_await a(me, point{3});
    co_await a(me, point{4}); // a comment; co_await_forms: safe
    /* co_await_forms: off */ co_await a(me, point{5});
}
""", ["2: braces", "6: braces"]),
    "page.md": ("""# A page
Text with co_await point{1, 2}.
```cpp
auto r = co_await a(me, point{1, 2});
```
```sh
co_await point{1, 2};
```
""", ["4: braces"]),
}


def lint(*arguments):
    return subprocess.run([sys.executable, LINT, *arguments], capture_output=True, text=True)


def planted_files():
    """The name, the text and the expected `line: form` of each file."""
    statements = [(statement, [f"2: {form}"]) for form, all_of_it in FORMS.items() for statement in all_of_it]
    statements += [(statement, []) for statement in SAFE]
    for number, (statement, expected) in enumerate(statements):
        yield f"{number}.cpp", f'TEST_CASE("forms") {{\n{statement}\n}}\n', expected
    yield "all_safe.cpp", "\n".join(SAFE), []
    for name, (text, expected) in PAGES.items():
        yield name, text, expected


def planted_problems(folder):
    """Compares what the lint prints, up to the advice, with what is expected."""
    files = list(planted_files())
    for name, text, _ in files:
        (folder / name).write_text(text)
    run = lint(folder)
    found = {name: [] for name, _, _ in files}
    for line in run.stdout.splitlines():
        name, number, form = line.removeprefix(f"{folder}/").split(":")[:3]
        found[name].append(f"{number}:{form}")
    for name, text, expected in files:
        if found[name] != expected:
            yield f"expected {expected}, found {found[name]} in:\n{text}"
    if run.returncode != 1 or run.stderr or "write a variable before" not in run.stdout:
        yield f"exit status {run.returncode}, errors: {run.stderr}"


def usage_problems(folder):
    for arguments, status, words in [
            (["--help"], 0, "usage: co_await_forms"), ([], 2, "no file or folder"),
            (["--all"], 2, "unrecognised option '--all'"),
            ([f"{folder}/none.cpp"], 2, "none.cpp: No such file")]:
        run = lint(*arguments)
        if run.returncode != status or words not in run.stdout + run.stderr:
            yield f"co_await_forms {arguments}: exit status {run.returncode}: {run.stdout}{run.stderr}"


def main():
    with tempfile.TemporaryDirectory(prefix="spmd_co_await_forms_") as name:
        folder = pathlib.Path(name)
        problems = [*planted_problems(folder), *usage_problems(folder)]
    ours = lint(*(ROOT / name for name in OURS))
    if ours.returncode != 0:
        problems.append(f"our own code:\n{ours.stdout}{ours.stderr}")
    forms = sum(map(len, FORMS.values()))
    print("\n".join(problems) or f"{forms} forms found, {len(SAFE)} neighbours left alone")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
