// Guards ordinary expressions with several waits. Where the results are scalars, GCC 12 waits for all of them
// before it reads any result: an awaitable that looks up its result by the rank's last wait would return
// another wait's result, or crash, and the failure of the first wait would be lost behind the second. Also
// guards the rewritings that the guide has for what GCC 12 miscompiles, the forms themselves where clang
// compiles this, and tasks that end without the value they promise.

#include "co_await_forms.hpp"
#include "support/pools.hpp"

#include <spmd/spmd.hpp>

#include <catch2/catch.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace test_support;
using Catch::Matchers::Contains;

double quotient(double a, double b) { return a / b; }

task<int> helper(rank me, int value) { co_return co_await me.all_reduce(value, std::plus<>()); }

/// Each line appends a description of its failure.
task<std::string> every_expression(rank me) {
    const auto n = static_cast<int>(me.size());
    const auto id = static_cast<int>(me.id());
    const double sum = n * (n - 1) / 2.0;
    const std::plus<> plus;
    std::string wrong;
    const auto expect = [&wrong](bool right, const char* what) {
        if (!right) wrong += std::string(what) + "; ";
    };

    const double mean = co_await me.all_reduce(double(id), plus) / co_await me.all_reduce(1.0, plus);
    expect(mean == sum / n, "a / b");
    const bool less = co_await me.all_reduce(1, plus) < co_await me.all_reduce(2, plus);
    expect(less, "a < b");
    const bool equal = co_await me.all_reduce(1, plus) == co_await me.scan(1, plus);
    expect(equal == (id == n - 1), "a == b, of two kinds");
    const double as_arguments =
        quotient(co_await me.all_reduce(double(id), plus), co_await me.all_reduce(1.0, plus));
    expect(as_arguments == sum / n, "f(a, b)");
    std::vector<int> slots(2);
    slots[static_cast<std::size_t>(co_await me.broadcast(1, 0))] = co_await me.all_reduce(1, plus);
    expect(slots[0] + slots[1] == n, "v[a] = b");
    const int three = co_await me.all_reduce(1, plus) + 10 * co_await me.all_reduce(2, plus) +
                      100 * co_await me.broadcast(7, 0);
    expect(three == 21 * n + 700, "a + b + c");

    me.send(id, (me.id() + 1) % me.size(), 1);
    me.send(double(id), (me.id() + 1) % me.size(), 2);
    const std::size_t left = (me.id() + me.size() - 1) % me.size();
    const double received = co_await me.receive<int>(left, 1) + 2 * co_await me.receive<double>(left, 2);
    expect(received == 3.0 * static_cast<double>(left), "two receives");
    me.send(id, (me.id() + 1) % me.size());
    const int mixed = co_await me.all_reduce(1, plus) + co_await me.receive<int>(left);
    expect(mixed == n + static_cast<int>(left), "a collective + a receive");
    me.send(id, (me.id() + 1) % me.size());
    const int mixed_too = co_await me.receive<int>(left) + co_await me.all_reduce(1, plus);
    expect(mixed_too == n + static_cast<int>(left), "a receive + a collective");

    auto first = me.all_reduce(1, plus).start();
    auto second = me.all_reduce(2, plus).start();
    const int pendings = co_await first + 10 * co_await second;
    expect(pendings == 21 * n, "two pendings");
    auto third = me.all_reduce(3, plus).start();
    me.send(id, (me.id() + 1) % me.size());
    const int pending_and_receive = co_await third + co_await me.receive<int>(left);
    expect(pending_and_receive == 3 * n + static_cast<int>(left), "a pending + a receive");

    const int helpers = co_await helper(me, 1) + 10 * co_await helper(me, 2);
    expect(helpers == 21 * n, "two helpers");
    const int helper_and_collective = co_await helper(me, 1) - co_await me.all_reduce(1, plus);
    expect(helper_and_collective == 0, "a helper - a collective");
    const bool grouped = co_await (co_await me.split(0)).all_reduce(1, plus) == co_await helper(me, 1);
    expect(grouped, "a group's collective == a helper");
    co_return wrong;
}

/// The message each rank failed with, or the value it returned instead.
std::vector<std::string> messages_of(spmd::async_result<int> result) {
    std::vector<std::string> messages;
    for (const auto& each : result.outcomes())
        messages.push_back(each ? "returned " + std::to_string(each.value())
                                : spmd::message_of(each.error()));
    return messages;
}

task<int> failing(rank me) {
    co_await me.barrier();
    throw std::runtime_error("the helper failed");
}

} // namespace

TEST_CASE("several waits in one expression each return their own result") {
    for_each_pool([](const spmd::engine_pool& pool) {
        for (const std::string& wrong : pool.broadcast(every_expression).get()) REQUIRE(wrong.empty());
    });
}

TEMPLATE_TEST_CASE("each form of a co_await expression has the value that the standard says", "", int,
                   std::string, std::vector<int>) {
    for_each_launcher(3, [](const spmd::engine_pool& pool) {
        const auto check = [&](const std::vector<co_await_form>& forms) {
            for (const co_await_form& form : forms) {
                INFO(form.text);
                for (const bool is_right : pool.broadcast(form.run).get()) REQUIRE(is_right);
            }
        };
        check(safe_co_await_forms<TestType>());
#ifdef __clang__
        check(dangerous_co_await_forms<TestType>());
#endif
    });
}

TEST_CASE("a failed first wait is not lost behind the second of its expression") {
    for_each_launcher(5, [](const spmd::engine_pool& pool) {
        // Rank 0 ends before the first wait, which therefore fails for the others.
        const std::vector<std::string> peers =
            messages_of(pool.broadcast([](rank me) -> task<int> {
                                if (me.id() == 0) throw std::runtime_error("rank 0 left");
                                co_return co_await me.all_reduce(1, std::plus<>()) +
                                    co_await me.all_reduce(2, std::plus<>());
                            })
                            .start());
        for (std::size_t id = 1; id < 5; ++id) REQUIRE_THAT(peers[id], Contains("rank 0 left"));

        const std::vector<std::string> receivers =
            messages_of(pool.broadcast([](rank me) -> task<int> {
                                if (me.id() == 0) throw std::runtime_error("rank 0 left");
                                const rank others = co_await me.split(0);
                                co_return co_await others.receive<int>(0) + co_await me.receive<int>(me.id());
                            })
                            .start());
        for (std::size_t id = 1; id < 5; ++id) REQUIRE_THAT(receivers[id], Contains("rank 0 left"));

        const std::vector<std::string> helped =
            messages_of(pool.broadcast([](rank me) -> task<int> {
                                co_return co_await failing(me) + co_await helper(me, 1);
                            })
                            .start());
        for (const std::string& each : helped) REQUIRE(each == "the helper failed");

        const std::vector<std::string> pendings =
            messages_of(pool.broadcast([](rank me) -> task<int> {
                                auto first = me.all_reduce(1, std::plus<>()).start();
                                if (me.id() == 0) throw std::runtime_error("rank 0 left");
                                auto never = me.receive<int>(0).start();
                                co_return co_await never + co_await first;
                            })
                            .start());
        for (std::size_t id = 1; id < 5; ++id) REQUIRE_THAT(pendings[id], Contains("rank 0 left"));
    });
}

TEST_CASE("a rank waits as before after catching a failure in one expression") {
    for_each_launcher(3, [](const spmd::engine_pool& pool) {
        const auto sums =
            pool.broadcast([](rank me) -> task<int> {
                    int caught = 0;
                    try {
                        caught = co_await failing(me) + co_await helper(me, 1);
                    } catch (const std::runtime_error&) {
                        caught = 1;
                    }
                    // The second wait's arguments throw before the first one's failure is rethrown.
                    try {
                        const auto bad = [&](int) -> std::size_t { throw std::out_of_range("bad"); };
                        caught += co_await failing(me) + co_await me.broadcast(1, bad(0));
                    } catch (const std::out_of_range&) {
                        ++caught;
                    } catch (const std::runtime_error&) {
                        ++caught;
                    }
                    co_return co_await me.all_reduce(caught, std::plus<>());
                })
                .get();
        REQUIRE(sums == std::vector<int>(3, 6));
    });
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wreturn-type"
namespace {
task<int> forgets_its_value(rank me) {
    if (me.size() > 100) co_return 1;
    co_await me.barrier();
}
task<std::string> forgets_its_text(rank me) {
    if (me.size() > 100) co_return "text";
    co_await me.barrier();
}
} // namespace
#pragma GCC diagnostic pop

TEST_CASE("a task that ends without the value it promises fails with a message") {
    for_each_launcher(2, [](const spmd::engine_pool& pool) {
        for (const std::string& each : messages_of(pool.broadcast(forgets_its_value).start()))
            REQUIRE_THAT(each, Contains("ended without co_return"));
        for (const auto& each : pool.broadcast(forgets_its_text).outcomes()) {
            REQUIRE_FALSE(each.has_value());
            REQUIRE_THAT(spmd::message_of(each.error()), Contains("ended without co_return"));
        }
        auto awaited = pool.broadcast([](rank me) -> task<int> {
                               co_return static_cast<int>((co_await forgets_its_text(me)).size());
                           })
                           .start();
        for (const std::string& each : messages_of(std::move(awaited)))
            REQUIRE_THAT(each, Contains("ended without co_return"));
    });
}
