#include "spmd_bench/run/measure.hpp"

#include "spmd_bench/analysis/statistics.hpp"

#include <checksum/digest.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <type_traits>
#include <utility>

namespace spmd_bench {
namespace {

constexpr std::size_t settling_window = 5;
constexpr double settling_tolerance = 0.05;
constexpr std::size_t most_settling_runs = 50;
constexpr std::chrono::milliseconds longest_settling{200};

std::string text_of(const checksum::md5& digest) { return checksum::hex(digest); }
std::string text_of(std::uint64_t number) { return std::to_string(number); }

template <class T>
std::string difference_between(std::span<const T> expected, std::span<const T> found) {
    if (expected.size() != found.size())
        return fmt::format("{} results, not {}", found.size(), expected.size());
    const auto [good, bad] = std::ranges::mismatch(expected, found);
    if (good == expected.end()) return {};
    return fmt::format("item {} of {} is {}, not {}", good - expected.begin(), expected.size(), text_of(*bad),
                       text_of(*good));
}

/// Runs a way once, and checks its results. Returns the time of the run alone.
double run_once(way& each) {
    const auto begin = std::chrono::steady_clock::now();
    each.run();
    const std::chrono::duration<double, std::nano> elapsed = std::chrono::steady_clock::now() - begin;
    const std::string differing = difference(each.expected(), each.results());
    if (!differing.empty()) throw result_difference(differing);
    each.forget();
    return elapsed.count();
}

/// The time of a fixed loop: the least of a few, which no interrupt disturbed.
double measure_pace() {
    constexpr int tries = 3;
    constexpr int steps = 4'000; // each depends on the one before: about 10 us
    double least = std::numeric_limits<double>::infinity();
    for (int i = 0; i < tries; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        std::uint64_t state = 1;
        for (int k = 0; k < steps; ++k) {
            state = state * 6364136223846793005U + 1442695040888963407U; // Knuth's MMIX generator
            asm volatile("" : "+r"(state)); // prevents evaluation at compile time
        }
        const std::chrono::duration<double, std::nano> elapsed = std::chrono::steady_clock::now() - begin;
        least = std::min(least, elapsed.count());
    }
    return least;
}

void measure_once(way& each, measurement& times, std::size_t warmup) {
    each.prepare();
    times.pace_ns.push_back(measure_pace());
    for (std::size_t i = 0; i < warmup; ++i) run_once(each);
    times.nanoseconds.push_back(run_once(each));
    each.settle();
}

/// The median of the last times is that of the times right before them, but for a tolerance.
bool is_stable(std::span<const double> times) {
    if (times.size() < 2 * settling_window) return false;
    const double last = median(times.last(settling_window));
    const double before = median(times.last(2 * settling_window).first(settling_window));
    return std::abs(last - before) <= settling_tolerance * before;
}

/// Runs a way until its times are stable, or for a while. False where enough runs were not stable.
bool settle(way& each) {
    const auto begin = std::chrono::steady_clock::now();
    std::vector<double> times;
    each.prepare();
    while (!is_stable(times)) {
        if (times.size() >= most_settling_runs) break;
        if (!times.empty() && std::chrono::steady_clock::now() - begin > longest_settling) break;
        times.push_back(run_once(each));
    }
    each.settle();
    return times.size() < 2 * settling_window || is_stable(times);
}

/// The state of measure().
class measuring {
public:
    measuring(std::span<const way_group> groups, const measurement_options& options,
              const std::function<void(const measure_progress&)>& report)
        : groups_(groups), options_(options), report_(report), draw_(options.seed) {
        for (const way_group& group : groups) {
            std::vector<measurement>& times = measured_.emplace_back();
            for (const auto& each : group) times.push_back({each->kind(), each->submissions(), {}});
            progress_.total += group.size() * options.repetitions;
        }
    }

    std::vector<std::vector<measurement>> run() {
        if (options_.warmup > 0)
            for_all([&](way& each, measurement& times) { times.settled = settle(each); });
        for (progress_.round = 1; progress_.round <= options_.repetitions; ++progress_.round)
            for_all([&](way& each, measurement& times) {
                measure_once(each, times, options_.warmup);
                ++progress_.done;
            });
        return std::move(measured_);
    }

private:
    template <class Act>
    void for_all(Act act) {
        for (const std::size_t group : order(groups_.size()))
            for (const std::size_t way : order(groups_[group].size()))
                act_on(*groups_[group][way], measured_[group][way], act);
    }

    template <class Act>
    void act_on(way& each, measurement& times, Act act) {
        progress_.way = each.kind();
        if (report_) report_(progress_);
        try {
            act(each, times);
        } catch (const result_difference& found) {
            const std::string when =
                progress_.round == 0 ? "while warming up" : fmt::format("in round {}", progress_.round);
            throw result_difference(fmt::format("the way '{}' differs from the serial loop {}: {}",
                                                name_of(each.kind()), when, found.what()));
        }
    }

    std::vector<std::size_t> order(std::size_t count) {
        std::vector<std::size_t> drawn(count);
        std::iota(drawn.begin(), drawn.end(), std::size_t{0});
        std::ranges::shuffle(drawn, draw_);
        return drawn;
    }

    std::span<const way_group> groups_;
    const measurement_options& options_;
    const std::function<void(const measure_progress&)>& report_;
    std::mt19937_64 draw_;
    measure_progress progress_;
    std::vector<std::vector<measurement>> measured_;
};

} // namespace

std::string difference(const results_view& expected, const results_view& found) {
    return std::visit(
        [](auto good, auto bad) -> std::string {
            if constexpr (std::is_same_v<decltype(good), decltype(bad)>)
                return difference_between(good, bad);
            else
                return "results of another kind";
        },
        expected, found);
}

std::vector<std::vector<measurement>> measure(std::span<const way_group> groups,
                                              const measurement_options& options,
                                              const std::function<void(const measure_progress&)>& report) {
    return measuring(groups, options, report).run();
}

double clock_overhead_ns() {
    constexpr std::size_t readings = 1'001;
    std::vector<double> times;
    times.reserve(readings);
    for (std::size_t i = 0; i < readings; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        const std::chrono::duration<double, std::nano> elapsed = std::chrono::steady_clock::now() - begin;
        times.push_back(elapsed.count());
    }
    return median(times);
}

} // namespace spmd_bench
