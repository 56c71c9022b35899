#include "spmd_bench/compare/compare_command.hpp"

#include "spmd_bench/compare/comparison.hpp"
#include "spmd_bench/compare/render_comparison.hpp"
#include "spmd_bench/options/given_options.hpp"
#include "spmd_bench/options/help.hpp"
#include "spmd_bench/options/names.hpp"
#include "spmd_bench/options/units.hpp"

#include <boost/program_options.hpp>
#include <fmt/format.h>

#include <array>
#include <optional>
#include <sstream>

namespace spmd_bench {
namespace {

enum class comparison_format { table, json };

} // namespace

template <>
inline constexpr std::array names<comparison_format>{named{"table", comparison_format::table},
                                                     named{"json", comparison_format::json}};

namespace {

namespace po = boost::program_options;

po::options_description compare_options() {
    po::options_description all("Options", terminal_width, terminal_width / 2);
    all.add_options()(
        "relative-to", po::value<std::string>()->value_name("WAY"),
        "divide the times by those of WAY, round by round, so that a slower machine in one of the runs "
        "cancels out")("fail-if-slower", po::value<std::string>()->value_name("PCT"),
                       "exit with 1 if a way is surely slower, by more than PCT %, and with 3 if none is, "
                       "but the bounds of one reach beyond PCT %")(
        "format", po::value<std::string>()->value_name("KIND"),
        (listed_names<comparison_format>() + " (table)").c_str())("help,h", "print this and exit");
    return all;
}

std::string help() {
    std::ostringstream text;
    text << "Usage: spmd_bench compare [OPTION...] BEFORE.json AFTER.json\n"
            "Compares two reports of spmd_bench --json, way by way, by the ratio of the\n"
            "medians and its bounds, which hold for all ways and points together with 95 %:\n"
            "  the same within 5 %  the bounds are within 5 % of 1\n"
            "  slower, faster       the bounds exclude 1, the ratio is 5 % or more from it\n"
            "  cannot tell          anything else, and fewer than 6 rounds\n\n"
         << compare_options()
         << "\nExit status: 0; with --fail-if-slower 1 if a way is slower, and 3 if one may be;\n"
            "2 for bad options and for files that are not reports.\n";
    return text.str();
}

int gate_status(const comparison& whole, double percent) {
    constexpr int slower = 1;
    constexpr int cannot_tell = 3;
    if (count_slower(whole, percent) > 0) return slower;
    return count_maybe_slower(whole, percent) > 0 ? cannot_tell : 0;
}

/// The limit of --fail-if-slower, in per cent; nothing without the option.
std::optional<double> chosen_limit(const given_options& given) {
    if (!given.has("fail-if-slower")) return std::nullopt;
    const std::string percent = given.text("fail-if-slower");
    const std::optional<double> limit = parse_decimal(percent);
    if (!limit)
        throw option_error("--fail-if-slower is a number of per cent such as 10, not '" + percent + "'");
    constexpr double least = 100 * least_difference;
    if (*limit < least)
        throw option_error(fmt::format(
            "--fail-if-slower is at least {:.0f}, as less is never reported as a change, not '{}'", least,
            percent));
    return limit;
}

} // namespace

command_result run_compare(const std::vector<std::string>& arguments) {
    const given_options given(arguments, compare_options(), "file");
    if (given.has("help")) return {help()};
    const std::vector<std::string> files = given.texts("file");
    if (files.size() != 2)
        throw option_error(fmt::format("compare needs two reports, before and after, not {}", files.size()));
    auto format = comparison_format::table;
    given.read_name("format", format);
    const std::optional<double> limit = chosen_limit(given);
    const comparison whole = compare_reports(
        files[0], files[1], given.has("relative-to") ? given.text("relative-to") : std::string());
    return {format == comparison_format::json ? render_json(whole) : render_table(whole),
            limit ? gate_status(whole, *limit) : 0};
}

} // namespace spmd_bench
