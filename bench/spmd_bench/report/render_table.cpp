#include "spmd_bench/options/axis.hpp"
#include "spmd_bench/options/help.hpp"
#include "spmd_bench/report/render.hpp"
#include "spmd_bench/report/report_text.hpp"
#include "spmd_bench/report/text_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace spmd_bench {

std::string render_table(const report& what) {
    std::string text;
    for (const header_line& line : header_of(what))
        text += wrapped(fmt::format("{:<10}", line.name), line.words, terminal_width);
    const std::vector<column> columns = columns_of(what);
    const std::size_t keys = what.swept.empty() ? 1 : what.swept.size();
    text += '\n' + text_table(columns, keys, terminal_width) + '\n';
    for (const std::string& sentence : what.answer.sentences)
        text += wrapped("", split(sentence, ' '), terminal_width);
    const std::vector<std::string> warnings = warnings_of(what);
    if (!warnings.empty()) text += '\n';
    for (const std::string& warning : warnings)
        text += wrapped("warning: ", split(warning, ' '), terminal_width);
    return text;
}

std::string render_markdown(const report& what) {
    std::string text;
    for (const header_line& line : header_of(what))
        text += fmt::format("- {}: {}\n", line.name, fmt::join(line.words, " "));
    text += '\n' + markdown_table(columns_of(what)) + '\n';
    for (const std::string& sentence : what.answer.sentences) text += fmt::format("- {}\n", sentence);
    const std::vector<std::string> warnings = warnings_of(what);
    if (!warnings.empty()) text += '\n';
    for (const std::string& warning : warnings) text += fmt::format("- warning: {}\n", warning);
    return text;
}

} // namespace spmd_bench
