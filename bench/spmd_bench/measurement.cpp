#include "measurement.hpp"

#include <checksum/digest.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <type_traits>
#include <utility>

namespace spmd_bench {
namespace {

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

double measure_once(way& each, std::size_t warmup) {
    each.prepare();
    for (std::size_t i = 0; i < warmup; ++i) run_once(each);
    const double time = run_once(each);
    each.settle();
    return time;
}

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

std::vector<measurement> measure(std::span<const std::unique_ptr<way>> ways,
                                 const measurement_options& options,
                                 const std::function<void(const measure_progress&)>& tell) {
    std::vector<measurement> measured;
    for (const auto& each : ways) {
        measured.push_back({each->name(), each->submissions(), {}});
        measured.back().nanoseconds.reserve(options.repetitions);
    }
    std::vector<std::size_t> order(ways.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::mt19937_64 draw(options.seed);
    for (std::size_t repetition = 0; repetition < options.repetitions; ++repetition) {
        std::ranges::shuffle(order, draw);
        for (std::size_t done = 0; done < order.size(); ++done) {
            const std::size_t at = order[done];
            if (tell) tell({repetition, done, order.size(), ways[at]->name()});
            try {
                measured[at].nanoseconds.push_back(measure_once(*ways[at], options.warmup));
            } catch (const result_difference& found) {
                throw result_difference(
                    fmt::format("the way '{}' differs from the serial loop in repetition {}: {}",
                                ways[at]->name(), repetition + 1, found.what()));
            }
        }
    }
    return measured;
}

} // namespace spmd_bench
