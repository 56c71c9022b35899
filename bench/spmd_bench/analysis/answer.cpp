#include "spmd_bench/analysis/answer.hpp"

#include "spmd_bench/analysis/crossing.hpp"
#include "spmd_bench/analysis/verdict.hpp"
#include "spmd_bench/options/units.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace spmd_bench {
namespace {

constexpr std::size_t most_sentences = 3; // of one kind
constexpr double same_time = 1.02;        // relative to the least

// Words

std::string text_of_time(double nanoseconds) {
    if (nanoseconds < 1'000) return fmt::format("{:.{}f} ns", nanoseconds, nanoseconds < 10 ? 1 : 0);
    return text_of_duration(std::chrono::nanoseconds(std::llround(nanoseconds)));
}

std::string sure(const std::string& low, const std::string& high) {
    return fmt::format("(95 % sure: {} to {})", low, high);
}
std::string sure_ratio(const interval_estimate& figure) {
    return fmt::format("{:.3f} x map's time {}", figure.value,
                       sure(fmt::format("{:.3f}", figure.low), fmt::format("{:.3f}", figure.high)));
}
std::string sure_time(const interval_estimate& figure) {
    return fmt::format("{} {}", text_of_time(figure.value),
                       sure(text_of_time(figure.low), text_of_time(figure.high)));
}

/// "At 4 ranks, skew 2: "; nothing where there is nothing to name.
std::string place(const sweep_point& point, std::vector<sweep_axis> axes, sweep_axis without) {
    std::erase(axes, without);
    return axes.empty() ? "" : fmt::format("At {}: ", text_of(point, axes));
}

/// Adds the first sentences of a kind, and the number of the others.
void add_some(std::vector<std::string>& all, std::vector<std::string> some) {
    const std::size_t left = some.size() > most_sentences + 1 ? some.size() - most_sentences : 0;
    some.resize(some.size() - left);
    all.insert(all.end(), some.begin(), some.end());
    if (left > 0) all.push_back(fmt::format("… and so on, for {} more.", left));
}

// Map or SPMD?

const interval_estimate* spmd_to_map(const point_result& point) {
    const way_result* spmd = find_way(point, way_kind::spmd);
    return spmd != nullptr && spmd->ratio_to_map ? &*spmd->ratio_to_map : nullptr;
}

/// "2 to 52", "20"
std::string range_text(const std::string& low, const std::string& high) {
    return low == high ? low : low + " to " + high;
}

std::string verdict_at(const point_result& point, const interval_estimate& ratio) {
    const std::size_t rounds = point.ways.front().samples_ns.size();
    if (rounds < fewest_rounds)
        return fmt::format("Cannot tell: spmd took {:.3f} x map's time, but {} {} too few; use at least {}.",
                           ratio.value, rounds, rounds == 1 ? "round is" : "rounds are", fewest_rounds);
    const auto percent = [](double share) { return fmt::format("{:.0f}", 100 * share); };
    switch (verdict_of(ratio)) {
        case verdict::same: return fmt::format("The same within 5 %: spmd took {}.", sure_ratio(ratio));
        case verdict::faster:
            return fmt::format("Use spmd, it saves {} %: it took {}.",
                               range_text(percent(1 - ratio.high), percent(1 - ratio.low)),
                               sure_ratio(ratio));
        case verdict::slower:
            return fmt::format("Use map, it saves {} %: spmd took {}.",
                               range_text(percent(1 - 1 / ratio.low), percent(1 - 1 / ratio.high)),
                               sure_ratio(ratio));
        case verdict::cannot_tell: break;
    }
    return fmt::format("Cannot tell: spmd took between {:.3f} and {:.3f} times map's time; {}.", ratio.low,
                       ratio.high, remedy_for(ratio, rounds));
}

/// The ratios of two ways' times, round by round.
std::vector<double> ratios_between(const way_result& numerator, const way_result& denominator) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < numerator.samples_ns.size(); ++i)
        if (denominator.samples_ns[i] > 0)
            ratios.push_back(numerator.samples_ns[i] / denominator.samples_ns[i]);
    return ratios;
}
interval_estimate ratio_between(const way_result& numerator, const way_result& denominator) {
    return median_estimate(ratios_between(numerator, denominator));
}

/// The verdict on one of `claims` points, some of which differ by chance: by sign tests that share the doubt.
verdict verdict_on(const way_result& spmd, const way_result& map, std::size_t claims) {
    const std::vector<double> ratios = ratios_between(spmd, map);
    const std::vector<double> inverse = ratios_between(map, spmd);
    const double middle = median(ratios);
    if (surely_below(ratios, 1 + least_difference, claims) &&
        surely_below(inverse, 1 / (1 - least_difference), claims))
        return verdict::same;
    if (middle <= 1 - least_difference && surely_below(ratios, 1, claims)) return verdict::faster;
    if (middle >= 1 + least_difference && surely_below(inverse, 1, claims)) return verdict::slower;
    return verdict::cannot_tell;
}

void add_verdict_of_sweep(const report& what, std::vector<std::string>& sentences) {
    points for_spmd;
    points for_map;
    std::size_t same = 0;
    std::size_t compared = 0;
    const std::size_t rounds = what.request.measurement.repetitions;
    // Rounds that all agree must suffice for a claim.
    if (rounds < fewest_rounds || !surely_below(std::vector<double>(rounds, 0.0), 1, what.points.size())) {
        sentences.push_back(
            fmt::format("{} repetitions are too few to tell differences at {} points from chance.", rounds,
                        what.points.size()));
        return;
    }
    for (const point_result& each : what.points) {
        if (spmd_to_map(each) == nullptr) continue;
        ++compared;
        const way_result& spmd = *find_way(each, way_kind::spmd);
        const way_result& map = *find_way(each, way_kind::map);
        switch (verdict_on(spmd, map, what.points.size())) {
            case verdict::faster: for_spmd.push_back(&each); break;
            case verdict::slower: for_map.push_back(&each); break;
            case verdict::same: ++same; break;
            case verdict::cannot_tell: break;
        }
    }
    if (compared == 0) return;
    const auto by_ratio = [](const point_result* point) { return spmd_to_map(*point)->value; };
    const auto add = [&](std::string_view winner, points where, auto order) {
        std::ranges::sort(where, order, by_ratio);
        sentences.push_back(fmt::format(
            "{} is the faster at {} of {} points, most at {}: spmd took {}.", winner, where.size(), compared,
            text_of(where.front()->settings, what.swept), sure_ratio(*spmd_to_map(*where.front()))));
    };
    if (!for_spmd.empty()) add("spmd", for_spmd, std::less());
    if (!for_map.empty()) add("map", for_map, std::greater());
    if (same > 0) sentences.push_back(fmt::format("The same within 5 % at {} of {} points.", same, compared));
    const std::size_t unknown = compared - for_spmd.size() - for_map.size() - same;
    if (unknown > 0)
        sentences.push_back(
            fmt::format("Cannot tell at {} of {} points; more than {} rounds, or a quieter machine, would.",
                        unknown, compared, rounds));
}

/// Names the fastest way, unless it is spmd or map.
void add_fastest(const point_result& point, std::vector<std::string>& sentences) {
    const way_result* fastest = nullptr;
    for (const way_result& way : point.ways)
        if (way.name != name_of(way_kind::read) &&
            (fastest == nullptr || way.median_ns.value < fastest->median_ns.value))
            fastest = &way;
    if (fastest == nullptr) return;
    const way_result* spmd = find_way(point, way_kind::spmd);
    if (spmd == nullptr || spmd_to_map(point) == nullptr) {
        sentences.push_back(fmt::format("{} had the least median, {}; measure spmd and map to compare them.",
                                        fastest->name, text_of_time(fastest->median_ns.value)));
        return;
    }
    if (fastest == spmd || fastest->name == name_of(way_kind::map) ||
        point.ways.front().samples_ns.size() < fewest_rounds)
        return;
    const interval_estimate ratio = ratio_between(*fastest, *spmd);
    sentences.push_back(
        ratio.high > 1 / same_time // the least of many medians is biased downwards
            ? fmt::format("Of all ways {} had the least median, but is not clearly faster than spmd.",
                          fastest->name)
            : fmt::format("The fastest of all was {}: {:.3f} x spmd's time {}.", fastest->name, ratio.value,
                          sure(fmt::format("{:.3f}", ratio.low), fmt::format("{:.3f}", ratio.high))));
}

// Crossovers

crossover crossover_of(points group) {
    std::ranges::sort(group, {}, [](const point_result* each) { return each->settings.item_cost; });
    std::vector<cost_samples> by_cost;
    for (const point_result* each : group)
        by_cost.push_back({static_cast<double>(each->settings.item_cost.count()),
                           find_way(*each, way_kind::map)->samples_ns,
                           find_way(*each, way_kind::spmd)->samples_ns});
    return {.settings = group.front()->settings,
            .crossing_ns = crossing(by_cost, 1),
            .even_ns = crossing(by_cost, 1 / (1 - least_difference))};
}

std::string sentence_of(const crossover& found, const std::vector<sweep_axis>& swept) {
    const std::string where = place(found.settings, swept, sweep_axis::item_cost);
    if (found.crossing_ns)
        return fmt::format("{}Crossover at an item cost of {}: spmd is the faster below, map above.", where,
                           sure_time(*found.crossing_ns));
    if (found.even_ns)
        return fmt::format("{}spmd saves {:.0f} % or more up to an item cost of {}, less above.", where,
                           100 * least_difference, sure_time(*found.even_ns));
    return {};
}

void add_crossovers(const report& what, report_answer& answer) {
    if (std::ranges::find(what.swept, sweep_axis::item_cost) == what.swept.end()) return;
    std::vector<std::string> sentences;
    for (points& group : groups_along(what, sweep_axis::item_cost)) {
        if (spmd_to_map(*group.front()) == nullptr) return;
        const crossover& found = answer.crossovers.emplace_back(crossover_of(std::move(group)));
        const std::string sentence = sentence_of(found, what.swept);
        if (!sentence.empty()) sentences.push_back(sentence);
    }
    if (what.request.measurement.repetitions < fewest_rounds) return;
    if (sentences.empty())
        sentences.emplace_back(
            "Between the item costs measured there is no crossover, nor one where spmd's gain "
            "falls below 5 %, for sure.");
    add_some(answer.sentences, std::move(sentences));
}

/// The least number of ranks whose time is surely within least_difference of the fastest.
enough_ranks enough_of(points group) {
    std::ranges::sort(group, {}, [](const point_result* each) { return each->settings.ranks; });
    const point_result& fastest = **std::ranges::min_element(
        group, {}, [](const point_result* each) { return find_way(*each, way_kind::spmd)->median_ns.value; });
    const auto is_enough = [&](const point_result* each) {
        return each == &fastest ||
               ratio_between(*find_way(*each, way_kind::spmd), *find_way(fastest, way_kind::spmd)).high <=
                   1 + least_difference;
    };
    const point_result& enough = **std::ranges::find_if(group, is_enough);
    return {
        .settings = enough.settings, .fastest = fastest.settings.ranks, .most = group.back()->settings.ranks};
}

std::string sentence_of(const enough_ranks& found, const points& group) {
    if (found.settings.ranks == found.most)
        return fmt::format("More ranks still gain at {}, the most that were measured.", found.most);
    const auto with = [&](std::size_t ranks) {
        return find_way(
            **std::ranges::find(group, ranks, [](const point_result* each) { return each->settings.ranks; }),
            way_kind::spmd);
    };
    const interval_estimate last = ratio_between(*with(found.most), *with(found.settings.ranks));
    return fmt::format("From {} {} on more {} (least median: {}).", found.settings.ranks,
                       found.settings.ranks == 1 ? "rank" : "ranks",
                       last.low > 1 + least_difference
                           ? fmt::format("lose: {} take {:.2f} times as long", found.most, last.value)
                           : "gain nothing",
                       found.fastest);
}

void add_enough_ranks(const report& what, report_answer& answer) {
    if (std::ranges::find(what.swept, sweep_axis::ranks) == what.swept.end()) return;
    std::vector<std::string> sentences;
    for (points& group : groups_along(what, sweep_axis::ranks)) {
        const way_result* const first = find_way(*group.front(), way_kind::spmd);
        if (first == nullptr || first->samples_ns.size() < fewest_rounds) return;
        const enough_ranks& found = answer.ranks.emplace_back(enough_of(group));
        sentences.push_back(place(found.settings, what.swept, sweep_axis::ranks) + sentence_of(found, group));
    }
    add_some(answer.sentences, std::move(sentences));
}

// Overhead and limits

std::string cost_text(const interval_estimate& figure, std::string_view each) {
    const std::string time =
        figure.low <= 0 ? "at most " + text_of_time(std::max(figure.high, 0.0)) : text_of_time(figure.value);
    return fmt::format("{} per {}", time, each);
}

void add_costs(std::vector<std::string>& sentences, const std::vector<way_cost>& costs) {
    std::vector<std::string> all;
    for (const way_cost& cost : costs) {
        if (cost.way != way_kind::map && cost.way != way_kind::map_chunked && cost.way != way_kind::spmd)
            continue;
        std::vector<std::string> parts;
        if (cost.per_rank_ns) parts.push_back(cost_text(*cost.per_rank_ns, "rank"));
        if (cost.per_item_ns) parts.push_back(cost_text(*cost.per_item_ns, "item"));
        if (!parts.empty()) all.push_back(fmt::format("{} {}", name_of(cost.way), fmt::join(parts, " and ")));
    }
    if (!all.empty())
        sentences.push_back(fmt::format("Overhead, with items that do nothing: {}.", fmt::join(all, "; ")));
}

std::string_view words_for(limit what) {
    switch (what) {
        case limit::memory_or_io: return "what items take longer than one by one";
        case limit::imbalance: return "waiting for the last rank";
        case limit::scheduling:
        case limit::nothing: break;
    }
    return "launching ranks, waking threads, collecting results";
}

std::string about_limit(const time_parts& parts) {
    const limit largest = limit_of(parts);
    if (largest == limit::nothing) return "the items have at least 90 % of the threads' time";
    return fmt::format("{:.0f} % of the threads' time is {}", 100 * share_of_limit(parts),
                       words_for(largest));
}

void add_limit(const point_result& point, std::vector<std::string>& sentences) {
    if (!point.spmd_parts) return;
    sentences.push_back(fmt::format("spmd is limited by {}: {}.", name_of(limit_of(*point.spmd_parts)),
                                    about_limit(*point.spmd_parts)));
}

void add_limits_of_sweep(const report& what, std::vector<std::string>& sentences) {
    std::map<limit, points> by_limit;
    for (const point_result& each : what.points)
        if (each.spmd_parts) by_limit[limit_of(*each.spmd_parts)].push_back(&each);
    const auto share = [](const point_result* each) { return share_of_limit(*each->spmd_parts); };
    for (const auto& [largest, where] : by_limit) {
        const std::string count = fmt::format("spmd is limited by {} at {} of {} points", name_of(largest),
                                              where.size(), what.points.size());
        const point_result& most = **std::ranges::max_element(where, {}, share);
        sentences.push_back(largest == limit::nothing
                                ? fmt::format("{}: {}.", count, about_limit(*most.spmd_parts))
                                : fmt::format("{}; at {} {}.", count, text_of(most.settings, what.swept),
                                              about_limit(*most.spmd_parts)));
    }
}

void add_reading(const point_result& point, std::vector<std::string>& sentences) {
    const way_result* spmd = find_way(point, way_kind::spmd);
    if (spmd == nullptr || !spmd->ratio_to_read || spmd->ratio_to_read->value <= 0) return;
    sentences.push_back(fmt::format("Opening and reading the files alone takes {:.0f} % of spmd's time.",
                                    100 / spmd->ratio_to_read->value));
}

} // namespace

report_answer answer_of(const report& what, std::vector<way_cost> costs) {
    report_answer answer;
    std::vector<std::string>& sentences = answer.sentences;
    if (what.swept.empty()) {
        const point_result& only = what.points.front();
        if (const interval_estimate* ratio = spmd_to_map(only)) sentences.push_back(verdict_at(only, *ratio));
        add_fastest(only, sentences);
        add_costs(sentences, costs);
        add_limit(only, sentences);
        add_reading(only, sentences);
    } else {
        add_verdict_of_sweep(what, sentences);
        add_crossovers(what, answer);
        add_enough_ranks(what, answer);
        add_costs(sentences, costs);
        add_limits_of_sweep(what, sentences);
    }
    answer.costs = std::move(costs);
    return answer;
}

} // namespace spmd_bench
