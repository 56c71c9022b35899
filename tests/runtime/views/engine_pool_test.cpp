// Guards construction of pools against bad arguments that are accepted or not named, defaults beyond the
// resources of this process, a placement that silently differs from the requested one, and pinning that leaks
// to the caller or outlives the pool.

#include "support/pools.hpp"

#include <spmd/spmd.hpp>

#include <catch2/catch.hpp>

#include <cstddef>
#include <limits>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

namespace {

using namespace test_support;
using Catch::Matchers::Contains;
using spmd::rank;

void check_cover(const spmd::engine_pool& pool) {
    const spmd::pool_topology& topology = pool.topology();
    REQUIRE_FALSE(topology.arenas.empty());
    std::size_t next = 0;
    for (std::size_t arena = 0; arena < topology.arenas.size(); ++arena) {
        const spmd::index_range ranks = topology.arenas[arena].ranks;
        if (ranks.empty()) continue;
        CHECK(ranks.first == next);
        next = ranks.last;
        CHECK(topology.arena_of(ranks.first) == arena);
        CHECK(topology.arena_of(ranks.last - 1) == arena);
    }
    CHECK(next == pool.size());
    CHECK(topology.threads() == pool.threads());
}

} // namespace

TEST_CASE("a pool has the requested ranks and threads, dealt to its arenas") {
    for_each_pool([](const spmd::engine_pool& pool) {
        CHECK(pool.all().size() == pool.size());
        check_cover(pool);
    });
    for (const std::size_t ranks : {1U, 2U, 3U, 4U, 5U, 100U}) {
        const spmd::engine_pool pool = make_jthread_pool(ranks, {3, 1, 2, 2});
        CHECK(pool.size() == ranks);
        CHECK(pool.threads() == 8);
        check_cover(pool);
    }
}

TEST_CASE("a pool without ranks is rejected") {
    CHECK_THROWS_AS(make_shuffled_pool(0, 1), std::invalid_argument);
    CHECK_THROWS_WITH(make_shuffled_pool(0, 1), Contains("at least one rank, not 0"));
}

#ifndef SPMD_TEST_WITHOUT_TBB

TEST_CASE("bad arguments are named in the error") {
    CHECK_THROWS_WITH((spmd::engine_pool{{.ranks = 0}}), Contains("rank") && Contains("not 0"));
    CHECK_THROWS_AS((spmd::engine_pool{{.ranks = 0}}), std::invalid_argument);
    CHECK_THROWS_WITH((spmd::engine_pool{{.threads = 0}}), Contains("threads") && Contains("not 0"));
    CHECK_THROWS_AS((spmd::engine_pool{{.threads = 0}}), std::invalid_argument);
    CHECK_THROWS_WITH((spmd::engine_pool{{.threads = 4097}}), Contains("4096") && Contains("4097"));
    CHECK_THROWS_AS((spmd::engine_pool{{.threads = std::numeric_limits<std::size_t>::max()}}),
                    std::invalid_argument);
}

TEST_CASE("a pool has by default as many ranks and threads as this process may run at once") {
    const spmd::engine_pool pool;
    CHECK(pool.threads() == spmd::available_threads());
    CHECK(pool.size() == spmd::available_threads());
    CHECK(spmd::engine_pool{{.ranks = 77}}.threads() == spmd::available_threads());
    CHECK(pool.topology().requested == spmd::placement::compact);
    CHECK(pool.topology().got == spmd::placement::compact);
    CHECK(pool.topology().reason.empty());
    CHECK(pool.topology().arenas.size() == 1);
}

// AddressSanitizer rejects the way oneTBB opens its tbbbind.
#ifndef __SANITIZE_ADDRESS__

TEST_CASE("an unavailable placement falls back to compact and says why; an available one covers the ranks") {
    for (const spmd::placement requested : {spmd::placement::per_numa_node, spmd::placement::per_core_type}) {
        for (const std::size_t threads : {std::size_t{1}, spmd::available_threads()}) {
            const spmd::engine_pool pool{{.ranks = 37, .threads = threads, .placement = requested}};
            const spmd::pool_topology& topology = pool.topology();
            CHECK(topology.requested == requested);
            if (topology.got == requested) {
                CHECK(topology.arenas.size() > 1);
                CHECK(topology.reason.empty());
            } else {
                CHECK(topology.got == spmd::placement::compact);
                CHECK(topology.arenas.size() == 1);
                CHECK_THAT(topology.reason,
                           Contains(requested == spmd::placement::per_numa_node ? "NUMA node" : "core type"));
            }
            check_cover(pool);
            CHECK(pool.broadcast([](rank me) { return me.id(); }).reduce(std::plus<>{}) == 37 * 36 / 2);
        }
    }
}

#endif

TEST_CASE("pinned workers run on one CPU each, and the caller's mask is unchanged") {
    const std::vector<int> before = spmd::allowed_cpus();
    const std::thread::id caller = std::this_thread::get_id();
    const spmd::engine_pool pool{{.ranks = 64, .threads = 3, .pin_workers = true}};
    for (int round = 0; round < 20; ++round) {
        // Not joined: all ranks run on workers.
        auto masks =
            pool.broadcast([&](rank) {
                    return std::this_thread::get_id() == caller ? std::vector<int>{-1} : spmd::allowed_cpus();
                })
                .start();
        REQUIRE(eventually([&] { return masks.ready(); }));
        for (const std::vector<int>& mask : masks.get()) {
            REQUIRE(mask.size() == 1);
            REQUIRE(std::ranges::find(before, mask.front()) != before.end());
        }
        // Joined: some ranks may run on the caller, which keeps its mask.
        const auto joined =
            pool.broadcast([&](rank) {
                    return std::this_thread::get_id() == caller ? spmd::allowed_cpus() : std::vector<int>{};
                })
                .get();
        for (const std::vector<int>& mask : joined) REQUIRE((mask.empty() || mask == before));
        REQUIRE(spmd::allowed_cpus() == before);
    }
}

TEST_CASE("workers regain their own mask in a pool that does not pin") {
    const std::vector<int> all = spmd::allowed_cpus();
    for (int round = 0; round < 50; ++round) {
        {
            const spmd::engine_pool pinned{{.ranks = 8, .threads = 3, .pin_workers = true}};
            auto result = pinned.broadcast([](rank) { return spmd::allowed_cpus().size(); }).start();
            REQUIRE(eventually([&] { return result.ready(); }));
        } // the workers may not have left its arena yet
        const spmd::engine_pool unpinned{{.ranks = 8, .threads = 3}};
        auto masks = unpinned.broadcast([](rank) { return spmd::allowed_cpus(); }).start();
        REQUIRE(eventually([&] { return masks.ready(); }));
        for (const std::vector<int>& mask : masks.get()) REQUIRE(mask == all);
    }
}

#endif

TEST_CASE("a pool is a view of all its ranks, which keeps its threads; it can be moved, not copied") {
    static_assert(!std::is_copy_constructible_v<spmd::engine_pool>);
    spmd::engine_pool pool = make_shuffled_pool(5, 1);
    const spmd::view same = pool;
    const spmd::engine_pool moved = std::move(pool);
    CHECK(moved.size() == 5);
    CHECK(moved.topology().threads() == 1);
    CHECK(same.broadcast([](rank me) { return me.id(); }).get().size() == 5);
}
