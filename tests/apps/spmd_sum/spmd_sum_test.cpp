// Guards the tool: output equal to md5sum's for every number of ranks and threads, messages and exit status
// when a file, a directory or the output fails, and that the other files are still summed.
#include "support/child_process.hpp"
#include "support/pseudo_terminal.hpp"
#include "support/running_program.hpp"
#include "support/temporary_directory.hpp"

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace {

using test_support::program_result;
using test_support::run_program;

const std::string tool = SPMD_SUM_PATH;

/// Runs a command of the shell, which may redirect the output.
program_result shell(const std::string& command) { return run_program({"sh", "-c", command}); }

/// A tree of 120 files in 10 directories, of 0 to 119 x 37 bytes.
void fill(const test_support::temporary_directory& scratch) {
    for (std::size_t i = 0; i < 120; ++i)
        scratch.write("tree/" + std::to_string(i % 10) + "/" + std::to_string(i), std::string(i * 37, 'x'));
}

std::string content_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// The tool running on a terminal, with a FIFO as one of its files: it ends after the test has written to the
/// FIFO.
class sums_on_terminal {
public:
    explicit sums_on_terminal(std::vector<std::string> options = {}) {
        ::setenv("TERM", "xterm", 1);
        REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
        fill(scratch);
        options.insert(options.begin(), tool);
        options.insert(options.end(), {"-r", "/no/such/file", scratch.path() + "/tree", fifo});
        program.emplace(options, output, terminal.descriptor());
    }
    /// Waits until the last line of the screen contains the text; false if it does not within a minute.
    bool awaits(const std::string& text) {
        const auto latest = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (last_line().find(text) == std::string::npos) {
            if (std::chrono::steady_clock::now() > latest) return false;
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        return true;
    }
    std::string last_line() { return test_support::screen_after(terminal.written()).back(); }
    void write_to_fifo(const std::string& text) const { std::ofstream(fifo) << text; }

    test_support::temporary_directory scratch;
    std::string output = scratch / "output";
    std::string fifo = scratch / "fifo";
    test_support::pseudo_terminal terminal{80};
    std::optional<test_support::running_program> program;
};

} // namespace

TEST_CASE("files and trees: the output of md5sum, for every number of ranks and threads") {
    const test_support::temporary_directory scratch;
    fill(scratch);
    const std::string tree = scratch.path() + "/tree";
    const program_result expected =
        shell("find '" + tree + "' -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum");
    REQUIRE(expected.status == 0);
    for (const char* options : {"", "--ranks 1", "--ranks 2 --threads 1", "--ranks 1000", "--threads 5"}) {
        INFO(options);
        const program_result sums = shell("'" + tool + "' -r " + options + " '" + tree + "'");
        CHECK(sums.status == 0);
        CHECK(sums.output == expected.output);
    }
}

TEST_CASE("operands are summed in the order given, names escaped as md5sum does") {
    const test_support::temporary_directory scratch;
    const std::vector<std::string> files{scratch.write("b", "1"), scratch.write("new\nline", "2"),
                                         scratch.write("back\\slash", "3"), scratch.write("a", "4"),
                                         scratch.write("caf\xe9", "5")};
    std::vector<std::string> ours{tool};
    std::vector<std::string> theirs{"md5sum"};
    ours.insert(ours.end(), files.begin(), files.end());
    theirs.insert(theirs.end(), files.begin(), files.end());
    CHECK(run_program(ours).output == run_program(theirs).output);
}

TEST_CASE("standard input, named by - or by default") {
    const std::string expected = "f6255bb01c648fe967714d52a89e8e9c  -\n";
    CHECK(shell("echo yo | '" + tool + "'").output == expected);
    CHECK(shell("echo yo | '" + tool + "' -").output == expected);
}

TEST_CASE("standard input is read once, from its current offset, for any kind of file") {
    const test_support::temporary_directory scratch;
    const std::string lines = scratch.write("lines", "first\nsecond\n");
    for (const std::string& command :
         {"(read line; %s) <'" + lines + "'", "%s - - <'" + lines + "'",
          "cat '" + lines + "' | %s - '" + lines + "' -", std::string("%s - <&-")}) {
        const auto with = [&](const std::string& program) {
            std::string text = command;
            return shell(text.replace(text.find("%s"), 2, program));
        };
        INFO(command);
        const program_result ours = with(tool);
        const program_result theirs = with("md5sum");
        CHECK(ours.output == theirs.output);
        CHECK(ours.status == theirs.status);
    }
}

TEST_CASE("failures are reported, the other files are summed, the status is 1") {
    const test_support::temporary_directory scratch;
    const std::string good = scratch.write("good", "yo\n");
    const std::string directory = scratch.path();

    const program_result missing = shell("'" + tool + "' /no/such/file '" + good + "' 2>&1");
    CHECK(missing.status == 1);
    CHECK(missing.output == "spmd_sum: /no/such/file: No such file or directory\n"
                            "f6255bb01c648fe967714d52a89e8e9c  " +
                                good + "\n");

    const program_result odd = shell("'" + tool + "' '/no\n\033such' 2>&1");
    CHECK(odd.output == "spmd_sum: /no\\012\\033such: No such file or directory\n");

    const program_result folder = shell("'" + tool + "' '" + directory + "' '" + good + "' 2>&1");
    CHECK(folder.status == 1);
    CHECK(folder.output == "spmd_sum: " + directory +
                               ": Is a directory (use -r to sum its files)\n"
                               "f6255bb01c648fe967714d52a89e8e9c  " +
                               good + "\n");

    const program_result full = shell("'" + tool + "' '" + good + "' 2>&1 >/dev/full");
    CHECK(full.status == 1);
    CHECK(full.output == "spmd_sum: write error: No space left on device\n");
}

TEST_CASE("usage errors: one line that names the wrong value, status 2") {
    struct usage {
        const char* arguments;
        const char* message;
    };
    for (const usage& wrong :
         {usage{"--ranks 0", "spmd_sum: --ranks must be at least 1, not 0\n"},
          usage{"--ranks -1", "spmd_sum: --ranks must be at least 1, not -1\n"},
          usage{"--threads 5000", "spmd_sum: --threads must be at most 4096, not 5000\n"},
          usage{"--threads 0", "spmd_sum: --threads must be at least 1, not 0\n"},
          usage{"--progress=often", "spmd_sum: --progress is one of auto, always, never, not 'often'\n"},
          usage{"--nonsense", "spmd_sum: unrecognised option '--nonsense'\n"}}) {
        INFO(wrong.arguments);
        const program_result result = shell("'" + tool + "' " + wrong.arguments + " 2>&1");
        CHECK(result.status == 2);
        CHECK(result.output == wrong.message);
    }
}

TEST_CASE("help and version") {
    CHECK(shell("'" + tool + "' --help").status == 0);
    CHECK(shell("'" + tool + "' --version").output.starts_with("spmd_sum 0."));
}

TEST_CASE("shows its progress on a terminal, apart from its output, and leaves only messages") {
    sums_on_terminal sums;
    CHECK(sums.awaits("121 of 122 files"));
    sums.write_to_fifo("yo\n");
    const int status = sums.program->wait();
    CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 1));
    CHECK(test_support::screen_after(sums.terminal.written()) ==
          std::vector<std::string>{"spmd_sum: /no/such/file: No such file or directory", ""});
    CHECK(content_of(sums.output) ==
          shell("'" + tool + "' --progress=never -r '" + sums.scratch.path() + "/tree'").output +
              "f6255bb01c648fe967714d52a89e8e9c  " + sums.fifo + "\n");
}

TEST_CASE("the progress counts bytes of a file that is still being read") {
    sums_on_terminal sums({"--threads", "2"});
    CHECK(sums.awaits("121 of 122 files"));
    std::ofstream into(sums.fifo);
    into << std::string(5 << 20, 'x') << std::flush;
    CHECK(sums.awaits("5.25 MiB")); // the tree has 264,180 bytes
    CHECK(sums.last_line().find("121 of 122 files") != std::string::npos);
    into.close();
    sums.program->wait();
}

TEST_CASE("a signal ends it, and the progress line is erased") {
    for (const int signal : {SIGINT, SIGTERM}) {
        sums_on_terminal sums;
        CHECK(sums.awaits(" of 122 files"));
        sums.program->send(signal);
        const int status = sums.program->wait();
        REQUIRE(WIFSIGNALED(status));
        CHECK(WTERMSIG(status) == signal);
        CHECK(sums.last_line().empty());
    }
}

TEST_CASE("option --progress: never on a terminal, always into a file, and nothing into a file by default") {
    sums_on_terminal never({"--progress=never"});
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    never.write_to_fifo("yo\n");
    never.program->wait();
    CHECK(never.terminal.written() == "spmd_sum: /no/such/file: No such file or directory\r\n");

    const test_support::temporary_directory scratch;
    const std::string fifo = scratch / "fifo";
    for (const std::string option : {"", "--progress=always"}) {
        const program_result shown =
            shell("mkfifo '" + fifo + "'; (sleep 0.5; echo yo) >'" + fifo + "' & '" + tool + "' " + option +
                  " '" + fifo + "' 2>&1 >/dev/null; rm '" + fifo + "'");
        CHECK((shown.output.find("0 of 1 files") != std::string::npos) == !option.empty());
        if (option.empty()) CHECK(shown.output.empty());
        if (!option.empty()) CHECK(test_support::screen_after(shown.output).back().empty());
    }
}

TEST_CASE("a closed output pipe: the progress line is erased, and it dies as md5sum does") {
    const test_support::temporary_directory scratch;
    fill(scratch);
    const std::string error = scratch / "error";
    const program_result result = shell(
        "{ '" + tool + "' --progress=always -r '" + scratch.path() + "/tree' 2>'" + error +
        "'; echo $? >&2; } 2>&1 >/dev/full | cat; exec 3>&1; { sleep 0.5; { '" + tool +
        "' --progress=always -r '" + scratch.path() + "/tree' 2>>'" + error + "'; echo $? >&3; } | true; }");
    CHECK(result.output == "1\n141\n");
    CHECK(content_of(error).find("write error: No space left on device") != std::string::npos);
    CHECK(content_of(error).find("Broken pipe") == std::string::npos);
}

TEST_CASE("MD5 is computed even if OpenSSL disallows it, as in FIPS mode") {
    const test_support::temporary_directory scratch;
    scratch.write("files/small", "abc");
    scratch.write("files/large", std::string(300'001, 'x'));
    const std::string configuration =
        scratch.write("fips.cnf", "openssl_conf = all\n[all]\nalg_section = evp\n"
                                  "[evp]\ndefault_properties = fips=yes\n");
    const std::string in_fips_mode =
        "cd '" + scratch.path() + "/files'; export OPENSSL_CONF='" + configuration + "'; ";
    const std::string expected =
        shell("cd '" + scratch.path() + "/files'; md5sum large small - <large").output;
    CHECK(shell(in_fips_mode + "'" + tool + "' large small - <large").output == expected);
    CHECK(shell(in_fips_mode + "head -c 131071 large | '" + tool + "'").output ==
          shell("head -c 131071 '" + scratch.path() + "/files/large' | md5sum").output);
    CHECK(shell(in_fips_mode + "openssl md5 small 2>/dev/null || echo refused").output == "refused\n");
}

TEST_CASE("finished sums are printed before waiting for more input, also into a pipe") {
    const test_support::temporary_directory scratch;
    const std::string file = scratch.write("file", "abc");
    // The input ends after the first line of output has been read.
    const auto first_line = [&](const std::string& input, const std::string& arguments) {
        return shell("cd '" + scratch.path() + "'; rm -f gate; mkfifo gate; timeout 20 sh -c \"{ " + input +
                     "; cat gate; } | '" + tool + "' " + arguments +
                     R"( | { read line; echo \"\$line\"; echo >gate; cat >/dev/null; }")")
            .output;
    };
    CHECK(first_line(":", "file -") == "900150983cd24fb0d6963f7d28e17f72  file\n");
    CHECK(first_line("md5sum file", "-c -") == "file: OK\n");
    CHECK(first_line("printf 'file\\0'", "--files0-from -") == "900150983cd24fb0d6963f7d28e17f72  file\n");
}

TEST_CASE("a file named - does not consume the standard input of the check") {
    const test_support::temporary_directory scratch;
    const std::string enter = "cd '" + scratch.path() + "'; ";
    REQUIRE(shell(enter +
                  "for i in $(seq 2000); do echo $i >f$i; done; md5sum f* >../m.$$; mv ../m.$$ m; echo >./-")
                .status == 0);
    CHECK(shell(enter + "{ sleep 0.3; head -1000 m; sleep 0.3; tail -n +1001 m; } | '" + tool +
                "' -c --progress=always - 2>/dev/null | wc -l")
              .output == "2000\n");
}

TEST_CASE("closed standard streams are not reused for other files") {
    const test_support::temporary_directory scratch;
    const std::string file = scratch.write("file", "abc");
    const std::string sums = scratch / "sums";
    const std::string line = "900150983cd24fb0d6963f7d28e17f72  " + file + '\n';
    CHECK(shell("'" + tool + "' -o '" + sums + "' '" + file + "' missing 2>&-; cat '" + sums + "'").output ==
          line);
    CHECK(shell("'" + tool + "' -o '" + sums + "' - <&- 2>&1").status == 1);
    CHECK(shell("{ echo first; '" + tool + "' -o /dev/stdout '" + file + "'; echo last; } >'" + sums +
                "'; cat '" + sums + "'")
              .output == "first\n" + line + "last\n");
}
