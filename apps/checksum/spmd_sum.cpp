// spmd_sum: the MD5 of files and directory trees, in md5sum's format and in an order that does not depend on
// the number of threads.
#include <checksum/digest.hpp>
#include <checksum/file_list.hpp>
#include <checksum/file_sums.hpp>
#include <checksum/md5sum_line.hpp>
#include <spmd/spmd.hpp>

#include <boost/program_options.hpp>
#include <common/progress_line.hpp>
#include <common/progress_option.hpp>
#include <common/progress_text.hpp>
#include <common/stop_signal.hpp>
#include <common/trace_option.hpp>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <limits>
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

/// What the operands name, in their order, as batches for sum_files.
class operand_stream {
public:
    explicit operand_stream(const request& wanted) : wanted_(&wanted) {}

    /// Fills an empty batch; false when all were given.
    bool next(checksum::file_batch& batch) {
        while (batch.ranges.size() < checksum::ranges_in_batch && next_range(batch)) {
        }
        return !is_empty(batch);
    }
    /// True where something could not be listed.
    bool has_failed() const noexcept { return has_failed_; }

private:
    /// False where the batch is complete; else there is a range or a remark more, or an operand less.
    bool next_range(checksum::file_batch& batch) {
        if (tree_) return next_of_tree(batch);
        if (at_ == wanted_->operands.size()) return false;
        const std::string& operand = wanted_->operands[at_];
        std::error_code ignored; // a file that is not there is named when it is opened
        const std::filesystem::file_status status = std::filesystem::status(operand, ignored);
        const bool may_block = operand == "-" || std::filesystem::is_other(status);
        if (may_block && !is_empty(batch)) return false; // what came before does not wait for it
        ++at_;
        if (operand == "-") {
            add_standard_input(batch);
            return false;
        }
        if (!std::filesystem::is_directory(status)) {
            if (!may_join_last(batch)) batch.ranges.emplace_back();
            batch.ranges.back().names.push_back(operand);
        } else if (wanted_->recursive) {
            tree_.emplace(operand);
            root_ = operand;
        } else {
            remark(batch, operand + ": Is a directory (-r sums what is in it)");
            has_failed_ = true;
        }
        return !may_block;
    }
    static bool is_empty(const checksum::file_batch& batch) {
        return batch.ranges.empty() && batch.remarks.empty();
    }
    bool may_join_last(const checksum::file_batch& batch) const {
        return !batch.ranges.empty() && batch.ranges.back().directory.empty() &&
               batch.ranges.size() > batch.sums.size() &&
               batch.ranges.back().names.size() < checksum::files_in_range;
    }

    bool next_of_tree(checksum::file_batch& batch) {
        checksum::file_range files = tree_->next(checksum::files_in_range);
        for (const checksum::listing_error& error : tree_->take_errors()) {
            remark(batch, error.path + ": " + error.reason.message());
            has_failed_ = true;
        }
        if (!files.names.empty()) {
            batch.ranges.push_back(std::move(files));
            return true;
        }
        if (tree_->symlinks_skipped() > 0)
            remark(batch,
                   root_ + ": " + std::to_string(tree_->symlinks_skipped()) + " symbolic links not followed");
        if (tree_->special_skipped() > 0)
            remark(batch, root_ + ": " + std::to_string(tree_->special_skipped()) +
                              " FIFOs, sockets or devices left out");
        tree_.reset();
        return true;
    }

    /// Read at once: each "-" goes on where the one before ended.
    static void add_standard_input(checksum::file_batch& batch) {
        batch.ranges.push_back({.directory = {}, .names = {"-"}});
        batch.sums.resize(batch.ranges.size());
        checksum::file_sum sum{.is_done = true};
        try {
            sum.digest = checksum::md5_of_descriptor(STDIN_FILENO, "-");
        } catch (const std::exception& error) {
            sum.error = error.what();
        }
        batch.sums.back().push_back(std::move(sum));
    }

    static void remark(checksum::file_batch& batch, std::string text) {
        batch.remarks.push_back(std::move(text));
    }

    const request* wanted_;
    std::size_t at_ = 0; // the next operand
    std::optional<checksum::tree_lister> tree_;
    std::string root_;
    bool has_failed_ = false;
};

/// Prints sums as they come.
class sum_printer {
public:
    explicit sum_printer(apps::progress_line& line) : line_(&line) {}

    /// Prints up to the first sum that is not done. Throws: std::system_error where standard output cannot be written.
    void print(const checksum::file_batch& batch) {
        std::unique_lock<std::timed_mutex> hidden;
        if (to_terminal_ || !batch.remarks.empty()) hidden = line_->hide();
        for (const std::string& remark : batch.remarks) complain(remark);
        for (std::size_t range = 0; range < batch.ranges.size() && !is_over_; ++range)
            print(batch.ranges[range], batch.sums[range], hidden);
        if (to_terminal_) std::fflush(stdout);
        if (std::ferror(stdout) != 0) throw std::system_error(errno, std::generic_category(), "write error");
    }
    bool all_good() const noexcept { return all_good_; }

private:
    void print(const checksum::file_range& files, const std::vector<checksum::file_sum>& sums,
               std::unique_lock<std::timed_mutex>& hidden) {
        for (std::size_t i = 0; i < sums.size(); ++i) {
            if (!sums[i].is_done) {
                is_over_ = true; // a signal has come: what is printed is a prefix
                return;
            }
            if (!sums[i].error.empty()) {
                if (!hidden) hidden = line_->hide();
                complain(sums[i].error);
                all_good_ = false;
                continue;
            }
            const std::string text = checksum::md5sum_line(sums[i].digest, files.directory + files.names[i]);
            std::fwrite(text.data(), 1, text.size(), stdout);
        }
    }

    apps::progress_line* line_;
    bool to_terminal_ = ::isatty(STDOUT_FILENO) == 1;
    bool all_good_ = true;
    bool is_over_ = false;
};

/// How far the sums are, for a progress line. How many files there are, and how large, is found out meanwhile by a walk of its
/// own, so that nothing waits for that.
class progress_of_sums {
public:
    explicit progress_of_sums(const request& wanted) : wanted_(&wanted) {}

    void add_bytes(std::size_t bytes) noexcept { bytes_.fetch_add(bytes, std::memory_order_relaxed); }
    void add_file() noexcept { files_.fetch_add(1, std::memory_order_relaxed); }

    /// Draws the line until a stop is requested, or the program was interrupted: the line is then gone.
    void follow(const std::stop_token& stop, const std::atomic<bool>& interrupted,
                apps::progress_line& line) {
        const auto draw = [&] { line.show([&] { return parts(); }); };
        for (const std::string& operand : wanted_->operands) count(operand, stop, draw);
        all_known_ = true;
        std::mutex mutex;
        std::condition_variable_any stopped;
        std::unique_lock lock(mutex);
        while (!stop.stop_requested()) {
            if (interrupted.load()) return line.close();
            draw();
            stopped.wait_for(lock, stop, apps::progress_line::interval, [] { return false; });
        }
    }

private:
    void count(const std::string& operand, const std::stop_token& stop, const std::function<void()>& draw) {
        std::error_code ignored; // what has no size adds none
        if (!std::filesystem::is_directory(operand, ignored)) return count_file(operand);
        if (!wanted_->recursive) return;
        checksum::tree_lister tree(operand);
        for (auto files = tree.next(checksum::files_in_range); !files.names.empty() && !stop.stop_requested();
             files = tree.next(checksum::files_in_range)) {
            for (const std::string& name : files.names) count_file(files.directory + name);
            draw();
        }
    }
    void count_file(const std::string& path) {
        std::error_code ignored;
        const std::uintmax_t size = std::filesystem::file_size(path, ignored);
        if (!ignored) all_bytes_ += size;
        ++all_files_;
    }
    std::vector<std::string> parts() const {
        const std::uint64_t files_done = files_.load(std::memory_order_relaxed);
        const std::uint64_t bytes = bytes_.load(std::memory_order_relaxed);
        const auto elapsed = std::chrono::steady_clock::now() - begin_;
        const double seconds = std::chrono::duration<double>(elapsed).count();
        const bool by_bytes = all_known_ && all_bytes_ > 0;
        const std::uint64_t done = by_bytes ? std::min(bytes, all_bytes_) : files_done;
        const std::uint64_t total = by_bytes ? all_bytes_ : all_files_;
        std::vector<std::string> all;
        if (all_known_) {
            all.push_back(apps::percent(done, total));
            if (std::string left = apps::time_left(elapsed, done, total); !left.empty())
                all.push_back(std::move(left));
        }
        all.push_back(std::to_string(files_done) + " of " + std::to_string(all_files_) +
                      (all_known_ ? " files" : " files or more"));
        all.push_back(apps::size_text(static_cast<double>(bytes)) +
                      (by_bytes ? " of " + apps::size_text(static_cast<double>(all_bytes_)) : ""));
        all.push_back(apps::size_text(static_cast<double>(bytes) / seconds) + "/s");
        return all;
    }

    const request* wanted_;
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
    std::uint64_t all_bytes_ = 0;
    std::uint64_t all_files_ = 0;
    bool all_known_ = false;
    std::atomic<std::uint64_t> bytes_{0};
    std::atomic<std::uint64_t> files_{0};
};

exit_status fail_to_write(int error) {
    complain("write error: " + std::generic_category().message(error));
    return something_failed;
}

exit_status finish_output(bool good) {
    if (std::fflush(stdout) != 0) return fail_to_write(errno);
    return good ? all_well : something_failed;
}

exit_status print_sums(const request& wanted) {
    const apps::trace_file trace(wanted.trace);
    const apps::stop_signal interrupted;
    const auto on_closed_pipe = std::signal(SIGPIPE, SIG_IGN); // until the line is gone
    apps::progress_line line({.mode = wanted.progress});
    operand_stream operands(wanted);
    sum_printer printer(line);
    progress_of_sums progress(wanted);
    std::jthread follower;
    checksum::sum_options options{
        .ranks = wanted.ranks, .threads = wanted.threads, .trace = trace.recorder()};
    if (line.is_shown()) {
        options.on_read = [&](std::size_t bytes) { progress.add_bytes(bytes); };
        options.on_file = [&] { progress.add_file(); };
        follower = std::jthread(
            [&](const std::stop_token& stop) { progress.follow(stop, interrupted.requested(), line); });
    }
    int write_error = 0;
    try {
        checksum::sum_files([&](checksum::file_batch& batch) { return operands.next(batch); }, options,
                            interrupted.requested(),
                            [&](const checksum::file_batch& batch) { printer.print(batch); });
    } catch (const std::system_error& error) {
        write_error = error.code().value();
    }
    line.close();
    if (const std::string dropped = trace.write(); !dropped.empty()) complain(dropped);
    if (write_error == EPIPE) {
        static_cast<void>(std::signal(SIGPIPE, on_closed_pipe));
        static_cast<void>(std::raise(SIGPIPE)); // returns where it was ignored
    }
    if (write_error != 0) return fail_to_write(write_error);
    const exit_status ended = finish_output(printer.all_good() && !operands.has_failed());
    interrupted.die_if_requested();
    return ended;
}

exit_status run(const request& wanted) {
    if (wanted.text.empty()) return print_sums(wanted);
    std::fputs(wanted.text.c_str(), stdout);
    return finish_output(true);
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
