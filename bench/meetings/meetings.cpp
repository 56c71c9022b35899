// spmd_meetings: times the same barrier and all_reduce in several ways, and prints one table.

#include "options.hpp"
#include "ways.hpp"

#include <fmt/format.h>
#include <spmd_bench/machine.hpp>
#include <spmd_bench/statistics.hpp>
#include <spmd_bench/units.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace spmd_meetings;

constexpr int exit_failure = 1;
constexpr int exit_bad_options = 2;

/// One line of the table.
struct measured_case {
    const way* how;
    std::size_t ranks;
    std::size_t meetings = 10; ///< of one sample
    std::vector<double> barrier_ns{};
    std::vector<double> all_reduce_ns{};
};

double spent_ns(const measured_case& line) {
    const sample taken = line.how->run(line.ranks, line.meetings);
    return (taken.barrier_ns + taken.all_reduce_ns) * static_cast<double>(line.meetings);
}

/// Enlarges `meetings` until a sample takes about as long as asked for, also where nothing disturbs it.
void calibrate(measured_case& line, double nanoseconds) {
    constexpr double most_growth = 100;
    for (;;) {
        const double spent = std::min(spent_ns(line), spent_ns(line));
        if (spent >= nanoseconds / 2) return;
        const double growth = std::clamp(nanoseconds / std::max(spent, 1.0), 2.0, most_growth);
        line.meetings = static_cast<std::size_t>(growth * static_cast<double>(line.meetings));
    }
}

/// The cases that can be had here; why others cannot goes to `notes`.
std::vector<measured_case> calibrated_cases(const std::vector<way>& ways, const options& asked,
                                            std::vector<std::string>& notes) {
    std::vector<measured_case> cases;
    for (const way& how : ways) {
        try {
            for (const std::size_t ranks : asked.ranks) {
                if (ranks > how.most_ranks) continue;
                measured_case line{.how = &how, .ranks = ranks};
                calibrate(line, static_cast<double>(asked.time.count()));
                cases.push_back(std::move(line));
            }
            if (std::ranges::max(asked.ranks) > how.most_ranks)
                notes.push_back(fmt::format("{}: at most {} ranks", how.name, how.most_ranks));
        } catch (const unavailable& reason) {
            std::erase_if(cases, [&](const measured_case& line) { return line.how == &how; });
            notes.push_back(fmt::format("{}: {}", how.name, reason.what()));
        }
    }
    std::ranges::sort(cases, {}, [](const measured_case& each) { return std::pair(each.ranks, each.how); });
    return cases;
}

/// Every case once per repetition, in an order drawn anew, so that what disturbs the machine disturbs all alike.
void measure(std::vector<measured_case>& cases, std::size_t repetitions) {
    std::vector<measured_case*> order;
    order.reserve(cases.size());
    for (measured_case& each : cases) order.push_back(&each);
    std::mt19937 draw(1);
    for (std::size_t repetition = 0; repetition < repetitions; ++repetition) {
        std::ranges::shuffle(order, draw);
        for (measured_case* each : order) {
            const sample taken = each->how->run(each->ranks, each->meetings);
            each->barrier_ns.push_back(taken.barrier_ns);
            each->all_reduce_ns.push_back(taken.all_reduce_ns);
        }
    }
}

/// With about three digits.
std::string figure(double value) {
    const int decimals = value < 1 ? 3 : value < 10 ? 2 : value < 100 ? 1 : 0;
    return fmt::format("{:.{}f}", value, decimals);
}

/// Of one kind of meeting: how long it took, the MAD, and that for each rank.
std::string cells(const std::vector<double>& nanoseconds, std::size_t ranks) {
    const double middle = spmd_bench::median(nanoseconds);
    return fmt::format("{:>12}{:>8}{:>10}", figure(middle / 1e3),
                       figure(spmd_bench::median_absolute_deviation(nanoseconds) / 1e3),
                       figure(middle / static_cast<double>(ranks)));
}

std::string header(const options& asked) {
    std::string text = fmt::format("machine  {}, {} threads available; virtual ranks on {}\n",
                                   spmd_bench::cpu_model(), spmd::available_threads(), asked.threads);
    text += fmt::format("runs     medians of {} samples of about {} each, in random order\n\n",
                        asked.repetitions, spmd_bench::text_of_duration(asked.time));
    text += fmt::format("{:>8}  {:<11}{:>12}{:>8}{:>10}{:>12}{:>8}{:>10}\n", "ranks", "way", "barrier", "MAD",
                        "per rank", "all_reduce", "MAD", "per rank");
    text += fmt::format("{:>8}  {:<11}{:>12}{:>8}{:>10}{:>12}{:>8}{:>10}\n", "", "", "us", "us", "ns", "us",
                        "us", "ns");
    return text;
}

std::string table(const std::vector<measured_case>& cases, const std::vector<std::string>& notes,
                  const options& asked) {
    std::string text = header(asked);
    for (const measured_case& each : cases)
        text += fmt::format("{:>8}  {:<11}{}{}\n", each.ranks, each.how->name,
                            cells(each.barrier_ns, each.ranks), cells(each.all_reduce_ns, each.ranks));
    text += "\nevery sum was checked\n";
    for (const std::string& note : notes) text += note + '\n';
    return text;
}

std::string compare(const options& asked) {
    std::vector<way> ways;
    ways.reserve(asked.ways.size());
    for (const std::string& name : asked.ways) ways.push_back(make_way(name, asked.threads));
    std::vector<std::string> notes;
    std::vector<measured_case> cases = calibrated_cases(ways, asked, notes);
    measure(cases, asked.repetitions);
    return table(cases, notes, asked);
}

int fail(int status, const char* message) {
    static_cast<void>(std::fprintf(stderr, "spmd_meetings: %s\n", message));
    return status;
}

} // namespace

int main(int argc, char** argv) {
    try {
        const options asked = parse_options({argv + 1, argv + argc});
        const std::string text = asked.help ? help_text() : compare(asked);
        const bool written = std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
        return written ? 0 : fail(exit_failure, "standard output cannot be written");
    } catch (const option_error& error) {
        return fail(exit_bad_options, error.what());
    } catch (const std::exception& error) {
        return fail(exit_failure, error.what());
    }
}
