// spmd_sum: computes and checks digests of files and directory trees, in md5sum's formats and in an order
// that does not depend on the number of threads.
#include <checksum/file_sums.hpp>
#include <spmd_sum/complaint.hpp>
#include <spmd_sum/manifest_check.hpp>
#include <spmd_sum/operand_stream.hpp>
#include <spmd_sum/output_file.hpp>
#include <spmd_sum/printer.hpp>
#include <spmd_sum/request.hpp>
#include <spmd_sum/sum_printer.hpp>
#include <spmd_sum/sum_progress.hpp>

#include <common/progress_line.hpp>
#include <common/stop_signal.hpp>
#include <common/trace_option.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <thread>
#include <utility>

namespace {

using spmd_sum::complain;
using spmd_sum::request;

enum exit_status { all_well = 0, something_failed = 1, wrong_usage = 2 };

/// The context shared by sums and checks.
struct run_context {
    const checksum::sum_options& options;
    const checksum::hasher_options& reading; // for files read outside sum_files(), such as standard input
    const apps::stop_signal& interrupted;
    spmd_sum::printer& to;
};

/// Returns true if every file could be summed.
bool print_sums(const request& wanted, const run_context& context) {
    const checksum::algorithm digest_algorithm = wanted.algorithm.value_or(checksum::algorithm("md5"));
    spmd_sum::operand_stream operands(wanted, digest_algorithm, context.reading);
    spmd_sum::sum_printer printer(wanted, digest_algorithm, context.to);
    checksum::sum_files([&](checksum::file_batch& batch) { return operands.next(batch); }, context.options,
                        context.interrupted.requested(),
                        [&](const checksum::file_batch& batch) { printer.print(batch); });
    return printer.all_good() && !operands.has_failed();
}

/// Returns true if every manifest passed.
bool check_manifests(const request& wanted, const run_context& context) {
    spmd_sum::manifest_check check(wanted, context.options, context.reading, context.interrupted.requested(),
                                   context.to);
    bool is_good = true;
    for (const std::string& manifest : wanted.operands) is_good = check.check(manifest) && is_good;
    return (!wanted.check->lists_extra || check.list_extra()) && is_good;
}

/// Dies of SIGPIPE, as a program does that writes to a closed pipe; returns if the signal was ignored at the
/// start.
void die_of_pipe(void (*handler)(int)) {
    static_cast<void>(std::signal(SIGPIPE, handler));
    static_cast<void>(std::raise(SIGPIPE));
}

/// Returns true if everything succeeded. On return or exception the progress line is erased, and no temporary
/// file is left.
bool run(request wanted, const apps::trace_file& trace, const apps::stop_signal& interrupted) {
    spmd_sum::output_file output(wanted.output);
    wanted.listing.outputs = output.identities();
    wanted.listing.stop = &interrupted.requested();
    if (struct stat status{}; !wanted.trace.path.empty() && ::stat(wanted.trace.path.c_str(), &status) == 0)
        wanted.listing.outputs.push_back({status.st_dev, status.st_ino});
    apps::progress_line line({.mode = wanted.progress, .output = ::fileno(output.stream())});
    spmd_sum::printer to(output, line);
    spmd_sum::sum_progress progress(wanted);
    std::jthread follower;
    checksum::sum_options options{
        .ranks = wanted.ranks, .threads = wanted.threads, .trace = trace.recorder()};
    if (line.is_shown()) {
        options.on_read = [&](std::size_t bytes) { progress.add_bytes(bytes); };
        options.on_file = [&] { progress.add_file(); };
        follower = std::jthread(
            [&](const std::stop_token& stop) { progress.follow(stop, interrupted.requested(), line); });
    }
    const checksum::hasher_options reading{
        .on_read = options.on_read, .on_file = options.on_file, .stop = &interrupted.requested()};
    const run_context context{options, reading, interrupted, to};
    const bool is_good = wanted.check ? check_manifests(wanted, context) : print_sums(wanted, context);
    to.pause();
    if (!interrupted.requested().load())
        output.commit(); // otherwise the output is a prefix, and a file stays as it was
    return is_good;
}

exit_status run_with_signals(request wanted) {
    const apps::trace_file trace(wanted.trace);
    const apps::stop_signal interrupted;
    const auto on_closed_pipe = std::signal(SIGPIPE, SIG_IGN); // until the progress line is erased
    const bool to_file = !wanted.output.empty();
    std::exception_ptr error;
    bool is_good = false;
    try {
        is_good = run(std::move(wanted), trace, interrupted);
    } catch (...) {
        error = std::current_exception();
    }
    try {
        if (const std::string dropped = trace.write(); !dropped.empty()) complain(dropped);
    } catch (const std::exception& failed) { // must not hide another error
        complain(failed.what());
        is_good = false;
    }
    try {
        if (error) std::rethrow_exception(error);
    } catch (const std::system_error& failed) {
        if (!to_file && failed.code() == std::errc::broken_pipe) die_of_pipe(on_closed_pipe);
        throw;
    }
    interrupted.die_if_requested();
    return is_good ? all_well : something_failed;
}

/// Opens closed standard streams such that reads and writes fail, so that no other file is given their
/// numbers.
void occupy_standard_streams() {
    for (const int each : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (::fcntl(each, F_GETFD) < 0)
            static_cast<void>(::open("/dev/null", each == STDIN_FILENO ? O_WRONLY : O_RDONLY));
}

exit_status print_text(const std::string& text) {
    spmd_sum::output_file output("");
    std::fputs(text.c_str(), output.stream());
    output.commit();
    return all_well;
}

} // namespace

int main(int argc, char** argv) {
    occupy_standard_streams();
    static_cast<void>(std::signal(SIGXFSZ, SIG_IGN)); // a write beyond the limit then fails with EFBIG
    try {
        request wanted = spmd_sum::parse_request(argc, argv);
        return wanted.text.empty() ? run_with_signals(std::move(wanted)) : print_text(wanted.text);
    } catch (const spmd_sum::usage_error& error) {
        complain(error.what());
        return wrong_usage;
    } catch (const std::exception& error) {
        complain(error.what());
        return something_failed;
    }
}
