#pragma once

#include <spmd/spmd.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

/// The forms of `co_await` expressions in the guide's section on GCC 12: those that are safe there, and those
/// that only clang compiles right. Each returns true where its values are right.
namespace test_support {

using spmd::rank;
using spmd::task;

struct co_await_form {
    const char* text;
    task<bool> (*run)(rank);
};

/// Distinct values, for strings and vectors long enough to own memory.
template <class T>
T value_of(int k) {
    if constexpr (std::is_arithmetic_v<T>)
        return T(100 * k);
    else if constexpr (std::is_same_v<T, std::string>)
        return std::string(40, 'a') + std::to_string(k);
    else
        return T(20, k);
}
template <class T>
T joined(T a, T b) {
    if constexpr (std::is_arithmetic_v<T>)
        return 7 * a + b;
    else
        a.insert(a.end(), b.begin(), b.end());
    return a;
}

template <class T>
struct two_values {
    T first{};
    T second{};
    bool operator==(const two_values&) const = default;
};
template <class T>
struct constructed {
    constructed(T a, T b) : first(std::move(a)), second(std::move(b)) {}
    T first, second;
};
template <class T>
struct solver {
    T start;
    task<T> run(rank me) const { co_return co_await me.broadcast(start); }
};

template <class T>
task<T> by_value(rank me, T value) {
    co_return co_await me.broadcast(value);
}
template <class T>
task<T> by_reference(rank me, const T& value) {
    co_return co_await me.broadcast(value);
}
template <class T>
task<T> counted_call(rank me, T value, int& calls) {
    ++calls;
    co_await me.barrier();
    co_return value;
}
template <class T>
task<T> second_of(rank me, two_values<T> values) {
    co_return co_await me.broadcast(values.second);
}
template <class T>
task<T> applied(rank me, std::function<T(T)> f) {
    co_return f(co_await me.broadcast(value_of<T>(1)));
}
template <class T>
task<two_values<T>> from_variables(rank me) {
    T first = co_await me.broadcast(value_of<T>(1));
    T second = co_await me.broadcast(value_of<T>(2));
    co_return two_values<T>{first, second};
}

/// Forms that GCC 12 compiles right: several waits in one expression, the guide's rewritings, and the
/// neighbours of what it miscompiles.
template <class T>
std::vector<co_await_form> safe_co_await_forms() {
    static const T one = value_of<T>(1), two = value_of<T>(2);
    static constexpr auto op = [](T a, T) { return a; };
    return {
        {"f(a, b)",
         [](rank me) -> task<bool> {
             const T all = joined<T>(co_await me.broadcast(one), co_await me.broadcast(two));
             co_return all == joined(one, two);
         }},
        {"a < b",
         [](rank me) -> task<bool> {
             const bool less = co_await me.broadcast(one) < co_await me.broadcast(two);
             co_return less == (one < two);
         }},
        {"a == b, of two kinds",
         [](rank me) -> task<bool> { co_return co_await me.broadcast(one) == co_await me.scan(one, op); }},
        {"v[a] = b",
         [](rank me) -> task<bool> {
             std::vector<T> v(2);
             v[co_await me.broadcast(std::size_t(1))] = co_await me.broadcast(two);
             co_return v[1] == two;
         }},
        {"a && b",
         [](rank me) -> task<bool> {
             co_return (co_await me.broadcast(one) == one) && (co_await me.broadcast(two) == two);
         }},
        {"false && a",
         [](rank me) -> task<bool> {
             int calls = 0;
             const bool both = me.id() > 1000 && co_await counted_call(me, one, calls) == one;
             co_return !both && calls == 0;
         }},
        {"f(g(a))",
         [](rank me) -> task<bool> { co_return co_await me.broadcast(co_await by_value(me, one)) == one; }},
        {"two receives",
         [](rank me) -> task<bool> {
             me.send(one, me.id(), 1);
             me.send(two, me.id(), 2);
             co_return joined<T>(co_await me.receive<T>(me.id(), 1), co_await me.receive<T>(me.id(), 2)) ==
                 joined(one, two);
         }},
        {"two pendings",
         [](rank me) -> task<bool> {
             auto first = me.broadcast(one).start();
             auto second = me.broadcast(two).start();
             co_return joined<T>(co_await first, co_await second) == joined(one, two);
         }},
        {"two helpers",
         [](rank me) -> task<bool> {
             co_return joined<T>(co_await by_value(me, one), co_await by_reference(me, two)) ==
                 joined(one, two);
         }},
        {"a group's collective and a helper",
         [](rank me) -> task<bool> {
             const rank group = co_await me.split(0);
             co_return joined<T>(co_await group.broadcast(one), co_await by_value(me, two)) ==
                 joined(one, two);
         }},
        {"x = f(move(x))",
         [](rank me) -> task<bool> {
             T x = me.id() == 0 ? one : T();
             x = co_await me.broadcast(std::move(x));
             co_return x == one;
         }},
        {"c ? x : y",
         [](rank me) -> task<bool> { co_return co_await me.broadcast(me.id() == 0 ? one : two) == one; }},
        {"if for c ? a : b",
         [](rank me) -> task<bool> {
             int calls = 0;
             T x{};
             if (me.id() < 1000)
                 x = co_await counted_call(me, one, calls);
             else
                 x = co_await counted_call(me, two, calls);
             co_return (x == one) && (calls == 1);
         }},
        {"an aggregate of variables",
         [](rank me) -> task<bool> {
             const two_values<T> values{one, two};
             const two_values<T> same = co_await me.broadcast(values);
             co_return (same == values) && (co_await from_variables<T>(me) == values);
         }},
        {"X(a, b) with a constructor",
         [](rank me) -> task<bool> {
             const constructed<T> x(co_await me.broadcast(one), co_await me.broadcast(two));
             const constructed<T> y = co_await me.broadcast(constructed<T>(one, two));
             co_return (x.second == two) && (y.first == one);
         }},
        {"pair, tuple and optional",
         [](rank me) -> task<bool> {
             const auto both = std::pair<T, T>{co_await me.broadcast(one), co_await me.broadcast(two)};
             const auto same = std::tuple(co_await me.broadcast(one), co_await me.broadcast(two));
             const auto maybe = co_await me.broadcast(std::optional<T>{one});
             co_return (std::tuple<T, T>(both) == same) && (maybe == one);
         }},
        {"a vector of copies",
         [](rank me) -> task<bool> { co_return co_await me.scatter(std::vector<T>(me.size(), one)) == one; }},
        {"push_back",
         [](rank me) -> task<bool> {
             std::vector<T> values;
             values.push_back(co_await me.broadcast(one));
             values.push_back(co_await me.broadcast(two));
             co_return values == std::vector<T>{one, two};
         }},
        {"a lambda without captures",
         [](rank me) -> task<bool> {
             co_return co_await me.all_reduce(one, [](T a, T) { return a; }) == one;
         }},
        {"a lambda with references",
         [](rank me) -> task<bool> {
             const T x = one;
             co_return co_await me.all_reduce(x, [&](T a, T) { return a == x ? a : T(); }) == one;
         }},
        {"a named lambda with values",
         [](rank me) -> task<bool> {
             const auto with_value = [x = one](T a, T) { return a == x ? a : T(); };
             co_return co_await me.all_reduce(one, with_value) == one;
         }},
        {"a named lambda as a std::function",
         [](rank me) -> task<bool> {
             const auto with_value = [x = two](T a) { return joined(a, x); };
             co_return co_await applied<T>(me, with_value) == joined(one, two);
         }},
        {"a named lambda awaited",
         [](rank me) -> task<bool> {
             const auto broadcast = [x = one](rank each) -> task<T> { co_return co_await each.broadcast(x); };
             co_return co_await broadcast(me) == one;
         }},
        {"a named object's operation",
         [](rank me) -> task<bool> {
             const solver<T> x{one};
             co_return co_await x.run(me) == one;
         }},
    };
}

#ifdef __clang__
// co_await_forms: off
/// Forms that GCC 12 miscompiles or refuses. The lint finds all but the last two.
template <class T>
std::vector<co_await_form> dangerous_co_await_forms() {
    static const T one = value_of<T>(1), two = value_of<T>(2);
    using values = two_values<T>;
    return {
        {"c ? x : T()",
         [](rank me) -> task<bool> { co_return co_await me.broadcast(me.id() == 0 ? one : T()) == one; }},
        {"c ? a : b",
         [](rank me) -> task<bool> {
             int calls = 0;
             const T x = joined<T>(one, me.id() < 1000 ? co_await counted_call(me, one, calls)
                                                       : co_await counted_call(me, two, calls));
             co_return x == joined(one, one) && calls == 1;
         }},
        {"a ? x : T()",
         [](rank me) -> task<bool> { co_return (co_await me.broadcast(1) == 1 ? one : T()) == one; }},
        {"co_return M{a, b}",
         [](rank me) -> task<bool> {
             const auto make = [](rank each) -> task<values> {
                 co_return values{co_await each.broadcast(one), co_await each.broadcast(two)};
             };
             co_return (co_await make(me)).second == two;
         }},
        {"M m{a, b}",
         [](rank me) -> task<bool> {
             values m{co_await me.broadcast(one), co_await me.broadcast(two)};
             m = {co_await me.broadcast(two), co_await me.broadcast(one)};
             co_return m == values{two, one};
         }},
        {"f(M{x, y})",
         [](rank me) -> task<bool> {
             const T typed = co_await second_of(me, values{one, two});
             co_return (typed == two) && (co_await second_of<T>(me, {one, two}) == two);
         }},
        {"f(M{})", [](rank me) -> task<bool> { co_return co_await second_of(me, values{}) == T(); }},
        {"f(array{x, y})",
         [](rank me) -> task<bool> {
             co_return (co_await me.broadcast(std::array<T, 2>{one, two}))[1] == two;
         }},
        {"f(vector{x, y}), array used as initializer",
         [](rank me) -> task<bool> {
             const std::vector<T> v{co_await me.broadcast(one), co_await me.broadcast(two)};
             co_return (co_await me.broadcast(std::vector<T>{one, two}))[1] == v[1];
         }},
        {"v.push_back({x, a})",
         [](rank me) -> task<bool> {
             std::vector<values> all;
             all.push_back({one, co_await me.broadcast(two)});
             co_return all[0] == values{one, two};
         }},
        {"new M{x, a}",
         [](rank me) -> task<bool> {
             const auto m = std::unique_ptr<values>(new values{one, co_await me.broadcast(two)});
             co_return m->second == two;
         }},
        {"a lambda with values",
         [](rank me) -> task<bool> {
             co_return co_await me.all_reduce(one, [x = one](T a, T) { return a == x ? a : T(); }) == one;
         }},
        {"a lambda as a std::function",
         [](rank me) -> task<bool> {
             co_return co_await applied<T>(me, [x = two](T a) { return joined(a, x); }) == joined(one, two);
         }},
        {"a lambda called and awaited",
         [](rank me) -> task<bool> {
             co_return co_await
                 [x = one](rank each) -> task<T> { co_return co_await each.broadcast(x); }(me) == one;
         }},
        {"X{x}.run(me)", [](rank me) -> task<bool> { co_return co_await solver<T>{one}.run(me) == one; }},
        {"pool.with({…}).map(f, items)",
         [](rank) -> task<bool> {
             const spmd::engine_pool pool({.ranks = 2, .threads = 1});
             const std::vector<int> items{1, 2};
             co_return (co_await pool.with({.chunk = 2}).map(value_of<T>, items))[1] == two;
         }},
        {"pool.on({…}).broadcast(f)",
         [](rank) -> task<bool> {
             const spmd::engine_pool pool({.ranks = 2, .threads = 1});
             co_return (co_await pool.on({0, 1}).broadcast([](rank) { return one; }))[1] == one;
         }},
        {"f(M(x, y))",
         [](rank me) -> task<bool> { co_return co_await second_of(me, values(one, two)) == two; }},
        {"co_return M(a, b)",
         [](rank me) -> task<bool> {
             const auto make = [](rank each) -> task<values> {
                 co_return values(co_await each.broadcast(one), co_await each.broadcast(two));
             };
             co_return (co_await make(me)).second == two;
         }},
    };
}
// co_await_forms: on
#endif

} // namespace test_support
