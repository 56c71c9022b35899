#include "spmd_bench/compare/comparison.hpp"

#include "spmd_bench/options/placement_names.hpp"
#include "spmd_bench/options/sweep.hpp"
#include "spmd_bench/report/stored_report.hpp"

#include <boost/math/distributions/students_t.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <utility>

namespace spmd_bench {
namespace {

using samples = std::vector<double>;

constexpr std::size_t resamples_of_blocks = 1'000;
constexpr double doubt = 0.05;

const measured_point* find_point(const stored_report& report, const measured_point& like) {
    const auto found = std::ranges::find_if(report.points, [&](const measured_point& each) {
        return each.settings == like.settings && each.workload == like.workload;
    });
    return found != report.points.end() ? &*found : nullptr;
}

samples divided(const samples& times, const samples& divisors) {
    samples quotients(times.size());
    std::ranges::transform(times, divisors, quotients.begin(), std::divides<>{});
    return quotients;
}

/// A standard deviation and its degrees of freedom.
struct estimated_deviation {
    double value;
    double freedom;
};

/// Estimates the deviation of the logarithm of the median by resampling blocks of consecutive values.
estimated_deviation deviation_of_log_median(const samples& values, std::mt19937_64& draw) {
    const std::size_t count = values.size();
    const auto block = static_cast<std::size_t>(std::ceil(std::sqrt(static_cast<double>(count))));
    std::uniform_int_distribution<std::size_t> any(0, count - 1);
    samples logarithms;
    samples drawn(count);
    for (std::size_t i = 0; i < resamples_of_blocks; ++i) {
        std::size_t source = 0;
        for (std::size_t k = 0; k < count; ++k, ++source) {
            if (k % block == 0) source = any(draw);
            drawn[k] = values[source % count];
        }
        logarithms.push_back(std::log(median(drawn)));
    }
    // Half the width of the middle 68 %: a standard deviation that is robust against a few odd resamples.
    std::ranges::sort(logarithms);
    constexpr double one_sigma = 0.1587; // beyond it on each side, in a normal distribution
    const auto cut = static_cast<std::size_t>(one_sigma * static_cast<double>(resamples_of_blocks));
    const double deviation = (logarithms[resamples_of_blocks - 1 - cut] - logarithms[cut]) / 2;
    // Blocks of n rounds are only about n/block independent values.
    const double blocks = std::max(2.0, static_cast<double>(count) / static_cast<double>(block));
    return {deviation * std::sqrt(blocks / (blocks - 1)), blocks - 1};
}

/// The deviation of a difference. Source: Welch, The Generalization of "Student's" Problem (1947), and
/// Satterthwaite (1946).
estimated_deviation deviation_of_difference(const estimated_deviation& one,
                                            const estimated_deviation& other) {
    const double value = std::hypot(one.value, other.value);
    if (value == 0) return {value, std::min(one.freedom, other.freedom)};
    const double share_of_one = std::pow(one.value / value, 2);
    const double share_of_other = std::pow(other.value / value, 2);
    return {value, 1 / (share_of_one * share_of_one / one.freedom +
                        share_of_other * share_of_other / other.freedom)};
}

/// The ratio of the medians. `tail`: the doubt beyond each bound.
interval_estimate ratio_of(const samples& before, const samples& after, double tail) {
    const double value = median(after) / median(before);
    const interval_estimate unknown{value, 0, std::numeric_limits<double>::infinity()};
    if (std::min(before.size(), after.size()) < fewest_rounds) return unknown;
    std::mt19937_64 draw(1);
    const estimated_deviation deviation_before = deviation_of_log_median(before, draw);
    const estimated_deviation deviation =
        deviation_of_difference(deviation_before, deviation_of_log_median(after, draw));
    if (!std::isfinite(value) || !std::isfinite(deviation.value)) return unknown;
    const double quantile =
        boost::math::quantile(boost::math::complement(boost::math::students_t(deviation.freedom), tail));
    return {value, value * std::exp(-quantile * deviation.value),
            value * std::exp(quantile * deviation.value)};
}

/// The verdict that compare_reports() describes.
verdict verdict_of(const compared_way& way) {
    const verdict by_time = verdict_of(way.ratio);
    if (!way.paced) return by_time;
    const verdict at_one_pace = verdict_of(*way.paced);
    if (at_one_pace == verdict::same || at_one_pace == by_time) return at_one_pace;
    // A noisy pace is not evidence against times that are the same.
    if (by_time == verdict::same && at_one_pace == verdict::cannot_tell) return by_time;
    return verdict::cannot_tell;
}

/// Two runs of a way, in the unit of the comparison.
struct pair_of_ways {
    std::string point;
    timed_way before;
    timed_way after;
    double before_ns;
    double after_ns;

    bool has_enough_rounds() const {
        return std::min(before.times.size(), after.times.size()) >= fewest_rounds;
    }
};

/// Converts times to units of another way's times, in which the pace cancels out. `file`: for the message.
timed_way relative(const timed_way& way, const timed_way& to, const std::string& file) {
    if (way.times.size() != to.times.size())
        throw report_error(fmt::format("--relative-to: {} has {} samples of '{}' and {} of '{}', which "
                                       "are not of the same rounds",
                                       file, to.times.size(), to.name, way.times.size(), way.name));
    return {way.name, divided(way.times, to.times), {}};
}

/// Other differences than the program that may change the times.
std::vector<std::string> differences(const stored_report& old, const stored_report& now) {
    std::vector<std::string> found;
    const auto compare = [&](std::string_view what, const auto& before, const auto& after) {
        std::string text = fmt::format("different {}: {}; {}", what, before, after);
        if (before != after && std::ranges::find(found, text) == found.end())
            found.push_back(std::move(text));
    };
    compare("machines", old.cpu, now.cpu);
    compare("seeds, so other items", old.seed, now.seed);
    compare("warm-up runs", old.warmup, now.warmup);
    compare("placements", name_of(old.placement), name_of(now.placement));
    compare("pinning of workers", old.pinned, now.pinned);
    for (const measured_point& point : old.points)
        if (const measured_point* const same = find_point(now, point); same != nullptr)
            compare("items, by their bytes", point.bytes, same->bytes);
    return found;
}

void add_pairs(const stored_report& before, const measured_point& old, const measured_point& now,
               comparison& whole, std::vector<pair_of_ways>& pairs) {
    const std::string point = before.swept.empty() ? "" : text_of(old.settings, before.swept);
    const timed_way* const old_base = find_way(old, whole.relative_to);
    const timed_way* const new_base = find_way(now, whole.relative_to);
    if (!whole.relative_to.empty() && (old_base == nullptr || new_base == nullptr))
        throw report_error("--relative-to: one of the reports has no way '" + whole.relative_to + "'");
    for (const timed_way& way : old.ways) {
        const timed_way* const same = find_way(now, way.name);
        if (same == nullptr)
            whole.missing.push_back(fmt::format("{} is in {} alone", way.name, whole.before));
        else if (whole.relative_to.empty())
            pairs.push_back({point, way, *same, median(way.times), median(same->times)});
        else if (way.name != whole.relative_to)
            pairs.push_back({point, relative(way, *old_base, whole.before),
                             relative(*same, *new_base, whole.after), median(way.times),
                             median(same->times)});
    }
    for (const timed_way& way : now.ways)
        if (find_way(old, way.name) == nullptr)
            whole.missing.push_back(fmt::format("{} is in {} alone", way.name, whole.after));
}

compared_way compared(const pair_of_ways& pair, double tail) {
    const timed_way& before = pair.before;
    const timed_way& after = pair.after;
    compared_way way{pair.point, before.name, pair.before_ns, pair.after_ns,
                     ratio_of(before.times, after.times, tail)};
    if (!before.pace.empty() && !after.pace.empty())
        way.paced = ratio_of(divided(before.times, before.pace), divided(after.times, after.pace), tail);
    way.rounds = std::min(before.times.size(), after.times.size());
    way.change = verdict_of(way);
    return way;
}

bool is_slower(const compared_way& way, double percent) {
    return way.change == verdict::slower && way.ratio.value > 1 + percent / 100;
}

} // namespace

comparison compare_reports(const std::string& before, const std::string& after,
                           const std::string& relative_to) {
    const stored_report old = read_report(before);
    const stored_report now = read_report(after);
    comparison whole{before, after, relative_to, {}, {}, {}};
    whole.warnings = differences(old, now);
    std::vector<pair_of_ways> pairs;
    const auto place = [](const stored_report& report, const measured_point& point) {
        return report.swept.empty() ? "its point" : text_of(point.settings, report.swept);
    };
    for (const measured_point& point : old.points) {
        const measured_point* const same = find_point(now, point);
        if (same == nullptr)
            whole.missing.push_back(fmt::format("{} is in {} alone", place(old, point), before));
        else
            add_pairs(old, point, *same, whole, pairs);
    }
    for (const measured_point& point : now.points)
        if (find_point(old, point) == nullptr)
            whole.missing.push_back(fmt::format("{} is in {} alone", place(now, point), after));
    if (pairs.empty())
        throw report_error(fmt::format("{} and {} have no way and point in common", before, after));
    const auto claims = std::ranges::count_if(pairs, &pair_of_ways::has_enough_rounds);
    const double tail = doubt / 2 / static_cast<double>(claims);
    for (const pair_of_ways& each : pairs) whole.ways.push_back(compared(each, tail));
    return whole;
}

std::size_t count_slower(const comparison& whole, double percent) {
    return static_cast<std::size_t>(std::ranges::count_if(
        whole.ways, [&](const compared_way& each) { return is_slower(each, percent); }));
}

std::size_t count_maybe_slower(const comparison& whole, double percent) {
    const double limit = 1 + percent / 100;
    return static_cast<std::size_t>(std::ranges::count_if(whole.ways, [&](const compared_way& each) {
        if (is_slower(each, percent)) return false;
        if (each.change == verdict::same || each.change == verdict::faster) return false;
        return each.ratio.high > limit && (!each.paced || each.paced->high > limit);
    }));
}

} // namespace spmd_bench
