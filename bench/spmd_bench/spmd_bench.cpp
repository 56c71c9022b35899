// spmd_bench: runs the same items in several ways, compares the results, and reports the times; or compares
// two reports.

#include "spmd_bench/analysis/report.hpp"
#include "spmd_bench/compare/compare_command.hpp"
#include "spmd_bench/options/help.hpp"
#include "spmd_bench/options/options.hpp"
#include "spmd_bench/report/peer_report.hpp"
#include "spmd_bench/report/render.hpp"
#include "spmd_bench/report/stored_report.hpp"
#include "spmd_bench/report/topology.hpp"
#include "spmd_bench/run/experiment.hpp"
#include "spmd_bench/run/machine.hpp"

#include <spmd/spmd.hpp>

#include <common/clean_exit.hpp>
#include <common/progress_line.hpp>
#include <common/progress_text.hpp>
#include <environment/temporary_directory.hpp>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <system_error>
#include <vector>

namespace {

using namespace spmd_bench;

constexpr int exit_failure = 1;
constexpr int exit_bad_options = 2;

/// The parts of the progress line.
std::vector<std::string> parts(const measure_progress& now, std::size_t rounds,
                               std::chrono::steady_clock::time_point begin) {
    if (now.round == 0) return {"warming up", "now " + std::string(name_of(now.way))};
    std::vector<std::string> all{apps::percent(now.done, now.total)};
    if (now.done > 0)
        all.push_back(apps::time_left(std::chrono::steady_clock::now() - begin, now.done, now.total));
    all.push_back("round " + std::to_string(now.round) + " of " + std::to_string(rounds));
    all.push_back("now " + std::string(name_of(now.way)));
    return all;
}

int fail(int status, const char* message) {
    static_cast<void>(std::fprintf(stderr, "spmd_bench: %s\n", message));
    return status;
}

/// Runs the experiment. Generated files are removed when it returns or throws.
report run(const options& request) {
    const apps::trace_file trace(request.trace);
    temporary_directory scratch;
    apps::progress_line line({.mode = request.progress});
    const apps::clean_exit guard([&] { // before the pools, whose threads must have signals blocked
        line.close();
        scratch.remove();
    });
    const auto begin = std::chrono::steady_clock::now();
    report result = run_experiment(request, scratch, trace.recorder(), [&](const measure_progress& now) {
        line.show([&] { return parts(now, request.measurement.repetitions, begin); });
    });
    line.close();
    if (const std::string dropped = trace.write(); !dropped.empty())
        static_cast<void>(std::fprintf(stderr, "spmd_bench: %s\n", dropped.c_str()));
    return result;
}

topology_report topology_of(const options& request) {
    const spmd::engine_pool pool(pool_at(request, points_of(request.axes).front()));
    return {.cpu = cpu_model(),
            .cpus = spmd::allowed_cpus(),
            .cpu_quota = spmd::cgroup_cpu_quota(),
            .available_threads = spmd::available_threads(),
            .machine = spmd::this_machine(),
            .pool = pool.topology(),
            .request = request};
}

/// Writes to a file, or to standard output where the path is empty. Throws: std::system_error naming the
/// file.
void write(const std::string& text, const std::string& path) {
    const std::string name = path.empty() ? "standard output" : path;
    std::FILE* file = path.empty() ? stdout : std::fopen(path.c_str(), "w");
    if (file == nullptr) throw std::system_error(errno, std::generic_category(), name);
    const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
    const bool closed = std::fclose(file) == 0;
    if (!written || !closed) throw std::system_error(errno, std::generic_category(), name);
}

void run_and_write(const options& request) {
    for (const std::string& peer : request.peer_reports)
        static_cast<void>(read_report(peer)); // an error is reported before the run, not after
    report result = run(request);
    for (const std::string& peer : request.peer_reports) add_peer_report(result, peer);
    write(render(result, request.format), request.output);
    for (const report_file& file : request.files) write(render(result, file.format), file.path);
}

} // namespace

int main(int argc, char** argv) {
    try {
        const std::vector<std::string> arguments(argv + 1, argv + argc);
        if (!arguments.empty() && arguments.front() == "compare") {
            const command_result compared = run_compare({arguments.begin() + 1, arguments.end()});
            write(compared.text, {});
            return compared.status;
        }
        const options request = parse_options(arguments);
        if (request.help)
            write(help_text(), request.output);
        else if (request.topology)
            write(render(topology_of(request)), request.output);
        else
            run_and_write(request);
        return 0;
    } catch (const option_error& error) {
        return fail(exit_bad_options, error.what());
    } catch (const report_error& error) {
        return fail(exit_bad_options, error.what());
    } catch (const std::bad_alloc&) {
        return fail(exit_failure, "not enough memory for so many items or ranks");
    } catch (const std::exception& error) {
        return fail(exit_failure, error.what());
    }
}
