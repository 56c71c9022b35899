// Guards against failures found only by chance: threads that submit, cancel, drop, nest, fail and read
// results in flight, all at once on one pool. ThreadSanitizer and AddressSanitizer check the accesses; the
// counts must agree too. A failure reports its seed, which determines each thread's choices.

#include "support/pools.hpp"

#include <spmd/spmd.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace test_support;
using spmd::rank;

constexpr std::chrono::milliseconds time_per_pool{400};

// Random actions of one thread, chosen by its seed; `wrong` counts failed expectations.
class user {
public:
    user(const spmd::engine_pool& pool, std::uint64_t seed) : pool_(&pool), random_(seed) {}

    void act() {
        switch (random_() % 9) {
            case 0: return get_all();
            case 1: return cancel_some();
            case 2: return drop();
            case 3: return nest();
            case 4: return fail_some();
            case 5: return look_in_order();
            case 6: return wait_from_many();
            case 7: return replace();
            default: return concat_map();
        }
    }
    std::size_t wrong() const { return wrong_; }

private:
    std::size_t below(std::size_t n) { return random_() % n; }
    void expect(bool holds) { wrong_ += holds ? 0U : 1U; }

    void get_all() {
        const std::size_t key = random_();
        const auto ids = pool_->broadcast([key](rank me) { return key + me.id(); }).get();
        for (std::size_t id = 0; id < ids.size(); ++id) expect(ids[id] == key + id);
    }
    void cancel_some() {
        std::atomic<std::size_t> runs{0};
        auto result = pool_
                          ->broadcast([&](rank me) {
                              ++runs;
                              return std::string(me.id() % 40, 'x');
                          })
                          .start();
        if (below(2) == 0) std::this_thread::yield();
        result.cancel();
        std::size_t done = 0;
        for (auto& each : result.outcomes()) done += each.has_value() ? 1U : 0U;
        expect(done == runs);
    }
    void drop() {
        std::atomic<int> running{0};
        {
            auto result = pool_
                              ->broadcast([&](rank me) {
                                  ++running;
                                  for (int i = 0; i < 1000 && !me.stop_requested(); ++i) continue;
                                  --running;
                                  return std::vector<int>(10);
                              })
                              .start();
            if (below(2) == 0) std::this_thread::yield();
        }
        expect(running == 0);
    }
    void nest() {
        const std::size_t n = pool_->size();
        const spmd::engine_pool& pool = *pool_;
        const auto sums =
            pool.on(spmd::slice{.last = std::min<std::size_t>(n, 3)})
                .broadcast([&pool](rank) {
                    return pool.broadcast([](rank me) { return me.id(); }).reduce(std::plus<>{});
                })
                .get();
        for (const std::size_t sum : sums) expect(sum == n * (n - 1) / 2);
    }
    void fail_some() {
        const bool stop = below(2) == 0;
        const std::size_t every = 1 + below(5);
        auto result = pool_->with({.on_error = stop ? spmd::on_error::stop : spmd::on_error::go_on})
                          .broadcast([every](rank me) {
                              if (me.id() % every == 0) throw std::runtime_error(std::to_string(me.id()));
                              return me.id();
                          })
                          .start();
        try {
            (void)result.get();
            expect(false);
        } catch (const spmd::composite_error& error) {
            for (const spmd::failure& each : error.failures())
                expect(spmd::message_of(each.error) == std::to_string(each.index));
            expect(stop || error.failures().size() == (pool_->size() + every - 1) / every);
        }
    }
    void look_in_order() {
        const std::size_t last = below(pool_->size() * 2);
        std::size_t expected = 0;
        for (std::string& text :
             pool_->broadcast([](rank me) { return std::to_string(me.id()); }).in_order()) {
            expect(std::exchange(text, {}) == std::to_string(expected));
            if (expected++ == last) break;
        }
    }
    void wait_from_many() {
        const auto result = pool_->with({.timing = true}).broadcast([](rank me) { return me.id(); }).start();
        std::jthread other([&] { result.wait(); });
        std::jthread watcher([&] {
            while (result.progress().done < result.progress().total) (void)result.ready();
        });
        while (!result.wait_for(std::chrono::microseconds(100))) continue;
        const spmd::timing timing = result.timing();
        for (const spmd::interval& task : timing.tasks()) expect(task.begin <= task.end);
    }
    void replace() {
        auto result = pool_->broadcast([](rank me) { return me.id(); }).start();
        for (std::size_t i = below(3); i > 0; --i)
            result = pool_->broadcast([i](rank me) { return me.id() + i; }).start();
        expect(result.get().size() == pool_->size());
    }
    void concat_map() {
        std::vector<std::size_t> items(below(60));
        std::iota(items.begin(), items.end(), std::size_t{0});
        const auto flat =
            pool_->with({.chunk = 1 + below(4)})
                .map([](std::size_t i) { return std::vector<std::string>(i % 3, std::to_string(i)); }, items)
                .concat();
        std::size_t next = 0;
        for (const std::size_t i : items)
            for (std::size_t k = 0; k < i % 3; ++k)
                expect(next < flat.size() && flat[next++] == std::to_string(i));
        expect(next == flat.size());
    }

    const spmd::engine_pool* pool_;
    std::mt19937_64 random_;
    std::size_t wrong_ = 0;
};

void stress(const spmd::engine_pool& pool, std::uint64_t seed) {
    constexpr std::size_t users = 3;
    std::vector<std::size_t> wrong(users);
    std::atomic<std::size_t> actions{0};
    const auto end = std::chrono::steady_clock::now() + time_per_pool;
    {
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < users; ++i) {
            threads.emplace_back([&, i] {
                user me(pool, seed * users + i);
                while (std::chrono::steady_clock::now() < end) {
                    me.act();
                    ++actions;
                }
                wrong[i] = me.wrong();
            });
        }
    }
    INFO("seed " << seed << ", " << actions << " actions");
    CHECK(actions > 0);
    CHECK(wrong == std::vector<std::size_t>(users, 0));
}

} // namespace

TEST_CASE("all actions at once, on one arena") { stress(make_jthread_pool(17, {2}), 1); }
TEST_CASE("all actions at once, on one arena of many threads") { stress(make_jthread_pool(17, {6}), 2); }
TEST_CASE("all actions at once, on several arenas") { stress(make_jthread_pool(23, {2, 1, 1}), 3); }
TEST_CASE("all actions at once, with one helper") { stress(make_jthread_pool(5, {1}), 4); }

#ifndef SPMD_TEST_WITHOUT_TBB
TEST_CASE("all actions at once, on oneTBB") { stress(spmd::engine_pool{{.ranks = 17, .threads = 3}}, 5); }
#endif
