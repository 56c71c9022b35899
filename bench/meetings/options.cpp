#include "options.hpp"

#include <boost/program_options.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spmd_bench/units.hpp>

#include <algorithm>
#include <sstream>

namespace spmd_meetings {
namespace {

namespace po = boost::program_options;

constexpr std::size_t most_ranks = 100'000'000;
constexpr std::size_t most_threads = 4096;
constexpr std::size_t most_repetitions = 1'000'000;

po::options_description described() {
    const options usual;
    po::options_description all("Options");
    const auto add = [&all](const char* name, const char* value, const std::string& text) {
        all.add_options()(name, po::value<std::string>()->value_name(value), text.c_str());
    };
    add("ranks", "LIST",
        fmt::format("how many, joined by commas ({} to {})", usual.ranks.front(), usual.ranks.back()));
    add("ways", "LIST", fmt::format("which ways, joined by commas ({})", fmt::join(usual.ways, ",")));
    add("threads", "N", fmt::format("that run virtual ranks (here {})", usual.threads));
    add("repetitions", "N", fmt::format("measurements of each ({})", usual.repetitions));
    add("time", "TIME", "of one measurement, about: 100us, 20ms, 1s (20ms)");
    all.add_options()("help,h", "print this and exit");
    return all;
}

po::variables_map parsed(const std::vector<std::string>& arguments) {
    po::variables_map given;
    try {
        using namespace po::command_line_style;
        const int style = unix_style & ~allow_guessing;
        const po::positional_options_description none;
        const po::options_description all = described();
        po::store(po::command_line_parser(arguments).options(all).positional(none).style(style).run(), given);
    } catch (const po::error& error) {
        throw option_error(error.what());
    }
    return given;
}

std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> words;
    std::istringstream stream(text);
    for (std::string word; std::getline(stream, word, ',');) words.push_back(word);
    return words;
}

std::size_t count_in(const std::string& option, const std::string& text, std::size_t most) {
    const auto count = spmd_bench::parse_count(text);
    if (!count || *count < 1 || *count > most)
        throw option_error(
            fmt::format("--{} takes whole numbers from 1 to {}, not '{}'", option, most, text));
    return *count;
}

std::vector<std::string> ways_in(const std::string& text) {
    const std::vector<std::string> all = options().ways;
    std::vector<std::string> chosen = split(text);
    for (const std::string& each : chosen)
        if (std::ranges::find(all, each) == all.end())
            throw option_error(fmt::format("--ways takes {}, not '{}'", fmt::join(all, ", "), each));
    return chosen;
}

} // namespace

options parse_options(const std::vector<std::string>& arguments) {
    const po::variables_map given = parsed(arguments);
    options asked;
    asked.help = given.count("help") != 0;
    const auto read = [&given](const std::string& name, const auto& use) {
        if (given.count(name) == 0) return;
        const auto& text = given[name].as<std::string>();
        if (text.empty()) throw option_error("--" + name + " is given nothing");
        use(text);
    };
    read("ranks", [&](const std::string& text) {
        asked.ranks.clear();
        for (const std::string& each : split(text))
            asked.ranks.push_back(count_in("ranks", each, most_ranks));
    });
    read("ways", [&](const std::string& text) { asked.ways = ways_in(text); });
    read("threads",
         [&](const std::string& text) { asked.threads = count_in("threads", text, most_threads); });
    read("repetitions", [&](const std::string& text) {
        asked.repetitions = count_in("repetitions", text, most_repetitions);
    });
    read("time", [&](const std::string& text) {
        const auto time = spmd_bench::parse_duration(text);
        if (!time)
            throw option_error(fmt::format("--time takes a time such as 100us or 20ms, not '{}'", text));
        asked.time = *time;
    });
    return asked;
}

std::string help_text() {
    std::ostringstream text;
    text << "Usage: spmd_meetings [option...]\n"
            "Times a barrier and an all_reduce of a double among virtual ranks, threads and\n"
            "processes (MPI, where OpenMPI is installed), and checks each sum.\n\n"
         << described()
         << "\nWays:\n"
            "  spmd         coroutine ranks of one engine pool\n"
            "  openmp       threads of one parallel region, at most 64\n"
            "  std_barrier  threads at a std::barrier, at most 64\n"
            "  mpi          processes started by mpirun --oversubscribe, at most 64\n";
    return text.str();
}

} // namespace spmd_meetings
