#include "comparison.hpp"

#include "axis.hpp"
#include "report_text.hpp"
#include "stored_report.hpp"
#include "sweep.hpp"
#include "text_table.hpp"

#include <boost/math/distributions/students_t.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <utility>

namespace spmd_bench {
namespace {

using nlohmann::json;
using samples = std::vector<double>;

constexpr std::size_t resamples_of_blocks = 1'000;
constexpr double doubt = 0.05;
constexpr std::size_t most_changes_told = 5;

const measured_point* find_point(const stored_report& in, const measured_point& like) {
    const auto found = std::ranges::find_if(in.points, [&](const measured_point& each) {
        return each.at == like.at && each.workload == like.workload;
    });
    return found != in.points.end() ? &*found : nullptr;
}

samples divided(const samples& times, const samples& by) {
    samples quotients(times.size());
    std::ranges::transform(times, by, quotients.begin(), std::divides<>{});
    return quotients;
}

/// A standard deviation, and from how many degrees of freedom it is known.
struct estimated_deviation {
    double value;
    double freedom;
};

/// Of the logarithm of the median, over resamples of blocks of values that follow each other.
estimated_deviation deviation_of_log_median(const samples& values, std::mt19937_64& draw) {
    const std::size_t count = values.size();
    const auto block = static_cast<std::size_t>(std::ceil(std::sqrt(static_cast<double>(count))));
    std::uniform_int_distribution<std::size_t> any(0, count - 1);
    samples logarithms;
    samples drawn(count);
    for (std::size_t i = 0; i < resamples_of_blocks; ++i) {
        std::size_t at = 0;
        for (std::size_t k = 0; k < count; ++k, ++at) {
            if (k % block == 0) at = any(draw);
            drawn[k] = values[at % count];
        }
        logarithms.push_back(std::log(median(drawn)));
    }
    // Half of what holds the middle 68 %: a standard deviation that a few odd resamples do not change.
    std::ranges::sort(logarithms);
    constexpr double one_sigma = 0.1587; // beyond it on each side, in a normal distribution
    const auto cut = static_cast<std::size_t>(one_sigma * static_cast<double>(resamples_of_blocks));
    const double deviation = (logarithms[resamples_of_blocks - 1 - cut] - logarithms[cut]) / 2;
    // Of n rounds in blocks only about n/block are independent.
    const double blocks = std::max(2.0, static_cast<double>(count) / static_cast<double>(block));
    return {deviation * std::sqrt(blocks / (blocks - 1)), blocks - 1};
}

/// Of a difference. Source: Welch, The Generalization of "Student's" Problem (1947), and Satterthwaite (1946).
estimated_deviation deviation_of_difference(const estimated_deviation& one,
                                            const estimated_deviation& other) {
    const double value = std::hypot(one.value, other.value);
    if (value == 0) return {value, std::min(one.freedom, other.freedom)};
    const double share_of_one = std::pow(one.value / value, 2);
    const double share_of_other = std::pow(other.value / value, 2);
    return {value, 1 / (share_of_one * share_of_one / one.freedom +
                        share_of_other * share_of_other / other.freedom)};
}

bool has_bounds(const interval_estimate& ratio) { return std::isfinite(ratio.high); }

/// `tail`: the doubt beyond each bound.
interval_estimate ratio_of(const samples& before, const samples& after, double tail) {
    const double value = median(after) / median(before);
    const interval_estimate unknown{value, 0, std::numeric_limits<double>::infinity()};
    if (std::min(before.size(), after.size()) < fewest_rounds) return unknown;
    std::mt19937_64 draw(1);
    const estimated_deviation of_before = deviation_of_log_median(before, draw);
    const estimated_deviation deviation =
        deviation_of_difference(of_before, deviation_of_log_median(after, draw));
    if (!std::isfinite(value) || !std::isfinite(deviation.value)) return unknown;
    const double quantile =
        boost::math::quantile(boost::math::complement(boost::math::students_t(deviation.freedom), tail));
    return {value, value * std::exp(-quantile * deviation.value),
            value * std::exp(quantile * deviation.value)};
}

/// As compare_reports() describes it.
verdict verdict_of(const compared_way& way) {
    const verdict by_time = verdict_of(way.ratio);
    if (!way.paced) return by_time;
    const verdict at_one_pace = verdict_of(*way.paced);
    if (at_one_pace == verdict::same || at_one_pace == by_time) return at_one_pace;
    // A noisy pace does not make times differ that are the same.
    if (by_time == verdict::same && at_one_pace == verdict::cannot_tell) return by_time;
    return verdict::cannot_tell;
}

/// Two runs of a way, in whatever unit the comparison is.
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

/// In units of another way's times, in which the pace cancels out. `file`: where they are.
timed_way relative(const timed_way& way, const timed_way& to, const std::string& file) {
    if (way.times.size() != to.times.size())
        throw report_error(fmt::format("--relative-to: {} has {} samples of '{}' and {} of '{}', which "
                                       "are not of the same rounds",
                                       file, to.times.size(), to.name, way.times.size(), way.name));
    return {way.name, divided(way.times, to.times), {}};
}

/// What else than the program may make the times differ.
std::vector<std::string> differences(const stored_report& old, const stored_report& now) {
    std::vector<std::string> found;
    const auto compare = [&](std::string_view what, const auto& before, const auto& after) {
        std::string told = fmt::format("different {}: {}; {}", what, before, after);
        if (before != after && std::ranges::find(found, told) == found.end())
            found.push_back(std::move(told));
    };
    compare("machines", old.cpu, now.cpu);
    compare("seeds, so other items", old.seed, now.seed);
    compare("warm-up runs", old.warmup, now.warmup);
    compare("placements", old.placement, now.placement);
    compare("pinning of workers", old.pinned, now.pinned);
    for (const measured_point& point : old.points)
        if (const measured_point* const same = find_point(now, point); same != nullptr)
            compare("items, by their bytes", point.bytes, same->bytes);
    return found;
}

void add_pairs(const stored_report& before, const measured_point& old, const measured_point& now,
               comparison& made, std::vector<pair_of_ways>& pairs) {
    const std::string point = before.swept.empty() ? "" : text_of(old.at, before.swept);
    const timed_way* const old_base = find_way(old, made.relative_to);
    const timed_way* const new_base = find_way(now, made.relative_to);
    if (!made.relative_to.empty() && (old_base == nullptr || new_base == nullptr))
        throw report_error("--relative-to: one of the reports has no way '" + made.relative_to + "'");
    for (const timed_way& way : old.ways) {
        const timed_way* const same = find_way(now, way.name);
        if (same == nullptr)
            made.missing.push_back(fmt::format("{} is in {} alone", way.name, made.before));
        else if (made.relative_to.empty())
            pairs.push_back({point, way, *same, median(way.times), median(same->times)});
        else if (way.name != made.relative_to)
            pairs.push_back({point, relative(way, *old_base, made.before),
                             relative(*same, *new_base, made.after), median(way.times), median(same->times)});
    }
    for (const timed_way& way : now.ways)
        if (find_way(old, way.name) == nullptr)
            made.missing.push_back(fmt::format("{} is in {} alone", way.name, made.after));
}

compared_way compared(const pair_of_ways& pair, double tail) {
    const timed_way& before = pair.before;
    const timed_way& after = pair.after;
    compared_way made{pair.point, before.name, pair.before_ns, pair.after_ns,
                      ratio_of(before.times, after.times, tail)};
    if (!before.pace.empty() && !after.pace.empty())
        made.paced = ratio_of(divided(before.times, before.pace), divided(after.times, after.pace), tail);
    made.rounds = std::min(before.times.size(), after.times.size());
    made.change = verdict_of(made);
    return made;
}

std::vector<const compared_way*> ways_that(const comparison& whole, verdict change) {
    std::vector<const compared_way*> found;
    for (const compared_way& each : whole.ways)
        if (each.change == change) found.push_back(&each);
    return found;
}

/// "4 ranks: spmd"
std::string full_name(const compared_way& way) {
    return fmt::format("{}{}{}", way.point, way.point.empty() ? "" : ": ", way.way);
}

std::string why_not_told(const compared_way& way) {
    const std::string name = full_name(way);
    if (way.rounds < fewest_rounds)
        return fmt::format("{}: {} {} are too few; take at least {}.", name, way.rounds,
                           way.rounds == 1 ? "round" : "rounds", fewest_rounds);
    if (!has_bounds(way.ratio) || (way.paced && !has_bounds(*way.paced)))
        return fmt::format("{}: the times have no finite ratio.", name);
    if (verdict_of(way.ratio) == verdict::cannot_tell)
        return fmt::format("{}: between {:.3f} and {:.3f} times the time before; {}.", name, way.ratio.low,
                           way.ratio.high, remedy_for(way.ratio, way.rounds));
    if (verdict_of(*way.paced) == verdict::cannot_tell)
        return fmt::format("{}: {} by the clock, and at one pace between {:.3f} and {:.3f} times the time "
                           "before; {}.",
                           name, name_of(verdict_of(way.ratio)), way.paced->low, way.paced->high,
                           remedy_for(*way.paced, way.rounds));
    return fmt::format("{}: {} by the clock, and {} at one pace; a machine of steady pace would tell.", name,
                       name_of(verdict_of(way.ratio)), name_of(verdict_of(*way.paced)));
}

std::vector<std::string> sentences_of(const comparison& of) {
    std::vector<std::string> sentences;
    for (const auto& [what, word] :
         {std::pair{verdict::slower, "slower"}, std::pair{verdict::faster, "faster"}}) {
        std::vector<const compared_way*> changed = ways_that(of, what);
        std::ranges::sort(changed, std::greater<>{},
                          [](const compared_way* each) { return std::abs(std::log(each->ratio.value)); });
        for (std::size_t i = 0; i < std::min(changed.size(), most_changes_told); ++i)
            sentences.push_back(fmt::format(
                "{} is {}: {:.3f} x the time before (95 % sure: {:.3f} to {:.3f}).", full_name(*changed[i]),
                word, changed[i]->ratio.value, changed[i]->ratio.low, changed[i]->ratio.high));
        if (changed.size() > most_changes_told)
            sentences.push_back(
                fmt::format("… and {} more are {}.", changed.size() - most_changes_told, word));
    }
    const auto same = ways_that(of, verdict::same).size();
    if (same > 0)
        sentences.push_back(fmt::format("The same within 5 %: {} of {} figures.", same, of.ways.size()));
    const std::vector<const compared_way*> unknown = ways_that(of, verdict::cannot_tell);
    if (!unknown.empty())
        sentences.push_back(fmt::format("Cannot tell: {} of {} figures.", unknown.size(), of.ways.size()));
    for (std::size_t i = 0; i < std::min(unknown.size(), most_changes_told); ++i)
        sentences.push_back(why_not_told(*unknown[i]));
    if (unknown.size() > most_changes_told)
        sentences.push_back(fmt::format("… and {} more cannot be told.", unknown.size() - most_changes_told));
    return sentences;
}

bool is_slower(const compared_way& way, double percent) {
    return way.change == verdict::slower && way.ratio.value > 1 + percent / 100;
}

std::string text_of_bounds(const interval_estimate& ratio) {
    return has_bounds(ratio) ? fmt::format("{:.3f}-{:.3f}", ratio.low, ratio.high) : "-";
}

} // namespace

comparison compare_reports(const std::string& before, const std::string& after,
                           const std::string& relative_to) {
    const stored_report old = read_report(before);
    const stored_report now = read_report(after);
    comparison made{before, after, relative_to, {}, {}, {}};
    made.warnings = differences(old, now);
    std::vector<pair_of_ways> pairs;
    const auto place = [](const stored_report& in, const measured_point& point) {
        return in.swept.empty() ? "its point" : text_of(point.at, in.swept);
    };
    for (const measured_point& point : old.points) {
        const measured_point* const same = find_point(now, point);
        if (same == nullptr)
            made.missing.push_back(fmt::format("{} is in {} alone", place(old, point), before));
        else
            add_pairs(old, point, *same, made, pairs);
    }
    for (const measured_point& point : now.points)
        if (find_point(old, point) == nullptr)
            made.missing.push_back(fmt::format("{} is in {} alone", place(now, point), after));
    if (pairs.empty())
        throw report_error(fmt::format("{} and {} have no way at the same point", before, after));
    const auto claims = std::ranges::count_if(pairs, &pair_of_ways::has_enough_rounds);
    const double tail = doubt / 2 / static_cast<double>(claims);
    for (const pair_of_ways& each : pairs) made.ways.push_back(compared(each, tail));
    return made;
}

std::size_t count_slower(const comparison& of, double percent) {
    return static_cast<std::size_t>(
        std::ranges::count_if(of.ways, [&](const compared_way& each) { return is_slower(each, percent); }));
}

std::size_t count_maybe_slower(const comparison& of, double percent) {
    const double limit = 1 + percent / 100;
    return static_cast<std::size_t>(std::ranges::count_if(of.ways, [&](const compared_way& each) {
        if (is_slower(each, percent)) return false;
        if (each.change == verdict::same || each.change == verdict::faster) return false;
        return each.ratio.high > limit && (!each.paced || each.paced->high > limit);
    }));
}

std::string render_table(const comparison& of) {
    std::string text;
    for (const std::string& sentence : sentences_of(of))
        text += wrapped("", split(sentence, ' '), terminal_width);
    std::vector<column> columns{{"point", {}, {}},
                                {"way", {}, {}},
                                {"before", {}, {}},
                                {"after", {}, {}},
                                {of.relative_to.empty() ? "x" : "x, over " + of.relative_to, {}, {}},
                                {"95 % sure", {}, {}},
                                {"at one pace", {}, {}},
                                {"", {}, {}}};
    for (const compared_way& each : of.ways) {
        const std::array<std::string, 8> cells{each.point,
                                               each.way,
                                               short_time(each.before_ns),
                                               short_time(each.after_ns),
                                               fmt::format("{:.3f}", each.ratio.value),
                                               text_of_bounds(each.ratio),
                                               each.paced ? fmt::format("{:.3f}", each.paced->value) : "-",
                                               std::string(name_of(each.change))};
        for (std::size_t i = 0; i < columns.size(); ++i) columns[i].cells.push_back(cells[i]);
    }
    if (std::ranges::all_of(of.ways, [](const compared_way& each) { return each.point.empty(); }))
        columns.erase(columns.begin());
    text += '\n' + text_table(columns, columns.front().title == "point" ? 2 : 1, terminal_width);
    if (!of.missing.empty() || !of.warnings.empty()) text += '\n';
    for (const std::string& each : of.missing)
        text += wrapped("not compared: ", split(each, ' '), terminal_width);
    for (const std::string& each : of.warnings)
        text += wrapped("warning: ", split(each, ' '), terminal_width);
    return text;
}

std::string render_json(const comparison& of) {
    nlohmann::ordered_json all = {
        {"before", of.before},
        {"after", of.after},
        {"relative_to", of.relative_to.empty() ? json(nullptr) : json(of.relative_to)},
        {"sentences", sentences_of(of)},
        {"ways", json::array()},
        {"missing", of.missing},
        {"warnings", of.warnings}};
    for (const compared_way& each : of.ways) {
        const auto interval = [](const interval_estimate& ratio) {
            const auto bound = [&](double of_ratio) {
                return has_bounds(ratio) ? json(of_ratio) : json(nullptr);
            };
            return json{{"value", ratio.value}, {"low", bound(ratio.low)}, {"high", bound(ratio.high)}};
        };
        all["ways"].push_back({{"point", each.point},
                               {"way", each.way},
                               {"before_median_ns", each.before_ns},
                               {"after_median_ns", each.after_ns},
                               {"ratio", interval(each.ratio)},
                               {"ratio_at_the_same_pace", each.paced ? interval(*each.paced) : json(nullptr)},
                               {"change", name_of(each.change)}});
    }
    return all.dump(2, ' ', false, json::error_handler_t::replace) + '\n';
}

} // namespace spmd_bench
