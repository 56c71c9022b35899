// spmd_sum: the MD5 of files and directory trees, in md5sum's format and in an order that does not depend on
// the number of threads.
#include <checksum/digest.hpp>
#include <checksum/file_list.hpp>
#include <checksum/md5sum_line.hpp>
#include <spmd/spmd.hpp>

#include <boost/program_options.hpp>
#include <common/clean_exit.hpp>
#include <common/progress_line.hpp>
#include <common/progress_option.hpp>
#include <common/progress_text.hpp>
#include <common/trace_option.hpp>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace {

namespace options = boost::program_options;

enum exit_status { all_well = 0, something_failed = 1, wrong_usage = 2 };

struct request {
    std::vector<std::string> operands;
    bool recursive = false;
    std::size_t ranks = 0;
    std::size_t threads = 0;
    apps::progress_mode progress = apps::progress_mode::automatic;
    apps::trace_request trace;
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
        "threads that run them (default: all this process may use)");
    apps::add_progress_option(all);
    apps::add_trace_options(all);
    all.add_options()("help,h", "print this and exit")("version", "print the version and exit");
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
    wanted.progress = apps::asked_progress(given);
    wanted.trace = apps::asked_trace(given);
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

/// Prints the sums of the files from `first` on; true when there is one for each.
bool print(const std::vector<std::string>& files, std::size_t first, const std::vector<summed>& sums,
           apps::progress_line& line) {
    static const bool to_terminal = ::isatty(STDOUT_FILENO) == 1;
    std::unique_lock<std::timed_mutex> hidden;
    if (to_terminal) hidden = line.hide();
    bool all_good = true;
    for (std::size_t i = 0; i < sums.size(); ++i) {
        if (sums[i].error.empty()) {
            const std::string text = checksum::md5sum_line(sums[i].digest, files[first + i]);
            std::fwrite(text.data(), 1, text.size(), stdout);
        } else {
            if (!hidden) hidden = line.hide();
            complain(sums[i].error);
            all_good = false;
        }
    }
    if (to_terminal) std::fflush(stdout);
    return all_good;
}

/// How far the sums of some files are, for a progress line. Their sizes are asked for meanwhile, so that nothing
/// waits for that.
class progress_of_files {
public:
    explicit progress_of_files(const std::vector<std::string>& files) : files_(files) {}

    void add_bytes(std::size_t bytes) noexcept { bytes_.fetch_add(bytes, std::memory_order_relaxed); }

    /// Draws the line until a stop is requested; `files_done` tells how many files were summed.
    void follow(const std::stop_token& stop, apps::progress_line& line,
                const std::function<std::size_t()>& files_done) {
        for (const std::string& file : files_) {
            if (stop.stop_requested()) return;
            std::error_code ignored; // what has no size adds none
            const std::uintmax_t size = std::filesystem::file_size(file, ignored);
            if (!ignored) all_bytes_ += size;
            line.show([&] { return parts(files_done()); });
        }
        sizes_known_ = true;
        std::mutex mutex;
        std::condition_variable_any stopped;
        std::unique_lock lock(mutex);
        while (!stop.stop_requested()) {
            line.show([&] { return parts(files_done()); });
            stopped.wait_for(lock, stop, apps::progress_line::interval, [] { return false; });
        }
    }

private:
    std::vector<std::string> parts(std::size_t files_done) const {
        const std::uint64_t bytes = bytes_.load(std::memory_order_relaxed);
        const auto elapsed = std::chrono::steady_clock::now() - begin_;
        const double seconds = std::chrono::duration<double>(elapsed).count();
        const bool by_bytes = sizes_known_ && all_bytes_ > 0;
        const std::uint64_t done = by_bytes ? std::min(bytes, all_bytes_) : files_done;
        const std::uint64_t total = by_bytes ? all_bytes_ : files_.size();
        std::vector<std::string> all{apps::percent(done, total)};
        if (std::string left = apps::time_left(elapsed, done, total); !left.empty())
            all.push_back(std::move(left));
        all.push_back(std::to_string(files_done) + " of " + std::to_string(files_.size()) + " files");
        all.push_back(apps::size_text(static_cast<double>(bytes)) +
                      (by_bytes ? " of " + apps::size_text(static_cast<double>(all_bytes_)) : ""));
        all.push_back(apps::size_text(static_cast<double>(bytes) / seconds) + "/s");
        return all;
    }

    const std::vector<std::string>& files_;
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
    std::uint64_t all_bytes_ = 0;
    bool sizes_known_ = false;
    std::atomic<std::uint64_t> bytes_{0};
};

/// Whether there was a sum for each file, and why they could not be printed; 0 where they could.
struct printed_sums {
    bool all_good = true;
    int write_error = 0;
};

printed_sums print_sums(const request& wanted, const std::vector<std::string>& files) {
    const std::map<std::size_t, summed> from_input = sums_of_standard_input(files);
    const apps::trace_file trace(wanted.trace);
    apps::progress_line line({.mode = wanted.progress});
    std::optional<apps::clean_exit> guard; // before the pool, whose threads are to know no signals
    if (line.is_shown()) guard.emplace([&] { line.close(); });
    progress_of_files progress(files);
    const std::function<void(std::size_t)> on_read =
        line.is_shown() ? [&](std::size_t bytes) { progress.add_bytes(bytes); }
                        : std::function<void(std::size_t)>();
    // Ranks beyond the files would have nothing to do.
    const std::size_t ranks =
        std::clamp<std::size_t>(wanted.ranks, 1, std::max<std::size_t>(files.size(), 1));
    const spmd::engine_pool pool{{.ranks = ranks, .threads = wanted.threads, .trace = trace.recorder()}};
    auto sums = pool.broadcast([&](spmd::rank me) {
        std::vector<summed> mine;
        for (const std::size_t i : me.part(files.size()).indices()) {
            if (me.stop_requested()) break;
            const auto found = from_input.find(i);
            mine.push_back(found != from_input.end() ? found->second : sum_or_error([&] {
                return checksum::md5_of_rest(checksum::file_reader{files[i]}, on_read);
            }));
            me.advance();
        }
        return mine;
    });
    std::jthread follower;
    if (line.is_shown())
        follower = std::jthread([&](const std::stop_token& stop) {
            progress.follow(stop, line, [&] { return sums.progress().items; });
        });
    printed_sums ended;
    std::size_t printed = 0;
    for (const std::vector<summed>& part : sums.in_order()) {
        ended.all_good = print(files, printed, part, line) && ended.all_good;
        printed += part.size();
        if (std::ferror(stdout) == 0) continue;
        ended.write_error = errno;
        break;
    }
    if (const std::string dropped = trace.write(); !dropped.empty()) complain(dropped);
    return ended;
}

/// `write_error`: an earlier one.
exit_status finish_output(bool good, int write_error = 0) {
    if (write_error == 0 && std::fflush(stdout) == 0) return good ? all_well : something_failed;
    complain("write error: " + std::generic_category().message(write_error != 0 ? write_error : errno));
    return something_failed;
}

exit_status run(const request& wanted) {
    if (!wanted.text.empty()) {
        std::fputs(wanted.text.c_str(), stdout);
        return finish_output(true);
    }
    const expanded all = expand(wanted);
    const printed_sums ended = print_sums(wanted, all.files);
    return finish_output(ended.all_good && !all.failed, ended.write_error);
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
