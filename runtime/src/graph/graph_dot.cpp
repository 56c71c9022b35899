#include "graph/graph_dot.hpp"

#include "base/utf8.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

namespace spmd::detail {
namespace {

constexpr std::size_t longest_type = 60;

/// False for characters that an SVG picture cannot hold (XML 1.0, 2.2).
bool is_drawable(char32_t code) { return code >= 0x20 && code != 0x7F && code != 0xFFFE && code != 0xFFFF; }

/// Text for between the quotes of a label: escapes what Graphviz would read as an escape or as HTML, and
/// replaces what it cannot draw.
std::string escaped(std::string_view text) {
    std::string label;
    while (!text.empty()) {
        const char first = text.front();
        const auto character = first_utf8_character(text);
        const std::size_t size = character ? character->size : 1;
        if (first == '"' || first == '\\')
            label += {'\\', first};
        else if (first == '&')
            label += "&amp;";
        else if (first == '\n')
            label += "\\n";
        else if (first == '\t')
            label += ' ';
        else
            label += character && is_drawable(character->code) ? text.substr(0, size) : utf8_replacement;
        text.remove_prefix(size);
    }
    return label;
}

/// The time with three digits: "1.23 ms".
std::string text_of(std::chrono::nanoseconds time) {
    constexpr std::array<const char*, 4> units{"ns", "us", "ms", "s"};
    auto figure = static_cast<double>(time.count());
    std::size_t unit = 0;
    for (; unit + 1 < units.size() && figure >= 999.5; ++unit) figure /= 1000;
    const int decimals = unit == 0 || figure >= 99.95 ? 0 : figure >= 9.995 ? 1 : 2;
    std::array<char, 32> text{};
    static_cast<void>(std::snprintf(text.data(), text.size(), "%.*f %s", decimals, figure, units[unit]));
    return text.data();
}

std::string counted(std::size_t count, std::string_view thing) {
    std::string text = std::to_string(count);
    text += ' ';
    text += thing;
    if (count != 1) text += 's';
    return text;
}

/// A task of a kind of stage, in one word; empty for kinds that run no tasks.
std::string_view task_of(std::string_view kind) {
    if (kind == "broadcast") return "rank";
    if (kind == "map" || kind == "reduce") return "item";
    if (kind == "concat" || kind == "each") return "part";
    return {};
}

/// "broadcast: std::vector<int> per rank".
std::string kind_and_type(const graph_node& node) {
    std::string text = node.kind();
    std::string type = node.type_name();
    if (type.empty()) return text;
    if (type.size() > longest_type) type = type.substr(0, longest_type) + "...";
    text += ": ";
    text += type;
    if (text.starts_with("broadcast") || text.starts_with("map")) {
        text += " per ";
        text += task_of(node.kind());
    }
    return text;
}

/// "100 ranks, 1.23 ms"; begins with the number of runs where there were several.
std::string counts_of(const graph_node& node) {
    const stage_tally& tally = node.tally();
    std::string text;
    if (tally.runs() > 1) text += counted(tally.runs(), "run") + ", ";
    if (const std::string_view task = task_of(node.kind()); !task.empty())
        text += counted(tally.tasks(), task) + ", ";
    return text + text_of(tally.time());
}

/// "failed", or for a stage that ran several times "2 failed"; empty for one that succeeded.
std::string trouble_of(const graph_node& node) {
    const stage_tally& tally = node.tally();
    std::string text;
    const auto add = [&](std::size_t runs, std::string_view what) {
        if (runs == 0) return;
        if (!text.empty()) text += ", ";
        if (tally.runs() > 1) text += std::to_string(runs) + ' ';
        text += what;
    };
    add(tally.failures(), "failed");
    add(tally.cancelled(), "cancelled");
    return text;
}

} // namespace

std::string dot_of(std::span<const std::unique_ptr<graph_node>> nodes) {
    const bool was_run = std::ranges::any_of(nodes, [](const auto& node) { return node->was_in_a_run(); });
    const auto id_of = [&](const graph_node* node) {
        const auto is_same = [&](const auto& each) { return each.get() == node; };
        std::string id = "s";
        id += std::to_string(std::ranges::find_if(nodes, is_same) - nodes.begin());
        return id;
    };
    std::string text = "digraph spmd {\n    rankdir=LR;\n    node [shape=box];\n";
    for (const auto& node : nodes) {
        std::string label = escaped(node->name()) + "\\n" + escaped(kind_and_type(*node));
        std::string look;
        const bool has_run = node->tally().runs() > 0;
        if (has_run) label += "\\n" + counts_of(*node);
        if (const std::string trouble = trouble_of(*node); !trouble.empty()) {
            label += "\\n" + trouble;
            look = ", color=red";
        } else if (was_run && !has_run) {
            label += "\\ndid not run";
            look = ", style=dashed";
        }
        text += "    " + id_of(node.get()) + " [label=\"";
        text += label;
        text += '"';
        text += look;
        text += "];\n";
    }
    for (const auto& node : nodes)
        for (const graph_node* input : node->inputs())
            text += "    " + id_of(input) + " -> " + id_of(node.get()) + ";\n";
    return text + "}\n";
}

} // namespace spmd::detail
