#include <spmd_sum/request.hpp>

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

/// Columns of the help, and at least how many of them the texts have.
constexpr unsigned help_width = 100;
constexpr unsigned text_width = 68;

struct groups {
    groups() {
        input.add_options()("recursive,r", "sum the regular files under each directory")(
            "dereference,L",
            "with -r, follow symbolic links in the tree; a directory above a link is not entered again")(
            "no-dereference,P",
            "with -r, leave them out, which is the default; a PATH that is one is followed")(
            "one-file-system,x", "with -r, do not enter directories on other file systems")(
            "exclude", po::value<std::vector<std::string>>()->value_name("GLOB"),
            "with -r, leave out files and directories of such names, or, with a / in it, of such paths below "
            "PATH; may "
            "be given more than once")("files0-from", po::value<std::string>()->value_name("FILE"),
                                       "take the PATHs from FILE, each ended by NUL (-: standard input)");
        output.add_options()(
            "algorithm,a", po::value<std::string>()->value_name("NAME"),
            "what digest: md5 (the default), sha1, sha256, sha512, sha3-256, blake2b512, and all others "
            "that OpenSSL has; --algorithm=help lists them")(
            "output,o", po::value<std::string>()->value_name("FILE"),
            "write to FILE, which is replaced once all is done, and stays as it is if writing fails or a "
            "signal comes")("tag", "lines as BSD has them: MD5 (name) = digest")("binary,b",
                                                                                 "write * before names")(
            "text,t", "write a space before names, which is the default; how files are read is the same")(
            "zero,z", "end lines by NUL, and do not escape names; with -c, read such lines")(
            "json", "one JSON object a line");
        check.add_options()(
            "check,c",
            "read digests and names from each PATH, and check them; no -a is needed for lines that "
            "name their algorithm")("quiet", "no line for files that are OK")(
            "status", "no lines and no warnings: the exit status tells")(
            "warn,w", "name each line that is no manifest's")("strict", "such lines are errors")(
            "ignore-missing", "files that are not there are no errors")(
            "extra", "list files that no manifest names, which are errors: those under the deepest "
                     "directories that hold all "
                     "named files")("root", po::value<std::vector<std::string>>()->value_name("DIR"),
                                    "with --extra, look under DIR instead; may be given more than once");
        running.add_options()("ranks", po::value<long>()->value_name("N"),
                              "ranks that share the files (default: 16 a thread)")(
            "threads", po::value<long>()->value_name("N"),
            "threads that run them (default: all this process may use)");
        apps::add_progress_option(running);
        apps::add_trace_options(running);
        others.add_options()("help,h", "print this and exit")("version", "print the version and exit");
    }

    po::options_description input{"What is read", help_width, text_width};
    po::options_description output{"What is written", help_width, text_width};
    po::options_description check{"Checking", help_width, text_width};
    po::options_description running{"How it runs", help_width, text_width};
    po::options_description others{"Else", help_width, text_width};
};

std::string help() {
    const groups all;
    std::ostringstream text;
    text << "spmd_sum [-r] [OPTION]... [PATH]...\n"
            "spmd_sum -c [OPTION]... [MANIFEST]...\n\n"
            "Prints digests of files and directory trees as md5sum does, or checks them. Files come in the "
            "order\n"
            "given, those of a directory by the bytes of their paths. No PATH, or -: standard input.\n";
    for (const auto* group : {&all.input, &all.output, &all.check, &all.running, &all.others})
        text << '\n' << *group;
    text << "\nExit status: 0 all well, 1 something failed or did not match, 2 wrong usage.\n";
    return text.str();
}

std::string algorithm_list() {
    std::string list;
    for (const std::string& name : checksum::algorithm_names()) list += name + '\n';
    return list;
}

/// A number option's value. It is read as signed, since an unsigned one would take -1 for a huge number.
std::size_t bounded(const po::variables_map& given, const std::string& name, std::size_t otherwise,
                    std::size_t most) {
    if (given.count(name) == 0) return otherwise;
    const long value = given[name].as<long>();
    if (value <= 0) throw usage_error("--" + name + " is at least 1, not " + std::to_string(value));
    if (static_cast<std::size_t>(value) > most)
        throw usage_error("--" + name + " is at most " + std::to_string(most) + ", not " +
                          std::to_string(value));
    return static_cast<std::size_t>(value);
}

/// That of these that stands last, empty if none is there.
std::string last_of(const po::parsed_options& parsed, std::initializer_list<std::string_view> names) {
    std::string last;
    for (const po::option& each : parsed.options)
        if (std::ranges::find(names, each.string_key) != names.end()) last = each.string_key;
    return last;
}

/// Without what a switch is given for a second time, which Boost.Program_options takes for an error.
po::parsed_options without_repeats(po::parsed_options parsed) {
    std::set<std::string> seen;
    std::erase_if(parsed.options, [&](const po::option& each) {
        return each.value.empty() && !seen.insert(each.string_key).second;
    });
    return parsed;
}

std::string first_given(const po::variables_map& given, std::initializer_list<const char*> names) {
    const auto* const found =
        std::ranges::find_if(names, [&](const char* name) { return given.count(name) > 0; });
    return found == names.end() ? "" : *found;
}

/// An option that would do nothing is an error.
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
    const std::string of_tree =
        first_given(given, {"dereference", "no-dereference", "one-file-system", "exclude", "root"});
    if (!of_tree.empty() && given.count(checks ? "extra" : "recursive") == 0)
        throw usage_error("the --" + of_tree + " option is meaningful only with --" +
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

/// A pattern as it is matched: a slash at the end, as for a directory, says nothing, nor do a second slash and a `.` in a path.
std::string pattern_of(const std::string& given) {
    std::string pattern;
    bool is_path = false;
    std::istringstream parts(given);
    for (std::string part; std::getline(parts, part, '/');) {
        if (part == "..") throw usage_error("--exclude takes no '..', which no path has: '" + given + "'");
        const bool says_nothing = part.empty() || part == ".";
        is_path = is_path || (says_nothing && pattern.empty());
        if (says_nothing) continue;
        if (!pattern.empty()) pattern += '/';
        pattern += part;
    }
    if (pattern.empty()) throw usage_error("--exclude takes a pattern, not '" + given + "'");
    return is_path && pattern.find('/') == std::string::npos ? '/' + pattern : pattern;
}

/// Of the three that say how much is told, the last one counts, as in md5sum.
check_request check_of(const po::parsed_options& parsed, const po::variables_map& given) {
    const std::string told = last_of(parsed, {"quiet", "status", "warn"});
    check_request check{.tells_good = told != "quiet" && told != "status",
                        .tells_any = told != "status",
                        .warns_each_line = told == "warn",
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
        wanted.by.emplace(name);
    if (given.count("operand") > 0) wanted.operands = given["operand"].as<std::vector<std::string>>();
    wanted.names_file = text_of("files0-from");
    if (given.count("files0-from") > 0 && wanted.names_file.empty())
        throw usage_error("--files0-from takes the name of a file, not ''");
    if (wanted.operands.empty() && wanted.names_file.empty()) wanted.operands = {"-"};
    wanted.output = text_of("output");
    if (given.count("output") > 0 && wanted.output.empty())
        throw usage_error("--output takes the name of a file, not ''");
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
                                .digest_size = wanted.by.value_or(checksum::algorithm("md5")).size()};
    }
    wanted.progress = apps::asked_progress(given);
    wanted.trace = apps::asked_trace(given);
    if (const std::string overwritten = overwritten_input(wanted); !overwritten.empty())
        throw usage_error(overwritten);
    wanted.listing.output_names = output_names(wanted);
    constexpr std::size_t most_threads = 4096;
    constexpr std::size_t most_ranks = 1'000'000;
    wanted.threads = bounded(given, "threads", spmd::available_threads(), most_threads);
    wanted.ranks = bounded(given, "ranks", 16 * wanted.threads, most_ranks);
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
