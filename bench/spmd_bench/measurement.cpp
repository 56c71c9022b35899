#include "measurement.hpp"

#include "statistics.hpp"

#include <checksum/digest.hpp>

#include <fmt/format.h>

#include <algorithm>
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

/// Runs a way once, and compares. Gives the time of its run alone.
double run_once(way& each) {
    const auto begin = std::chrono::steady_clock::now();
    each.run();
    const std::chrono::duration<double, std::nano> elapsed = std::chrono::steady_clock::now() - begin;
    const std::string differing = difference(each.expected(), each.results());
    if (!differing.empty()) throw result_difference(differing);
    each.forget();
    return elapsed.count();
}

/// The time of a loop that is always the same: the least of a few, which no interrupt disturbs.
double measure_pace() {
    constexpr int tries = 3;
    constexpr int steps = 4'000; // each waits for the one before: about 10 us
    double least = std::numeric_limits<double>::infinity();
    for (int i = 0; i < tries; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        std::uint64_t state = 1;
        for (int k = 0; k < steps; ++k) {
            state = state * 6364136223846793005U + 1442695040888963407U; // Knuth's MMIX generator
            asm volatile("" : "+r"(state)); // so that it is not worked out beforehand
        }
        const std::chrono::duration<double, std::nano> elapsed = std::chrono::steady_clock::now() - begin;
        least = std::min(least, elapsed.count());
    }
    return least;
}

void measure_once(way& each, measurement& of, std::size_t warmup) {
    each.prepare();
    of.pace_ns.push_back(measure_pace());
    for (std::size_t i = 0; i < warmup; ++i) run_once(each);
    of.nanoseconds.push_back(run_once(each));
    each.settle();
}

/// Whether the last times are as those right before them.
bool is_stable(std::span<const double> times) {
    if (times.size() < 2 * settling_window) return false;
    const double last = median(times.last(settling_window));
    const double before = median(times.last(2 * settling_window).first(settling_window));
    return std::abs(last - before) <= settling_tolerance * before;
}

/// Runs a way until its times are stable. False where they are not within a while, though there was time for enough.
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

/// All ways of all groups, run by run.
class measuring {
public:
    measuring(std::span<const way_group> groups, const measurement_options& options,
              const std::function<void(const measure_progress&)>& tell)
        : groups_(groups), options_(options), tell_(tell), draw_(options.seed) {
        for (const way_group& group : groups) {
            std::vector<measurement>& of_group = measured_.emplace_back();
            for (const auto& each : group) of_group.push_back({each->name(), each->submissions(), {}});
            progress_.total += group.size() * options.repetitions;
        }
    }

    std::vector<std::vector<measurement>> run() {
        if (options_.warmup > 0) for_all([&](way& each, measurement& of) { of.settled = settle(each); });
        for (progress_.round = 1; progress_.round <= options_.repetitions; ++progress_.round)
            for_all([&](way& each, measurement& of) {
                measure_once(each, of, options_.warmup);
                ++progress_.done;
            });
        return std::move(measured_);
    }

private:
    template <class Act>
    void for_all(Act act) {
        for (const std::size_t group : order(groups_.size()))
            for (const std::size_t at : order(groups_[group].size()))
                act_on(*groups_[group][at], measured_[group][at], act);
    }

    template <class Act>
    void act_on(way& each, measurement& of, Act act) {
        progress_.way = each.name();
        if (tell_) tell_(progress_);
        try {
            act(each, of);
        } catch (const result_difference& found) {
            const std::string when =
                progress_.round == 0 ? "while warming up" : fmt::format("in round {}", progress_.round);
            throw result_difference(fmt::format("the way '{}' differs from the serial loop {}: {}",
                                                each.name(), when, found.what()));
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
    const std::function<void(const measure_progress&)>& tell_;
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
                                              const std::function<void(const measure_progress&)>& tell) {
    return measuring(groups, options, tell).run();
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
