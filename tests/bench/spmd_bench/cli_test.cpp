// Guards against: wrong exit statuses, output on the wrong stream, and files left behind by an error or a
// signal.

#include "support/pseudo_terminal.hpp"
#include "support/running_program.hpp"
#include "support/temporary_directory.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

using test_support::temporary_directory;
using namespace std::chrono_literals;

namespace {

std::string content_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// A running spmd_bench, with its own TMPDIR and its output in files.
class running_bench {
public:
    running_bench(const std::string& arguments, const temporary_directory& place,
                  void (*before_start)() = nullptr)
        : out_(place / "out"), error_(place / "error"), scratch_(place.make_directory("tmp")) {
        std::istringstream stream(arguments);
        std::vector<std::string> words{SPMD_BENCH_PATH};
        words.insert(words.end(), std::istream_iterator<std::string>(stream), {});
        std::vector<char*> argv;
        for (std::string& word : words) argv.push_back(word.data());
        argv.push_back(nullptr);
        child_ = ::fork();
        REQUIRE(child_ >= 0);
        if (child_ == 0) {
            ::setenv("TMPDIR", scratch_.c_str(), 1);
            constexpr int mode = 0600;
            ::dup2(::open(out_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, mode), STDOUT_FILENO);
            ::dup2(::open(error_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, mode), STDERR_FILENO);
            if (before_start != nullptr) before_start();
            ::execv(argv[0], argv.data());
            ::_exit(127);
        }
    }

    void send(int signal) const { REQUIRE(::kill(child_, signal) == 0); }
    /// Returns the status of waitpid(2).
    int wait() const {
        int status = 0;
        REQUIRE(::waitpid(child_, &status, 0) == child_);
        return status;
    }
    /// Returns when its TMPDIR has at least `least` files; fails if it never has.
    void await_files(std::size_t least) const {
        const auto latest = std::chrono::steady_clock::now() + 60s;
        while (count_files() < least) {
            if (std::chrono::steady_clock::now() > latest) FAIL("it creates no files");
            std::this_thread::sleep_for(1ms);
        }
    }
    bool left_nothing() const { return std::filesystem::is_empty(scratch_); }
    std::string out() const { return content_of(out_); }
    std::string error() const { return content_of(error_); }

private:
    std::size_t count_files() const {
        std::error_code vanished;
        std::size_t count = 0;
        for (std::filesystem::recursive_directory_iterator each(scratch_, vanished), end; each != end;
             each.increment(vanished))
            ++count;
        return count;
    }

    std::string out_;
    std::string error_;
    std::string scratch_;
    pid_t child_ = -1;
};

/// Interrupts a run as soon as it has `files` files, and checks that they are removed and that it ends by
/// `signal`.
void check_cleanup(const std::string& arguments, std::size_t files, int signal) {
    CAPTURE(arguments, signal);
    const temporary_directory place;
    const running_bench bench(arguments, place);
    bench.await_files(files);
    bench.send(signal);
    const int status = bench.wait();
    REQUIRE(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == signal);
    CHECK(bench.left_nothing());
    CHECK(bench.out().empty());
    CHECK(bench.error().empty());
}

} // namespace

TEST_CASE("each command has its exit status, output and errors, and leaves no file") {
    struct command {
        const char* name;
        const char* arguments;
        int status;
        const char* out;   // searched for, by regex
        const char* error; // matched as a whole, by regex
    };
    const std::vector<command> table{
        {"help", "--help", 0, "^Usage: spmd_bench", ""},
        {"the table", "--ranks 4 --repetitions 6", 0, "\nspmd +[0-9.]+ ", ""},
        {"every way", "--ranks 4 --repetitions 2", 0, "\nread +[0-9.]+ [^]*\nCannot tell: spmd took .* 2 ",
         ""},
        {"a sweep", "--workload spin --ranks 1,4 --item-cost 0:200ns:+100ns --items 9 --repetitions 2", 0,
         "\nranks  item cost .*\n1           0 ns .*\n1         100 ns .*\n1         200 ns .*\n4           "
         "0 ns ",
         ""},
        {"mixed", "--workload mixed --item-cost 100ns --ranks 4 --repetitions 2", 0,
         "spin for 100 ns in the mean, skew 1", ""},
        {"memory", "--workload memory --ranks 4 --repetitions 2", 0, "MD5 of 20 messages", ""},
        {"spin", "--workload spin --item-cost 100ns --ranks 4 --repetitions 2", 0, "spin for 100 ns", ""},
        {"empty", "--workload empty --ranks 4 --repetitions 2", 0, "items that do nothing", ""},
        {"no items", "--items 0 --ranks 4 --repetitions 2", 0, "MD5 of 0 files", ""},
        {"more threads than cores", "--threads 9 --ranks 30 --repetitions 2", 0, "30 ranks on 9 threads", ""},
        {"pinned", "--pin --ranks 4 --repetitions 2", 0, "workers pinned", ""},
        {"csv", "--format csv --ranks 4 --repetitions 2 --ways map,spmd", 0,
         "^ranks,items,.*\n.*,map,.*\n.*,spmd,", ""},
        {"markdown", "--format markdown --ranks 4 --repetitions 2", 0, "\n\\| spmd \\|", ""},
        {"an unknown option", "--bogus", 2, "^$", "spmd_bench: unrecognised option '--bogus'\n"},
        {"no such progress", "--progress=often", 2, "^$",
         "spmd_bench: --progress is one of auto, always, never, not 'often'\n"},
        {"no ranks", "--ranks 0", 2, "^$", "spmd_bench: --ranks is a whole number .*, not '0'\n"},
        {"an output nowhere", "--output /nonexistent/x", 2, "^$",
         "spmd_bench: --output .*No such file or directory\n"},
        {"a full disk", "--ranks 2 --repetitions 1 --output /dev/full", 1, "^$",
         "spmd_bench: /dev/full: No space left on device\n"},
    };
    for (const command& each : table) {
        CAPTURE(each.name);
        const temporary_directory place;
        const running_bench bench(each.arguments, place);
        const int status = bench.wait();
        REQUIRE(WIFEXITED(status));
        CHECK(WEXITSTATUS(status) == each.status);
        CAPTURE(bench.out(), bench.error());
        CHECK(std::regex_search(bench.out(), std::regex(each.out)));
        CHECK(std::regex_match(bench.error(), std::regex(each.error)));
        CHECK(bench.left_nothing());
    }
}

TEST_CASE("the user's files are hashed where they are, and stay") {
    const temporary_directory mine;
    mine.write("a", "abc");
    mine.write("b/c", "");
    const temporary_directory place;
    const running_bench bench("--format json --repetitions 2 --ranks 4 --input " + mine.path(), place);
    CHECK(bench.wait() == 0);
    const auto report = nlohmann::json::parse(bench.out());
    CHECK(report["points"][0]["at"]["items"] == 2);
    CHECK(report["points"][0]["bytes"] == 3);
    CHECK(report["points"][0]["ways"][0]["way"] == "serial");
    CHECK(content_of(mine / "a") == "abc");
}

TEST_CASE("the report is written to the named file, and nothing to standard output") {
    const temporary_directory place;
    const running_bench bench("--format json --repetitions 2 --ranks 4 --output " + place / "report.json",
                              place);
    CHECK(bench.wait() == 0);
    CHECK(bench.out().empty());
    CHECK(nlohmann::json::parse(content_of(place / "report.json"))["repetitions"] == 2);
}

TEST_CASE("one run writes several formats") {
    const temporary_directory place;
    const running_bench bench("--repetitions 2 --ranks 4 --json " + place / "report.json" + " --csv " +
                                  place / "report.csv" + " --markdown " + place / "report.md",
                              place);
    CHECK(bench.wait() == 0);
    CHECK(bench.out().starts_with("machine "));
    CHECK(nlohmann::json::parse(content_of(place / "report.json"))["repetitions"] == 2);
    CHECK(content_of(place / "report.csv").starts_with("ranks,items,"));
    CHECK(content_of(place / "report.md").starts_with("- machine: "));
}

// oneTBB opens its tbbbind in a way that AddressSanitizer refuses.
#ifndef __SANITIZE_ADDRESS__

TEST_CASE("option --topology shows the pool, and measures nothing") {
    const temporary_directory place;
    const running_bench bench("--topology --ranks 7 --threads 3", place);
    CHECK(bench.wait() == 0);
    CHECK(bench.error().empty());
    CAPTURE(bench.out());
    CHECK(std::regex_search(bench.out(),
                            std::regex("\npool +7 ranks on 3 threads\nplacement +compact\n\narena .*"
                                       "\n +0 +any +any +3 +7  0 to 6\n$")));
}

TEST_CASE("option --topology has in JSON the ranks of a placement, or the reason for another one") {
    for (const std::string request : {"per_numa_node", "per_core_type"}) {
        const temporary_directory place;
        const running_bench bench("--topology --format json --ranks 9 --threads 2 --placement " + request,
                                  place);
        CHECK(bench.wait() == 0);
        const auto shown = nlohmann::json::parse(bench.out());
        const auto& pool = shown["pool"];
        CHECK(pool["placement_requested"] == request);
        CHECK((pool["placement"] == request) == pool["reason"].get<std::string>().empty());
        std::size_t ranks = 0;
        std::size_t threads = 0;
        for (const auto& arena : pool["arenas"]) {
            CHECK(arena["first_rank"] == ranks);
            ranks += arena["ranks"].get<std::size_t>();
            threads += arena["threads"].get<std::size_t>();
            CHECK(arena["numa_node"].is_null() == (pool["placement"] != "per_numa_node"));
            CHECK(arena["core_type"].is_null() == (pool["placement"] != "per_core_type"));
        }
        CHECK(ranks == 9);
        CHECK(threads == 2);
        CHECK(shown["machine"]["cpus"].size() >= shown["machine"]["available_threads"].get<std::size_t>());
    }
}

#endif

TEST_CASE("a signal ends it, and its files are removed") {
    const std::string long_run = "--ranks 4 --repetitions 100000 --ways serial,map";
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) check_cleanup(long_run, 20, signal);
    check_cleanup("--ranks 4 --items 200000 --repetitions 1", 100, SIGINT);           // while it writes them
    check_cleanup("--ranks 2 --items 2 --file-size 256M --repetitions 9", 3, SIGINT); // while it hashes them
}

TEST_CASE("an ignored signal stays ignored") {
    const temporary_directory place;
    const running_bench bench("--ranks 4 --repetitions 200 --ways map", place,
                              [] { static_cast<void>(std::signal(SIGHUP, SIG_IGN)); });
    bench.await_files(20);
    bench.send(SIGHUP);
    CHECK(bench.wait() == 0);
    CHECK_FALSE(bench.out().empty());
}

TEST_CASE(
    "on a terminal it tells how far it is, and leaves nothing of that, neither at its end nor at a signal") {
    using test_support::screen_after;
    ::setenv("TERM", "xterm", 1);
    for (const int signal : {0, SIGINT}) {
        const temporary_directory place;
        test_support::pseudo_terminal terminal(80);
        test_support::running_program bench({SPMD_BENCH_PATH, "--workload", "spin", "--item-cost", "10ms",
                                             "--ranks", "4", "--items", "8", "--repetitions", "3", "--ways",
                                             "serial,spmd"},
                                            place / "out", terminal.descriptor());
        const auto latest = std::chrono::steady_clock::now() + 60s;
        while (screen_after(terminal.written()).back().find(" of 3  now ") == std::string::npos) {
            if (std::chrono::steady_clock::now() > latest) FAIL("it does not tell: " << terminal.written());
            std::this_thread::sleep_for(1ms);
        }
        if (signal != 0) bench.send(signal);
        const int status = bench.wait();
        CHECK(screen_after(terminal.written()) == std::vector<std::string>{""});
        if (signal == 0) {
            CHECK(status == 0);
            CHECK(content_of(place / "out").starts_with("machine "));
            CHECK(content_of(place / "out").find('\x1b') == std::string::npos);
        } else {
            CHECK((WIFSIGNALED(status) && WTERMSIG(status) == signal));
            CHECK(content_of(place / "out").empty());
        }
    }
}
