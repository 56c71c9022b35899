#include "graph/graph_dot.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace spmd::detail {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD"; // U+FFFD
constexpr std::size_t longest_type = 60;

/// How many bytes of `text` are its first character in UTF-8, one that XML can hold too; 0 where they are
/// none.
/// Format: RFC 3629.
std::size_t size_of_first_character(std::string_view text) {
    const auto byte = [&](std::size_t i) {
        return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i]));
    };
    const std::uint32_t lead = byte(0);
    if (lead < 0x80) return lead < 0x20 || lead == 0x7F ? 0 : 1;
    const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return 0;
    std::uint32_t code = lead & (0x7FU >> size);
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xC0U) != 0x80) return 0;
        code = code << 6U | (byte(i) & 0x3FU);
    }
    constexpr std::array<std::uint32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
    const bool is_surrogate = code >= 0xD800 && code <= 0xDFFF;
    return code < least[size] || code > 0x10FFFF || is_surrogate || code == 0xFFFE || code == 0xFFFF ? 0
                                                                                                     : size;
}

/// Text for between the quotes of a label: escapes what Graphviz would read as an escape or as HTML, and
/// replaces what it cannot draw.
std::string escaped(std::string_view text) {
    std::string label;
    while (!text.empty()) {
        const char first = text.front();
        const std::size_t size = size_of_first_character(text);
        if (first == '"' || first == '\\')
            label += {'\\', first};
        else if (first == '&')
            label += "&amp;";
        else if (first == '\n')
            label += "\\n";
        else if (first == '\t')
            label += ' ';
        else if (size > 0)
            label += text.substr(0, size);
        else
            label += replacement;
        text.remove_prefix(std::max<std::size_t>(size, 1));
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
