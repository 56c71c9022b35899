#include <spmd_sum/request.hpp>

#include <checksum/file_sums.hpp>
#include <spmd/spmd.hpp>
#include <spmd_sum/overwriting.hpp>

#include <boost/program_options.hpp>
#include <common/progress_option.hpp>

#include <algorithm>
#include <iterator>
#include <set>
#include <sstream>
#include <string_view>

namespace spmd_sum {
namespace {

namespace po = boost::program_options;

/// Columns of the help, and the least number of them for descriptions.
constexpr unsigned help_width = 80;
constexpr unsigned text_width = 48;

/// The options by the sections of the help.
struct groups {
    groups() {
        input.add_options()("recursive,r", "sum the regular files under each directory")(
            "dereference,L",
            "with -r, follow symbolic links in the tree; a directory above a link is not entered again")(
            "no-dereference,P",
            "with -r, leave out symbolic links in the tree (default); a PATH that is a link is followed")(
            "one-file-system,x", "with -r, do not enter directories on other file systems")(
            "exclude", po::value<std::vector<std::string>>()->value_name("GLOB"),
            "with -r, leave out files and directories whose name matches, or, if GLOB contains a /, whose "
            "path "
            "below PATH matches; may be repeated")("files0-from",
                                                   po::value<std::string>()->value_name("FILE"),
                                                   "read NUL-terminated PATHs from FILE (-: standard input)");
        output.add_options()(
            "algorithm,a", po::value<std::string>()->value_name("NAME"),
            "digest algorithm: md5 (default), sha1, sha256, sha512, sha3-256, blake2b512, or another one of "
            "OpenSSL; --algorithm=help lists them")(
            "output,o", po::value<std::string>()->value_name("FILE"),
            "write to FILE, which is replaced when the output is complete, and left unchanged if writing "
            "fails or a signal arrives")("tag", "write lines in BSD style: MD5 (name) = digest")(
            "binary,b", "write * before each name")("text,t", "write a space before each name (default)")(
            "zero,z", "end lines with NUL, not newline, and do not escape names; with -c, read such lines")(
            "json", "write one JSON object per line");
        check.add_options()(
            "check,c",
            "read digests and names from each MANIFEST, and check them; lines that name their algorithm "
            "need no -a")("quiet", "do not print OK for each verified file")(
            "status", "print no lines and no warnings; the exit status shows success")(
            "warn,w", "warn about each improperly formatted line")(
            "strict", "exit with 1 for improperly formatted lines")("ignore-missing",
                                                                    "do not fail for missing files")(
            "extra", "list files that no manifest names, and exit with 1 if there are any; searches the "
                     "deepest directories that contain all named files")(
            "root", po::value<std::vector<std::string>>()->value_name("DIR"),
            "with --extra, search DIR instead; may be repeated");
        const std::string ranks_help =
            "number of ranks that share the files (default: " + std::to_string(checksum::ranks_per_thread) +
            " per thread)";
        running.add_options()("ranks", po::value<long>()->value_name("N"), ranks_help.c_str())(
            "threads", po::value<long>()->value_name("N"),
            "number of threads that run the ranks (default: all this process may use)");
        apps::add_progress_option(running);
        apps::add_trace_options(running);
        others.add_options()("help,h", "print this help and exit")("version", "print the version and exit");
    }

    po::options_description input{"Input", help_width, text_width};
    po::options_description output{"Output", help_width, text_width};
    po::options_description check{"Checking", help_width, text_width};
    po::options_description running{"Execution", help_width, text_width};
    po::options_description others{"Other", help_width, text_width};
};

std::string help() {
    const groups all;
    std::ostringstream text;
    text << "spmd_sum [-r] [OPTION]... [PATH]...\n"
            "spmd_sum -c [OPTION]... [MANIFEST]...\n\n"
            "Prints digests of files and directory trees as md5sum does, or checks them.\n"
            "The output is in the order of the operands, and for the files of a directory\n"
            "in the byte order of their paths. With no PATH, or when PATH is -, reads\n"
            "standard input.\n";
    for (const auto* group : {&all.input, &all.output, &all.check, &all.running, &all.others})
        text << '\n' << *group;
    text << "\nExit status: 0 success, 1 a failure or a mismatch, 2 a usage error.\n";
    return text.str();
}

std::string algorithm_list() {
    std::string list;
    for (const std::string& name : checksum::algorithm_names()) list += name + '\n';
    return list;
}

/// Value of a numeric option, parsed as signed because an unsigned type would accept -1 as a huge number.
std::size_t bounded(const po::variables_map& given, const std::string& name, std::size_t default_value,
                    std::size_t most) {
    if (given.count(name) == 0) return default_value;
    const long value = given[name].as<long>();
    if (value <= 0) throw usage_error("--" + name + " must be at least 1, not " + std::to_string(value));
    if (static_cast<std::size_t>(value) > most)
        throw usage_error("--" + name + " must be at most " + std::to_string(most) + ", not " +
                          std::to_string(value));
    return static_cast<std::size_t>(value);
}

/// The one of `names` that is given last; empty if none is given.
std::string last_of(const po::parsed_options& parsed, std::initializer_list<std::string_view> names) {
    std::string last;
    for (const po::option& each : parsed.options)
        if (std::ranges::find(names, each.string_key) != names.end()) last = each.string_key;
    return last;
}

/// Removes repeated switches, which Boost.Program_options rejects.
po::parsed_options without_repeats(po::parsed_options parsed) {
    std::set<std::string> seen;
    std::erase_if(parsed.options, [&](const po::option& each) {
        return each.value.empty() && !seen.insert(each.string_key).second;
    });
    return parsed;
}

/// The first of `names` that is given; empty if none is.
std::string first_given(const po::variables_map& given, std::initializer_list<const char*> names) {
    const auto* const found =
        std::ranges::find_if(names, [&](const char* name) { return given.count(name) > 0; });
    return found == names.end() ? "" : *found;
}

/// Rejects options that would have no effect.
void reject_meaningless(const po::variables_map& given) {
    const bool checks = given.count("check") > 0;
    if (!checks) {
        const std::string name =
            first_given(given, {"quiet", "status", "warn", "strict", "ignore-missing", "extra", "root"});
        if (!name.empty())
            throw usage_error("the --" + name + " option is meaningful only when verifying checksums");
    } else {
        const std::string name = first_given(given, {"recursive", "files0-from", "tag", "binary", "text"});
        if (!name.empty())
            throw usage_error("the --" + name + " option is meaningless when verifying checksums");
    }
    const std::string tree_option =
        first_given(given, {"dereference", "no-dereference", "one-file-system", "exclude", "root"});
    if (!tree_option.empty() && given.count(checks ? "extra" : "recursive") == 0)
        throw usage_error("the --" + tree_option + " option is meaningful only with --" +
                          (checks ? "extra" : "recursive"));
    if (given.count("json") > 0) {
        const std::string name = first_given(given, {"tag", "binary", "text"});
        const std::string other = !name.empty() ? name : checks ? "" : first_given(given, {"zero"});
        if (!other.empty()) throw usage_error("the --" + other + " option is meaningless with --json");
    }
    if (given.count("tag") > 0 && given.count("text") > 0)
        throw usage_error("--tag does not support --text mode");
    if (given.count("files0-from") > 0 && given.count("operand") > 0)
        throw usage_error("file operands cannot be combined with --files0-from: '" +
                          given["operand"].as<std::vector<std::string>>().front() + "'");
}

/// Normalises a pattern: removes trailing and repeated slashes, and components `.`, but keeps a leading slash
/// or `./` as a slash, since it makes the pattern one of paths.
std::string pattern_of(const std::string& given) {
    std::string pattern;
    bool is_path = false;
    std::istringstream parts(given);
    for (std::string part; std::getline(parts, part, '/');) {
        if (part == "..") throw usage_error("--exclude matches no path with '..': '" + given + "'");
        const bool is_redundant = part.empty() || part == ".";
        is_path = is_path || (is_redundant && pattern.empty());
        if (is_redundant) continue;
        if (!pattern.empty()) pattern += '/';
        pattern += part;
    }
    if (pattern.empty()) throw usage_error("--exclude needs a pattern, not '" + given + "'");
    return is_path && pattern.find('/') == std::string::npos ? '/' + pattern : pattern;
}

/// Options of a check. The last one of --quiet, --status and --warn takes effect, as in md5sum.
check_request check_of(const po::parsed_options& parsed, const po::variables_map& given) {
    const std::string verbosity = last_of(parsed, {"quiet", "status", "warn"});
    check_request check{.prints_good = verbosity != "quiet" && verbosity != "status",
                        .prints_any = verbosity != "status",
                        .warns_each_line = verbosity == "warn",
                        .is_strict = given.count("strict") > 0,
                        .ignores_missing = given.count("ignore-missing") > 0,
                        .lists_extra = given.count("extra") > 0};
    if (given.count("root") > 0) check.extra_roots = given["root"].as<std::vector<std::string>>();
    return check;
}

request request_of(const po::parsed_options& parsed) {
    po::variables_map given;
    po::store(without_repeats(parsed), given);
    request wanted;
    if (given.count("help") > 0) wanted.text = help();
    if (given.count("version") > 0) wanted.text = "spmd_sum " SPMD_VERSION "\n";
    if (!wanted.text.empty()) return wanted;
    reject_meaningless(given);
    const auto text_of = [&](const char* name) {
        return given.count(name) > 0 ? given[name].as<std::string>() : std::string();
    };
    if (const std::string name = text_of("algorithm"); name == "help")
        wanted.text = algorithm_list();
    else if (!name.empty() || given.count("algorithm") > 0)
        wanted.algorithm.emplace(name);
    if (given.count("operand") > 0) wanted.operands = given["operand"].as<std::vector<std::string>>();
    wanted.names_file = text_of("files0-from");
    if (given.count("files0-from") > 0 && wanted.names_file.empty())
        throw usage_error("--files0-from needs the name of a file, not ''");
    if (wanted.operands.empty() && wanted.names_file.empty()) wanted.operands = {"-"};
    wanted.output = text_of("output");
    if (given.count("output") > 0 && wanted.output.empty())
        throw usage_error("--output needs the name of a file, not ''");
    wanted.is_recursive = given.count("recursive") > 0;
    wanted.listing.follows_links = last_of(parsed, {"dereference", "no-dereference"}) == "dereference";
    wanted.listing.one_file_system = given.count("one-file-system") > 0;
    if (given.count("exclude") > 0)
        std::ranges::transform(given["exclude"].as<std::vector<std::string>>(),
                               std::back_inserter(wanted.listing.excluded), pattern_of);
    wanted.format = {.is_tagged = given.count("tag") > 0,
                     .is_binary = last_of(parsed, {"binary", "text"}) == "binary",
                     .is_zero_ended = given.count("zero") > 0};
    wanted.is_json = given.count("json") > 0;
    if (given.count("check") > 0) {
        wanted.check = check_of(parsed, given);
        wanted.check->format = {.is_zero_ended = wanted.format.is_zero_ended,
                                .digest_size = wanted.algorithm.value_or(checksum::algorithm("md5")).size()};
    }
    wanted.progress = apps::requested_progress(given);
    wanted.trace = apps::requested_trace(given);
    if (const std::string overwritten = overwritten_input(wanted); !overwritten.empty())
        throw usage_error(overwritten);
    wanted.listing.output_names = output_names(wanted);
    constexpr std::size_t most_ranks = 1'000'000;
    wanted.threads = bounded(given, "threads", spmd::available_threads(), spmd::most_threads);
    wanted.ranks = bounded(given, "ranks", checksum::ranks_per_thread * wanted.threads, most_ranks);
    return wanted;
}

} // namespace

request parse_request(int argc, const char* const* argv) {
    groups known;
    po::options_description all;
    for (const auto* group : {&known.input, &known.output, &known.check, &known.running, &known.others})
        all.add(*group);
    all.add_options()("operand", po::value<std::vector<std::string>>());
    po::positional_options_description operands;
    operands.add("operand", -1);
    try {
        return request_of(po::command_line_parser(argc, argv).options(all).positional(operands).run());
    } catch (const po::error& error) {
        throw usage_error(error.what());
    } catch (const checksum::unknown_algorithm& error) {
        throw usage_error(error.what());
    }
}

} // namespace spmd_sum
