#include "compare_command.hpp"

#include "comparison.hpp"
#include "options.hpp"
#include "text_table.hpp"
#include "units.hpp"

#include <boost/program_options.hpp>
#include <fmt/format.h>

#include <optional>
#include <sstream>

namespace spmd_bench {
namespace {

namespace po = boost::program_options;

po::options_description compare_options() {
    po::options_description all("Options", terminal_width, terminal_width / 2);
    all.add_options()(
        "relative-to", po::value<std::string>()->value_name("WAY"),
        "compare the times over that way's, round by round: what made the machine slower in one of the runs "
        "cancels out")("fail-if-slower", po::value<std::string>()->value_name("PCT"),
                       "exit with 1 where a way is surely slower, by more than PCT %, and with 3 where none "
                       "is, and one may be: "
                       "its bounds reach beyond PCT %")(
        "format", po::value<std::string>()->value_name("KIND"), "table, json (table)")("help,h",
                                                                                       "print this and exit");
    return all;
}

std::string help() {
    std::ostringstream text;
    text << "Usage: spmd_bench compare [OPTION...] BEFORE.json AFTER.json\n"
            "Compares two reports of spmd_bench --json, way by way, by the ratio of the\n"
            "medians and its bounds, which hold for all ways and points together with 95 %:\n"
            "  the same within 5 %  the bounds are within 5 % of 1\n"
            "  slower, faster       the bounds leave 1 out, the ratio is 5 % or more from it\n"
            "  cannot tell          anything else, and fewer than 6 rounds\n\n"
         << compare_options()
         << "\nExit status: 0; with --fail-if-slower 1 where a way is slower, and 3 where that\n"
            "cannot be told; 2 for bad options and for files that are not reports.\n";
    return text.str();
}

int gate_status(const comparison& made, double percent) {
    constexpr int slower = 1;
    constexpr int cannot_tell = 3;
    if (count_slower(made, percent) > 0) return slower;
    return count_maybe_slower(made, percent) > 0 ? cannot_tell : 0;
}

po::variables_map parsed_compare(const std::vector<std::string>& arguments) {
    po::options_description accepted = compare_options();
    accepted.add_options()("file", po::value<std::vector<std::string>>());
    po::positional_options_description files;
    files.add("file", -1);
    try {
        po::variables_map given;
        using po::command_line_style::allow_guessing;
        using po::command_line_style::unix_style;
        po::store(po::command_line_parser(arguments)
                      .options(accepted)
                      .positional(files)
                      .style(unix_style & ~allow_guessing)
                      .run(),
                  given);
        return given;
    } catch (const po::error& error) {
        throw option_error(error.what());
    }
}

} // namespace

command_result run_compare(const std::vector<std::string>& arguments) {
    const po::variables_map given = parsed_compare(arguments);
    if (given.count("help") > 0) return {help()};
    const auto text_of = [&](const char* name) {
        return given.count(name) > 0 ? given[name].as<std::string>() : std::string();
    };
    const auto files =
        given.count("file") > 0 ? given["file"].as<std::vector<std::string>>() : std::vector<std::string>{};
    if (files.size() != 2)
        throw option_error(fmt::format("compare takes two reports, before and after, not {}", files.size()));
    const std::string format = text_of("format");
    if (!format.empty() && format != "table" && format != "json")
        throw option_error("--format is one of table, json, not '" + format + "'");
    const std::string percent = text_of("fail-if-slower");
    const std::optional<double> limit = parse_decimal(percent);
    if (given.count("fail-if-slower") > 0 && !limit)
        throw option_error("--fail-if-slower is a number of per cent such as 10, not '" + percent + "'");
    constexpr double least = 100 * least_difference;
    if (limit && *limit < least)
        throw option_error(
            fmt::format("--fail-if-slower is at least {:.0f}, as less is never said to be a change, not '{}'",
                        least, percent));
    const comparison made = compare_reports(files[0], files[1], text_of("relative-to"));
    return {format == "json" ? render_json(made) : render_table(made), limit ? gate_status(made, *limit) : 0};
}

} // namespace spmd_bench
