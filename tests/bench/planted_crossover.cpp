// planted_crossover [RUNS]: plants a crossover of map and spmd, and counts in how many of 100 runs the bounds
// of spmd_bench contain it. Exit status: 0 for at least 95 of 100, else 1; 2 for bad arguments.
//
// On the workload spin, items of map take 2 us more, and items of spmd 1.5 times the item cost, so that spmd
// wins at low costs and map at high ones. They cross where cost + extra = 1.5 cost; extra is the 2 us and
// map's own overhead per item, which is measured first. All runs use one thread: on several the overhead
// depends on when the other threads wake, and the true crossover is unknown.

#include <spmd/engine_pool.hpp>

#include <spmd_bench/analysis/crossing.hpp>
#include <spmd_bench/analysis/report.hpp>
#include <spmd_bench/analysis/statistics.hpp>
#include <spmd_bench/analysis/verdict.hpp>
#include <spmd_bench/options/units.hpp>
#include <spmd_bench/run/measure.hpp>
#include <spmd_bench/run/ways.hpp>
#include <spmd_bench/run/workload.hpp>

#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <exception>
#include <optional>
#include <string>
#include <vector>

namespace {

using namespace spmd_bench;
using std::chrono::nanoseconds;

constexpr std::size_t items = 300;
constexpr std::size_t ranks = 20;
constexpr std::size_t rounds = 15;
constexpr double planted_ns = 2'000;
constexpr double slope = 1.5;
constexpr std::array costs_ns{0.0, 1'000.0, 3'000.0, 6'000.0, 12'000.0};

nanoseconds whole(double time) { return nanoseconds(std::llround(time)); }

/// A map over items of one cost, and an spmd over items of another.
class pair_of_ways {
public:
    pair_of_ways(const spmd::engine_pool& pool, double map_ns, double spmd_ns)
        : for_map_(spin_workload(items, whole(map_ns))), for_spmd_(spin_workload(items, whole(spmd_ns))),
          pool_(&pool) {}

    way_group group() const {
        way_group both = make_ways(for_map_, *pool_, std::vector{way_kind::map});
        both.push_back(std::move(make_ways(for_spmd_, *pool_, std::vector{way_kind::spmd}).front()));
        return both;
    }

private:
    workload for_map_;
    workload for_spmd_;
    const spmd::engine_pool* pool_;
};

/// Measures the overhead of map over spmd per item, for items about as long as at the crossover: with shorter
/// ones a CPU would overlap consecutive items of a rank.
double own_extra_ns(const spmd::engine_pool& pool) {
    constexpr std::size_t many_rounds = 601;
    const pair_of_ways same(pool, 2 * planted_ns, 2 * planted_ns);
    std::vector<way_group> groups;
    groups.push_back(same.group());
    const auto measured = measure(groups, {.repetitions = many_rounds, .warmup = 1});
    std::vector<double> more;
    more.reserve(many_rounds);
    for (std::size_t round = 0; round < many_rounds; ++round)
        more.push_back((measured[0][0].nanoseconds[round] - measured[0][1].nanoseconds[round]) / items);
    return median(more);
}

/// The crossings of map with spmd, and with spmd by 5 %, in one run.
struct found_crossings {
    std::optional<interval_estimate> crossing;
    std::optional<interval_estimate> even;
};

found_crossings run_once(const std::deque<pair_of_ways>& pairs, std::uint64_t seed) {
    std::vector<way_group> groups;
    groups.reserve(pairs.size());
    for (const pair_of_ways& each : pairs) groups.push_back(each.group());
    const auto measured = measure(groups, {.repetitions = rounds, .warmup = 1, .seed = seed});
    std::vector<cost_samples> by_cost;
    by_cost.reserve(costs_ns.size());
    for (std::size_t i = 0; i < costs_ns.size(); ++i)
        by_cost.push_back({costs_ns[i], measured[i][0].nanoseconds, measured[i][1].nanoseconds});
    return {crossing(by_cost, 1), crossing(by_cost, 1 / (1 - least_difference))};
}

/// Counts how often the bounds contained the planted crossing.
class tally {
public:
    tally(const char* name, double planted_at_ns) : name_(name), planted_ns_(planted_at_ns) {}

    void add(const std::optional<interval_estimate>& found) {
        ++runs_;
        if (!found) return;
        held_ += static_cast<std::size_t>(found->holds(planted_ns_));
        below_ += static_cast<std::size_t>(found->high < planted_ns_);
        above_ += static_cast<std::size_t>(found->low > planted_ns_);
        widths_.push_back((found->high - found->low) / found->value);
    }
    bool is_good() const { return held_ * 100 >= runs_ * 95; }
    void print() const {
        std::printf(
            "%s: planted at %s, held by the bounds in %zu of %zu runs; they were below in %zu, above in "
            "%zu, and %.1f %% wide\n",
            name_, text_of_duration(whole(planted_ns_)).c_str(), held_, runs_, below_, above_,
            100 * median(widths_));
    }

private:
    const char* name_;
    double planted_ns_;
    std::size_t runs_ = 0;
    std::size_t held_ = 0;
    std::size_t below_ = 0;
    std::size_t above_ = 0;
    std::vector<double> widths_;
};

int run(std::uint64_t runs) {
    const spmd::engine_pool pool({.ranks = ranks, .threads = 1});
    const double extra = planted_ns + own_extra_ns(pool);
    std::printf("map takes %.0f ns per item more than spmd, of which %.0f are planted\n", extra, planted_ns);
    std::deque<pair_of_ways> pairs;
    for (const double cost : costs_ns) pairs.emplace_back(pool, cost + planted_ns, slope * cost);
    tally crossing("crossover", extra / (slope - 1));
    tally even("spmd saves 5 %", extra / (slope / (1 - least_difference) - 1));
    for (std::uint64_t seed = 1; seed <= runs; ++seed) {
        const found_crossings found = run_once(pairs, seed);
        crossing.add(found.crossing);
        even.add(found.even);
    }
    crossing.print();
    even.print();
    return crossing.is_good() && even.is_good() ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
    try {
        const auto runs = argc < 2 ? std::optional<std::uint64_t>(100) : parse_count(argv[1]);
        if (!runs || *runs == 0 || argc > 2) {
            std::fputs("usage: planted_crossover [RUNS]\n", stderr);
            return 2;
        }
        return run(*runs);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "planted_crossover: %s\n", error.what());
        return 1;
    }
}
