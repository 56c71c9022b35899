// Guards the tool: the same bytes as md5sum for every number of ranks and threads, what it says and returns when
// a file, a directory or the output fails, and that the rest goes on.
#include "support/child_process.hpp"
#include "support/temporary_directory.hpp"

#include <catch2/catch.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace {

using test_support::program_result;
using test_support::run_program;

const std::string tool = SPMD_SUM_PATH;

/// Through the shell, so that the output's destination can be chosen.
program_result shell(const std::string& command) { return run_program({"sh", "-c", command}); }

/// A tree of 120 files in 10 directories, of 0 to 119 x 37 bytes.
void fill(const test_support::temporary_directory& scratch) {
    for (std::size_t i = 0; i < 120; ++i)
        scratch.write("tree/" + std::to_string(i % 10) + "/" + std::to_string(i), std::string(i * 37, 'x'));
}

} // namespace

TEST_CASE("files and trees: what md5sum prints, for every number of ranks and threads") {
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

TEST_CASE("operands in the order given, names escaped as md5sum does") {
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

TEST_CASE("standard input, named by - or by nothing") {
    const std::string expected = "f6255bb01c648fe967714d52a89e8e9c  -\n";
    CHECK(shell("echo yo | '" + tool + "'").output == expected);
    CHECK(shell("echo yo | '" + tool + "' -").output == expected);
}

TEST_CASE("standard input is read from where it stands, once, whatever it is") {
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

TEST_CASE("what fails is said, the rest goes on, the status is 1") {
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
                               ": Is a directory (-r sums what is in it)\n"
                               "f6255bb01c648fe967714d52a89e8e9c  " +
                               good + "\n");

    const program_result full = shell("'" + tool + "' '" + good + "' 2>&1 >/dev/full");
    CHECK(full.status == 1);
    CHECK(full.output == "spmd_sum: write error: No space left on device\n");
}

TEST_CASE("wrong usage: one line that names what was wrong, status 2") {
    struct usage {
        const char* arguments;
        const char* said;
    };
    for (const usage& wrong : {usage{"--ranks 0", "spmd_sum: --ranks is at least 1, not 0\n"},
                               usage{"--ranks -1", "spmd_sum: --ranks is at least 1, not -1\n"},
                               usage{"--threads 5000", "spmd_sum: --threads is at most 4096, not 5000\n"},
                               usage{"--threads 0", "spmd_sum: --threads is at least 1, not 0\n"},
                               usage{"--nonsense", "spmd_sum: unrecognised option '--nonsense'\n"}}) {
        INFO(wrong.arguments);
        const program_result result = shell("'" + tool + "' " + wrong.arguments + " 2>&1");
        CHECK(result.status == 2);
        CHECK(result.output == wrong.said);
    }
}

TEST_CASE("help and version") {
    CHECK(shell("'" + tool + "' --help").status == 0);
    CHECK(shell("'" + tool + "' --version").output.starts_with("spmd_sum 0."));
}
