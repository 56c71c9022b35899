// Guards the one launch primitive against an index that runs twice or never, whoever joins and whenever; a
// job that needs another thread in order to finish; work that strays to another arena's threads; a recruited
// thread that arrives after the job has ended and accesses freed memory; and more threads in one job than its
// pool has.

#include "support/pools.hpp"

#include <spmd/detail/launch/launcher.hpp>
#include <spmd/detail/launch/parallel_loop.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <numeric>
#include <thread>
#include <vector>

namespace {

using namespace test_support;
using namespace std::chrono_literals;
using spmd::index_range;
using spmd::detail::cost_estimate;
using spmd::detail::job_pointer;
using spmd::detail::launcher;
using spmd::detail::placed_range;

// Never destroyed: a helper may record a job's cost after the last index has run.
cost_estimate& fresh_cost() {
    static std::deque<cost_estimate> costs;
    return costs.emplace_back();
}

// Counts how often each index runs, and records the arena of the thread that ran it.
class counting_job final : public spmd::detail::job {
public:
    using hook = std::function<void(index_range)>;

    counting_job(const std::vector<placed_range>& shares, std::size_t chunk, std::size_t threads,
                 cost_estimate& cost, hook before = {})
        : job(shares, chunk, threads, cost), runs_(count()), arenas_(count()), before_(std::move(before)) {}

    bool is_done(std::size_t i) const noexcept override { return runs_[i].load() > 0; }
    std::size_t runs_of(std::size_t i) const { return runs_[i].load(); }
    std::size_t arena_of(std::size_t i) const { return arenas_[i]; }
    bool all_ran_once() const {
        return std::ranges::all_of(runs_, [](const auto& runs) { return runs.load() == 1; });
    }
    std::size_t ran() const {
        return std::transform_reduce(runs_.begin(), runs_.end(), std::size_t{0}, std::plus<>{},
                                     [](const auto& runs) { return runs.load(); });
    }

private:
    void run(index_range range) noexcept override {
        if (before_) before_(range);
        for (std::size_t i = range.first; i < range.last; ++i) {
            arenas_[i] = jthread_launcher::arena_of_this_thread();
            runs_[i].fetch_add(1);
        }
    }

    std::vector<std::atomic<std::size_t>> runs_;
    std::vector<std::size_t> arenas_;
    hook before_;
};

std::vector<placed_range> dealt(std::size_t count, const launcher& launch) {
    return spmd::detail::deal(count, [&] {
        spmd::pool_topology topology = launch.topology();
        return topology;
    }());
}

job_pointer<counting_job> make_job(std::size_t count, std::size_t chunk, const launcher& launch,
                                   cost_estimate& cost) {
    return job_pointer<counting_job>(
        new counting_job(dealt(count, launch), chunk, launch.topology().threads(), cost));
}

template <class Body>
void for_each_raw_launcher(Body&& body) {
    for (const pool_kind& kind : pool_kinds()) {
        INFO(kind.name << ", " << kind.threads << " threads");
        const std::unique_ptr<launcher> launch = kind.make_launcher();
        body(*launch);
    }
}

struct way_to_run {
    const char* name;
    void (*run)(launcher&, counting_job&);
};

const way_to_run ways_to_run[] = {
    {"join", [](launcher& launch, counting_job& work) { launch.join(work); }},
    {"start, join",
     [](launcher& launch, counting_job& work) {
         launch.start(work);
         launch.join(work);
     }},
    {"start, wait",
     [](launcher& launch, counting_job& work) {
         launch.start(work);
         work.wait([&] { return work.finished(); });
     }},
    {"join until each index, the last first",
     [](launcher& launch, counting_job& work) {
         for (std::size_t i = work.count(); i > 0; i -= std::min<std::size_t>(i, 97)) {
             launch.join_until(work, i - 1);
             if (!work.is_done(i - 1)) return; // all_ran_once() will fail
         }
         launch.join(work);
     }},
    {"join until each index, the first first",
     [](launcher& launch, counting_job& work) {
         for (std::size_t i = 0; i < work.count(); i += std::max<std::size_t>(work.count() / 100, 1)) {
             launch.join_until(work, i);
             if (!work.is_done(i)) return;
         }
         launch.join(work);
     }},
    {"start twice, join twice",
     [](launcher& launch, counting_job& work) {
         launch.start(work);
         launch.start(work);
         launch.join(work);
         launch.join(work);
     }},
};

} // namespace

TEST_CASE("every index runs exactly once, for every launcher and way to run") {
    for_each_raw_launcher([](launcher& launch) {
        for (const std::size_t count : {0U, 1U, 2U, 7U, 1000U, 100'000U}) {
            for (const std::size_t chunk : {0U, 1U, 3U}) {
                for (const way_to_run& way : ways_to_run) {
                    cost_estimate& cost = fresh_cost(); // unknown: others are recruited before anything runs
                    const auto work = make_job(count, chunk, launch, cost);
                    way.run(launch, *work);
                    INFO(count << " indices, chunk " << chunk << ", " << way.name);
                    REQUIRE(work->finished());
                    REQUIRE(work->all_ran_once());
                }
            }
        }
    });
}

TEST_CASE("every index runs exactly once where the job is small, or wrongly believed small") {
    for_each_raw_launcher([](launcher& launch) {
        for (const std::size_t count : {2U, 7U, 64U, 1000U, 3000U}) {
            for (const std::size_t chunk : {0U, 1U, 3U, 5000U}) {
                for (const auto really : {0us, 1us}) {
                    cost_estimate& cost = fresh_cost();
                    cost.observe(1ns, 1000);
                    REQUIRE(cost.is_small(count));
                    const job_pointer<counting_job> work(new counting_job(
                        dealt(count, launch), chunk, launch.topology().threads(), cost,
                        [really](index_range range) {
                            const auto end = std::chrono::steady_clock::now() + really * range.size();
                            while (std::chrono::steady_clock::now() < end) continue;
                        }));
                    launch.join(*work);
                    INFO(count << " indices, chunk " << chunk << ", " << really.count() << " us each");
                    REQUIRE(work->all_ran_once());
                }
            }
        }
    });
}

TEST_CASE("several threads may join the same job") {
    for_each_raw_launcher([](launcher& launch) {
        for (int round = 0; round < 20; ++round) {
            cost_estimate& cost = fresh_cost();
            const auto work = make_job(2000, 1, launch, cost);
            {
                std::vector<std::jthread> callers;
                for (int i = 0; i < 3; ++i) callers.emplace_back([&] { launch.join(*work); });
                callers.emplace_back([&] { launch.join_until(*work, 1999); });
                launch.join(*work);
                REQUIRE(work->finished()); // each join returns only when all have run
            }
            REQUIRE(work->all_ran_once());
        }
    });
}

TEST_CASE("an arena's indices run on its own threads, or on the joining caller's") {
    // Arenas 0, 1 and 2 out of order, one of them in two ranges.
    const std::vector<placed_range> shares{{2, {0, 10}}, {0, {10, 30}}, {2, {30, 35}}, {1, {35, 50}}};
    const auto arena_of = [&](std::size_t i) {
        return std::ranges::find_if(shares, [i](const placed_range& share) { return i < share.indices.last; })
            ->arena;
    };
    jthread_launcher launch({2, 1, 1});
    for (const std::size_t chunk : {0U, 1U, 3U}) {
        for (const bool joined : {false, true}) {
            INFO("chunk " << chunk << (joined ? ", joined" : ", not joined"));
            cost_estimate& cost = fresh_cost();
            const job_pointer<counting_job> work(new counting_job(shares, chunk, 4, cost));
            CHECK(work->share_of(0) == 20);
            CHECK(work->share_of(1) == 15);
            CHECK(work->share_of(2) == 15);
            CHECK(work->share_of(3) == 0);
            launch.start(*work);
            if (joined)
                launch.join(*work);
            else
                work->wait([&] { return work->finished(); });
            CHECK(work->all_ran_once());
            for (std::size_t i = 0; i < 50; ++i) {
                const bool by_the_caller = joined && work->arena_of(i) == jthread_launcher::no_arena;
                REQUIRE((work->arena_of(i) == arena_of(i) || by_the_caller));
            }
        }
    }
}

TEST_CASE("a pool of several arenas runs each rank in the arena it was dealt to") {
    const spmd::engine_pool pool = make_jthread_pool(8, {2, 1, 1});
    REQUIRE(pool.topology().arenas.size() == 3);
    CHECK(pool.topology().arenas[0].ranks == index_range{0, 4});
    CHECK(pool.topology().arenas[1].ranks == index_range{4, 6});
    CHECK(pool.topology().arenas[2].ranks == index_range{6, 8});
    auto running =
        pool.broadcast([](spmd::rank) { return jthread_launcher::arena_of_this_thread(); }).start();
    REQUIRE(eventually([&] { return running.ready(); })); // without joining
    CHECK(running.get() == std::vector<std::size_t>{0, 0, 0, 0, 1, 1, 2, 2});
}

TEST_CASE("the caller finishes a job alone when no helper arrives") {
    for (const std::vector<std::size_t>& threads : {std::vector<std::size_t>{2}, {4}, {2, 1, 1}}) {
        for (const std::size_t chunk : {0U, 1U, 3U}) {
            parked_launcher launch(threads);
            cost_estimate& cost = fresh_cost();
            const auto work = make_job(1000, chunk, launch, cost);
            launch.start(*work);
            CHECK(work->ran() == 0);
            launch.join_until(*work, 17);
            CHECK(work->is_done(17));
            CHECK_FALSE(work->is_done(18)); // no more than it waited for
            launch.join_until(*work, 999);
            CHECK(work->is_done(999));
            launch.join(*work);
            CHECK(work->all_ran_once());
        }
    }
}

TEST_CASE("a caller that waits for one index recruits others for the rest") {
    const auto helpers = std::make_shared<parked_helpers>();
    parked_launcher launch({2}, helpers);
    cost_estimate& cost = fresh_cost();
    const auto work = make_job(10, 1, launch, cost);
    launch.join_until(*work, 3);
    CHECK(work->ran() == 4);
    CHECK(helpers->come() == 1);
    CHECK(work->all_ran_once());
}

TEST_CASE("others are recruited for a job that stops being small, and not for one that stays so") {
    for (const bool small : {true, false}) {
        const auto helpers = std::make_shared<parked_helpers>();
        parked_launcher launch({2}, helpers);
        cost_estimate& cost = fresh_cost();
        cost.observe(1ns, 1000);
        const job_pointer<counting_job> work(
            new counting_job(dealt(10, launch), 1, 2, cost, [small](index_range) {
                const auto end = std::chrono::steady_clock::now() + 20us;
                while (!small && std::chrono::steady_clock::now() < end) continue;
            }));
        launch.join(*work);
        CHECK(work->all_ran_once());
        if (!small) CHECK(helpers->come() == 1);
        CHECK(cost.is_small(1) >= small);
    }
}

TEST_CASE("helpers that arrive after the end access nothing") {
    const auto helpers = std::make_shared<parked_helpers>();
    const auto captured = std::make_shared<int>(7);
    std::atomic<std::size_t> runs{0};
    for (const bool joined : {true, false}) {
        runs = 0;
        {
            const spmd::engine_pool pool = make_parked_pool(10, helpers);
            auto result = pool.broadcast([captured, &runs](spmd::rank) {
                                  ++runs;
                                  return std::vector<int>(100, *captured);
                              })
                              .start();
            if (joined) result.wait();
        } // the job, the pool and the launcher are destroyed
        CHECK(captured.use_count() == 1);
        CHECK(runs == (joined ? 10 : 0));
        CHECK(helpers->come() == 1);
        CHECK(helpers->come() == 0);
        CHECK(runs == (joined ? 10 : 0));
    }
}

TEST_CASE("a helper that arrives before the caller leaves nothing for it") {
    const auto helpers = std::make_shared<parked_helpers>();
    const spmd::engine_pool pool = make_parked_pool(10, helpers);
    std::atomic<std::size_t> runs{0};
    auto result = pool.broadcast([&](spmd::rank me) {
                          ++runs;
                          return me.id();
                      })
                      .start();
    CHECK(helpers->come() == 1);
    CHECK(runs == 10);
    CHECK(result.ready());
    CHECK(result.get().back() == 9);
    CHECK(runs == 10);
}

TEST_CASE("no more threads take part than the pool has: a late one leaves at once") {
    for (const std::size_t threads : {1U, 2U}) {
        cost_estimate& cost = fresh_cost();
        counting_job* self = nullptr;
        std::vector<std::size_t> ran_before_help;
        bool nested = false;
        const job_pointer<counting_job> work(
            new counting_job({{0, {0, 4}}}, 1, threads, cost, [&](index_range range) {
                if (range.first != 0 || std::exchange(nested, true)) return;
                self->help(0, [] {}); // arrives while the caller, itself one thread, runs index 0
                ran_before_help.push_back(self->ran());
            }));
        self = work.get();
        work->take_part();
        REQUIRE(ran_before_help.size() == 1);
        CHECK(ran_before_help.front() == (threads == 1 ? 0 : 3));
        CHECK(work->all_ran_once());
    }
}

TEST_CASE("a helper leaves for a caller that joins later") {
    cost_estimate& cost = fresh_cost();
    counting_job* self = nullptr;
    gate caller_runs;
    gate caller_goes_on;
    std::thread caller;
    const job_pointer<counting_job> work(new counting_job({{0, {0, 4}}}, 1, 1, cost, [&](index_range range) {
        if (range.first == 0) {
            caller = std::thread([&] { self->take_part(); });
            caller_runs.wait();
        } else if (range.first == 1) {
            caller_runs.open();
            caller_goes_on.wait();
        }
    }));
    self = work.get();
    work->help(0, [] {}); // returns after index 0, although 2 and 3 remain
    const std::size_t ran = work->ran();
    caller_goes_on.open();
    caller.join();
    CHECK(ran == 1);
    CHECK(work->all_ran_once());
}

TEST_CASE("a recruited thread reports its first work, once, and only if it has any") {
    cost_estimate& cost = fresh_cost();
    const job_pointer<counting_job> work(new counting_job({{0, {0, 4}}, {1, {4, 6}}}, 1, 2, cost));
    int reports = 0;
    std::size_t ran_when_reported = 99;
    const auto report = [&] {
        ++reports;
        ran_when_reported = work->ran();
    };
    work->help(2, report);
    CHECK(reports == 0);
    work->help(0, report);
    CHECK(reports == 1);
    CHECK(ran_when_reported == 0);
    CHECK(work->ran() == 4);
    work->help(0, report);
    CHECK(reports == 1);
    work->take_part();
    CHECK(work->all_ran_once());
}

TEST_CASE("a job is finished when all claimed ranges have run") {
    cost_estimate& cost = fresh_cost();
    const job_pointer<counting_job> work(new counting_job({{0, {0, 5}}, {1, {5, 10}}}, 1, 2, cost));
    CHECK(work->claim_up_to(7) == index_range{5, 8});
    CHECK(work->claim_up_to(7).empty());
    CHECK(work->claim_up_to(6).empty());
    CHECK(work->claim_up_to(2) == index_range{0, 3});
    CHECK(work->claim(100) == index_range{3, 5});
    CHECK(work->claim(1) == index_range{8, 9});
    CHECK(work->claim_up_to(9) == index_range{9, 10});
    CHECK(work->claim(1).empty());
    for (const index_range range : {index_range{5, 8}, {0, 3}, {3, 5}, {8, 9}}) work->run_claimed(range);
    CHECK_FALSE(work->finished());
    work->run_claimed({9, 10});
    CHECK(work->finished());
    CHECK(work->all_ran_once());
}

TEST_CASE("a wait with a deadline returns in time and loses nothing") {
    cost_estimate& cost = fresh_cost();
    const job_pointer<counting_job> work(new counting_job({{0, {0, 2}}}, 1, 2, cost));
    const auto finished = [&] { return work->finished(); };
    CHECK_FALSE(work->wait_until(std::chrono::steady_clock::now() + 1ms, finished));
    CHECK_FALSE(work->wait_until(std::chrono::steady_clock::now() - 1s, finished));
    {
        const std::jthread helper([&] { work->take_part(); });
        CHECK(work->wait_until(std::chrono::steady_clock::now() + 1min, finished));
    }
    CHECK(work->all_ran_once());
    CHECK(work->wait_until(std::chrono::steady_clock::now() - 1s, finished));
}

TEST_CASE("a loop runs its body for each index and returns when all have run") {
    for_each_raw_launcher([](launcher& launch) {
        for (const std::size_t count : {0U, 1U, 2U, 1000U}) {
            std::vector<std::atomic<int>> runs(count);
            spmd::detail::run_loop(launch, count, [&](std::size_t i) { ++runs[i]; });
            CHECK(std::ranges::all_of(runs, [](const auto& ran) { return ran == 1; }));
        }
    });
}
