// spmd_sum: the MD5 of files and directory trees, in md5sum's format and in an order that does not depend on
// the number of threads.
#include <checksum/digest.hpp>
#include <checksum/file_list.hpp>
#include <checksum/md5sum_line.hpp>
#include <spmd/spmd.hpp>

#include <boost/program_options.hpp>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iterator>
#include <limits>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace {

namespace options = boost::program_options;

enum exit_status { all_well = 0, something_failed = 1, wrong_usage = 2 };

struct request {
    std::vector<std::string> operands;
    bool recursive = false;
    std::size_t ranks = 0;
    std::size_t threads = 0;
    std::string text; ///< if not empty, what to print instead of anything else
};

/// A file's digest, or why there is none.
struct summed {
    checksum::md5 digest{};
    std::string error;
};

/// One line, whatever a name holds: control characters are shown as GNU's shell-escape quoting shows them.
void complain(std::string_view message) {
    std::string line = "spmd_sum: ";
    for (const char c : message) {
        constexpr int digits = 8;
        char escaped[digits];
        if (static_cast<unsigned char>(c) >= ' ' && c != '\x7f')
            line += c;
        else if (std::snprintf(escaped, sizeof escaped, "\\%03o",
                               static_cast<unsigned>(static_cast<unsigned char>(c))) > 0)
            line += escaped;
    }
    std::fflush(stdout);
    std::fprintf(stderr, "%s\n", line.c_str());
}

options::options_description described() {
    options::options_description all("Options");
    all.add_options()("recursive,r", "sum the regular files under each directory")(
        "ranks", options::value<long>()->value_name("N"),
        "ranks that share the files (default: 16 a thread)")(
        "threads", options::value<long>()->value_name("N"),
        "threads that run them (default: all this process may use)")("help,h", "print this and exit")(
        "version", "print the version and exit");
    return all;
}

std::string help() {
    std::ostringstream text;
    text << "spmd_sum [-r] [PATH...]: prints the MD5 of each PATH (- or none: standard input) as md5sum "
            "does,\n"
            "in the order given, the files of a directory by the bytes of their paths.\n\n"
         << described() << "\nExit status: 0 all well, 1 something could not be summed, 2 wrong usage.\n";
    return text.str();
}

/// A number option's value. It is read as signed, since an unsigned one would take -1 for a huge number.
std::size_t bounded(const options::variables_map& given, const std::string& name, std::size_t otherwise,
                    std::size_t most) {
    if (given.count(name) == 0) return otherwise;
    const long value = given[name].as<long>();
    if (value <= 0) throw options::error("--" + name + " is at least 1, not " + std::to_string(value));
    if (static_cast<std::size_t>(value) > most)
        throw options::error("--" + name + " is at most " + std::to_string(most) + ", not " +
                             std::to_string(value));
    return static_cast<std::size_t>(value);
}

request parse(int argc, char** argv) {
    options::options_description all = described();
    all.add_options()("operand", options::value<std::vector<std::string>>());
    options::positional_options_description operands;
    operands.add("operand", -1);
    options::variables_map given;
    options::store(options::command_line_parser(argc, argv).options(all).positional(operands).run(), given);
    request wanted;
    if (given.count("help") > 0) wanted.text = help();
    if (given.count("version") > 0) wanted.text = "spmd_sum " SPMD_VERSION "\n";
    if (given.count("operand") > 0) wanted.operands = given["operand"].as<std::vector<std::string>>();
    if (wanted.operands.empty()) wanted.operands = {"-"};
    wanted.recursive = given.count("recursive") > 0;
    constexpr std::size_t any = std::numeric_limits<std::size_t>::max();
    wanted.threads = bounded(given, "threads", spmd::available_threads(), 4096);
    wanted.ranks = bounded(given, "ranks", 16 * wanted.threads, any);
    return wanted;
}

/// The files that the operands name, in order. What cannot be listed is said; `failed` becomes true then.
struct expanded {
    std::vector<std::string> files;
    bool failed = false;
};

void expand_directory(const std::string& directory, expanded& all) {
    checksum::file_listing listing = checksum::list_files(directory);
    for (const checksum::listing_error& error : listing.errors) {
        complain(error.path + ": " + error.reason.message());
        all.failed = true;
    }
    if (listing.symlinks_skipped > 0)
        complain(directory + ": " + std::to_string(listing.symlinks_skipped) +
                 " symbolic links not followed");
    if (listing.special_skipped > 0)
        complain(directory + ": " + std::to_string(listing.special_skipped) +
                 " FIFOs, sockets or devices left out");
    std::ranges::move(listing.files, std::back_inserter(all.files));
}

expanded expand(const request& wanted) {
    expanded all;
    for (const std::string& operand : wanted.operands) {
        std::error_code ignored; // a file that is not there is named when it is opened
        if (operand == "-" || !std::filesystem::is_directory(operand, ignored)) {
            all.files.push_back(operand);
        } else if (wanted.recursive) {
            expand_directory(operand, all);
        } else {
            complain(operand + ": Is a directory (-r sums what is in it)");
            all.failed = true;
        }
    }
    return all;
}

template <class Sum>
summed sum_or_error(Sum&& sum) {
    try {
        return {sum(), {}};
    } catch (const std::exception& error) {
        return {{}, error.what()};
    }
}

/// Of each operand "-", by index: one after the other, since each goes on where the one before ended.
std::map<std::size_t, summed> sums_of_standard_input(const std::vector<std::string>& files) {
    std::map<std::size_t, summed> sums;
    for (std::size_t i = 0; i < files.size(); ++i)
        if (files[i] == "-")
            sums[i] = sum_or_error([] { return checksum::md5_of_descriptor(STDIN_FILENO, "-"); });
    return sums;
}

bool print(const std::vector<std::string>& files, std::size_t first, const std::vector<summed>& sums) {
    bool all_good = true;
    for (std::size_t i = 0; i < sums.size(); ++i) {
        if (sums[i].error.empty()) {
            const std::string line = checksum::md5sum_line(sums[i].digest, files[first + i]);
            std::fwrite(line.data(), 1, line.size(), stdout);
        } else {
            complain(sums[i].error);
            all_good = false;
        }
    }
    return all_good;
}

exit_status finish_output(bool good) {
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return good ? all_well : something_failed;
    complain("write error: " + std::generic_category().message(errno));
    return something_failed;
}

exit_status run(const request& wanted) {
    if (!wanted.text.empty()) {
        std::fputs(wanted.text.c_str(), stdout);
        return finish_output(true);
    }
    const expanded all = expand(wanted);
    bool good = !all.failed;
    const std::map<std::size_t, summed> from_input = sums_of_standard_input(all.files);
    // Ranks beyond the files would have nothing to do.
    const std::size_t ranks =
        std::clamp<std::size_t>(wanted.ranks, 1, std::max<std::size_t>(all.files.size(), 1));
    const spmd::engine_pool pool{{.ranks = ranks, .threads = wanted.threads}};
    auto sums = pool.broadcast([&](spmd::rank me) {
        std::vector<summed> mine;
        for (const std::size_t i : me.part(all.files.size()).indices()) {
            if (me.stop_requested()) break;
            const auto found = from_input.find(i);
            mine.push_back(found != from_input.end() ? found->second : sum_or_error([&] {
                return checksum::md5_of_file(all.files[i]);
            }));
        }
        return mine;
    });
    std::size_t printed = 0;
    for (const std::vector<summed>& part : sums.in_order()) {
        good = print(all.files, printed, part) && good;
        printed += part.size();
        if (std::ferror(stdout) != 0) break;
    }
    return finish_output(good);
}

} // namespace

int main(int argc, char** argv) {
    try {
        return run(parse(argc, argv));
    } catch (const options::error& error) {
        complain(error.what());
        return wrong_usage;
    } catch (const std::exception& error) {
        complain(error.what());
        return something_failed;
    }
}
