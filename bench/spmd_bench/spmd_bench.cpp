// spmd_bench: runs the same items in several ways, compares the results, and reports the times.

#include "clean_exit.hpp"
#include "machine.hpp"
#include "measurement.hpp"
#include "options.hpp"
#include "render.hpp"
#include "report.hpp"
#include "temporary_directory.hpp"
#include "ways.hpp"
#include "workload.hpp"

#include <spmd/spmd.hpp>

#include <cerrno>
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

/// The files that are made are gone when it returns or throws.
report run(const options& asked) {
    temporary_directory scratch;
    const clean_exit guard(
        [&] { scratch.remove(); }); // before the pool, whose threads are to know no signals
    const spmd::engine_pool pool({.ranks = asked.ranks,
                                  .threads = asked.threads,
                                  .placement = asked.placement,
                                  .pin_workers = asked.pin});
    const workload work = make_workload(asked.workload, scratch);
    const auto ways = make_ways(work, pool, asked.ways);
    const std::vector<measurement> measured = measure(ways, asked.measurement);

    report made{.cpu = cpu_model(),
                .available_threads = spmd::available_threads(),
                .pool = pool.topology(),
                .asked = asked,
                .workload = description(asked.workload, work)};
    std::visit(
        [&](const auto& each) {
            made.items = each.items().size();
            made.bytes = each.bytes();
        },
        work);
    made.ways = summarise(measured, made.items, made.bytes);
    return made;
}

/// Throws: std::system_error naming the file.
void write(const std::string& text, const std::string& path) {
    const std::string name = path.empty() ? "standard output" : path;
    std::FILE* file = path.empty() ? stdout : std::fopen(path.c_str(), "w");
    if (file == nullptr) throw std::system_error(errno, std::generic_category(), name);
    const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
    const bool closed = std::fclose(file) == 0;
    if (!written || !closed) throw std::system_error(errno, std::generic_category(), name);
}

int fail(int status, const char* message) {
    static_cast<void>(std::fprintf(stderr, "spmd_bench: %s\n", message));
    return status;
}

} // namespace

int main(int argc, char** argv) {
    try {
        const options asked = parse_options({argv + 1, argv + argc});
        write(asked.help ? help_text() : render(run(asked)), asked.output);
        return 0;
    } catch (const option_error& error) {
        return fail(exit_bad_options, error.what());
    } catch (const std::bad_alloc&) {
        return fail(exit_failure, "not enough memory for so many items or ranks");
    } catch (const std::exception& error) {
        return fail(exit_failure, error.what());
    }
}
