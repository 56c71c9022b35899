#include "spmd_bench/compare/render_comparison.hpp"

#include "spmd_bench/options/axis.hpp"
#include "spmd_bench/options/help.hpp"
#include "spmd_bench/report/report_text.hpp"
#include "spmd_bench/report/text_table.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <utility>

namespace spmd_bench {
namespace {

using nlohmann::json;

constexpr std::size_t most_changes_shown = 5;

bool has_bounds(const interval_estimate& ratio) { return std::isfinite(ratio.high); }

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

/// The reason for the verdict cannot_tell.
std::string doubt_about(const compared_way& way) {
    const std::string name = full_name(way);
    if (way.rounds < fewest_rounds)
        return fmt::format("{}: {} {} are too few; use at least {}.", name, way.rounds,
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

std::vector<std::string> sentences_of(const comparison& whole) {
    std::vector<std::string> sentences;
    for (const auto& [what, word] :
         {std::pair{verdict::slower, "slower"}, std::pair{verdict::faster, "faster"}}) {
        std::vector<const compared_way*> changed = ways_that(whole, what);
        std::ranges::sort(changed, std::greater<>{},
                          [](const compared_way* each) { return std::abs(std::log(each->ratio.value)); });
        for (std::size_t i = 0; i < std::min(changed.size(), most_changes_shown); ++i)
            sentences.push_back(fmt::format(
                "{} is {}: {:.3f} x the time before (95 % sure: {:.3f} to {:.3f}).", full_name(*changed[i]),
                word, changed[i]->ratio.value, changed[i]->ratio.low, changed[i]->ratio.high));
        if (changed.size() > most_changes_shown)
            sentences.push_back(
                fmt::format("… and {} more are {}.", changed.size() - most_changes_shown, word));
    }
    const auto same = ways_that(whole, verdict::same).size();
    if (same > 0)
        sentences.push_back(fmt::format("The same within 5 %: {} of {} figures.", same, whole.ways.size()));
    const std::vector<const compared_way*> unknown = ways_that(whole, verdict::cannot_tell);
    if (!unknown.empty())
        sentences.push_back(fmt::format("Cannot tell: {} of {} figures.", unknown.size(), whole.ways.size()));
    for (std::size_t i = 0; i < std::min(unknown.size(), most_changes_shown); ++i)
        sentences.push_back(doubt_about(*unknown[i]));
    if (unknown.size() > most_changes_shown)
        sentences.push_back(fmt::format("… and cannot tell {} more.", unknown.size() - most_changes_shown));
    return sentences;
}

std::string text_of_bounds(const interval_estimate& ratio) {
    return has_bounds(ratio) ? fmt::format("{:.3f}-{:.3f}", ratio.low, ratio.high) : "-";
}

} // namespace

std::string render_table(const comparison& whole) {
    std::string text;
    for (const std::string& sentence : sentences_of(whole))
        text += wrapped("", split(sentence, ' '), terminal_width);
    std::vector<column> columns{{"point", {}, {}},
                                {"way", {}, {}},
                                {"before", {}, {}},
                                {"after", {}, {}},
                                {whole.relative_to.empty() ? "x" : "x, over " + whole.relative_to, {}, {}},
                                {"95 % sure", {}, {}},
                                {"at one pace", {}, {}},
                                {"", {}, {}}};
    for (const compared_way& each : whole.ways) {
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
    if (std::ranges::all_of(whole.ways, [](const compared_way& each) { return each.point.empty(); }))
        columns.erase(columns.begin());
    text += '\n' + text_table(columns, columns.front().title == "point" ? 2 : 1, terminal_width);
    if (!whole.missing.empty() || !whole.warnings.empty()) text += '\n';
    for (const std::string& each : whole.missing)
        text += wrapped("not compared: ", split(each, ' '), terminal_width);
    for (const std::string& each : whole.warnings)
        text += wrapped("warning: ", split(each, ' '), terminal_width);
    return text;
}

std::string render_json(const comparison& whole) {
    nlohmann::ordered_json all = {
        {"before", whole.before},
        {"after", whole.after},
        {"relative_to", whole.relative_to.empty() ? json(nullptr) : json(whole.relative_to)},
        {"sentences", sentences_of(whole)},
        {"ways", json::array()},
        {"missing", whole.missing},
        {"warnings", whole.warnings}};
    for (const compared_way& each : whole.ways) {
        const auto interval = [](const interval_estimate& ratio) {
            const auto bound = [&](double value) { return has_bounds(ratio) ? json(value) : json(nullptr); };
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
