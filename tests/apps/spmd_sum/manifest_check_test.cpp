// Guards checks: output and status equal those of md5sum -c for the same manifest, and options that md5sum
// lacks do what is documented.
#include "support/child_process.hpp"
#include "support/temporary_directory.hpp"

#include <catch2/catch.hpp>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace {

using test_support::program_result;
using test_support::temporary_directory;

const std::string tool = SPMD_SUM_PATH;

program_result in(const temporary_directory& scratch, const std::string& command) {
    return test_support::run_program(
        {"bash", "-c", "cd '" + scratch.path() + "'; sum='" + tool + "'; " + command});
}

/// Files a, b, c and one in a directory, and `sums` of them.
struct checked_files {
    checked_files() {
        for (const char* const name : {"a", "b", "c", "sub/d"}) scratch.write(name, name);
        REQUIRE(in(scratch, "md5sum a b c sub/d >sums").status == 0);
    }
    temporary_directory scratch;
};

std::string joined(std::initializer_list<std::string> parts) {
    std::string text;
    for (const std::string& part : parts) text += part;
    return text;
}

/// An odd line of a manifest: parts of valid lines in random combination.
std::string odd_line(std::mt19937_64& draw) {
    const auto one_of = [&](std::initializer_list<std::string> all) {
        return all.begin()[draw() % all.size()];
    };
    const std::string right = "0cc175b9c0f1b6a831c399e269772661"; // MD5 of "a", the content of all files
    const auto digest = [&] {
        return draw() % 4 != 0 ? right
                               : one_of({"0CC175B9C0F1B6A831C399E269772661",
                                         "92eb5ffee6ae2fec3ad71c777531578f", right.substr(1), right + '0',
                                         right + right, "be", "", "0x", std::string("g").append(right, 1)});
    };
    const auto name = [&] {
        return draw() % 3 != 0 ? "a"
                               : one_of({" a", "*a", "  a", "no", "", "sub", "a ", "a\\nb", "a\\\\b", "a\\b",
                                         "(a)", "a) = (a", "caf\xe9", "-x", "a\rb", "MD5 (a) = " + right});
    };
    const std::string ends = one_of({"", "", "", "", "\r", " "});
    const std::string begins = one_of({"", "", "", "", "", "\\", "\\", " ", "\t ", "\\\\", " \\", "#"});
    switch (draw() % 8) {
        case 0:
            return joined({begins, one_of({"MD5", "MD5", "MD5", "MD", "MD5X"}),
                           one_of({" (", " (", "(", "  (", " "}), name(),
                           one_of({") = ", ") = ", ")= ", ")=", ") ", ")\t=\t", " = "}), digest(), ends});
        case 1:
            return one_of({"", " ", "be careful", "deadbeef file", "# MD5", "MD5", "()=", "\\", right,
                           right + ' ', "\r"});
        default:
            return joined({begins, digest(), one_of({"  ", "  ", "  ", " *", " ", "\t", "", "   ", "\t*"}),
                           name(), ends});
    }
}

/// Output of a program for manifests 0, 1, …: one text each. Errors are sorted and stripped of file names,
/// which programs quote differently; standard output has them.
std::vector<std::string> verdicts_on(const temporary_directory& scratch, std::size_t manifests,
                                     const std::string& program) {
    const std::string last = std::to_string(manifests - 1);
    const program_result all = in(scratch, joined({"for i in {0..", last, "}; do ", program,
                                                   " -c -w $i 2>errors; echo \"status $?\"; "
                                                   "LC_ALL=C sed 's/^[^:]*: //; s/.*: \\(No such "
                                                   "file\\)/\\1/' errors | sort; printf '\\0'; done"}));
    std::vector<std::string> each;
    std::istringstream in(all.output);
    for (std::string one; std::getline(in, one, '\0');) each.push_back(one);
    return each;
}

} // namespace

TEST_CASE("messages and status equal those of md5sum -c for every defect") {
    struct damage {
        const char* what;
        const char* command;
    };
    for (const damage& each :
         {damage{"nothing", ":"},
          damage{"another content", "echo x >b"},
          damage{"several contents", "echo x >b; echo y >c"},
          damage{"a missing file", "rm c"},
          damage{"two missing files and another content", "rm a c; echo x >b"},
          damage{"a directory in its place", "rm c; mkdir c"},
          damage{"malformed lines", "echo nonsense >>sums"},
          damage{"several malformed lines first", "(echo x; echo y; cat sums) >s; mv s sums"},
          damage{"no valid line", "echo nonsense >sums"},
          damage{"an empty manifest", ": >sums"},
          damage{"comments and empty lines", "(echo '# a'; echo; cat sums) >s; mv s sums"},
          damage{"CRLF", "sed -i 's/$/\\r/' sums"},
          damage{"upper case", "sed -i 's/^[^ ]*/\\U&/' sums"},
          damage{"tags", "md5sum --tag a b c sub/d >sums"},
          damage{"no final newline", "truncate -s -1 sums"},
          damage{"one space", "sed -i 's/  / /' sums"},
          damage{"one space and two", "sed -i '2s/  / /' sums"},
          damage{"two spaces and one", "sed -i '1s/  / /' sums"},
          damage{"a leading space in a name", "cp a ' a'; md5sum ' a' >sums"},
          damage{"strange names",
                 "cp a $'x\\ny'; cp a 'x\\y'; cp a $'x\\ry'; cp a $'caf\\xe9'; md5sum x* caf* >sums"},
          damage{"a manifest that is missing", "rm sums"}}) {
        for (const char* const options : {"", "--quiet", "--status", "-w", "--strict", "--ignore-missing",
#ifndef __SANITIZE_ADDRESS__ // under which a run takes half a second
                                          "--ignore-missing --quiet", "-w --quiet", "--quiet -w",
                                          "--status -w", "-w --status", "--status --quiet", "--quiet --status"
#endif
             }) {
            CAPTURE(each.what, options);
            const checked_files files;
            REQUIRE(in(files.scratch, each.command).status == 0);
            const std::string arguments = std::string("-c ") + options + " sums";
            const auto run = [&](const std::string& program) {
                return in(files.scratch,
                          program + ' ' + arguments +
                              " 2>errors; status=$?; sed \"s/^[^:]*: //; s/'//g\" errors; exit $status");
            };
            const program_result ours = run("$sum");
            const program_result theirs = run("md5sum");
            CHECK(ours.output == theirs.output);
            CHECK(ours.status == theirs.status);
        }
    }
}

TEST_CASE("messages and status equal those of md5sum -c for 500 odd manifests") {
    const temporary_directory scratch;
    for (const char* const name : {"a", " a", "*a", "a\nb", "a\\b", "a) = (a", "caf\xe9", "a ", "a\rb"})
        scratch.write(name, "a");
    scratch.make_directory("sub");
    constexpr std::size_t manifests = 500;
    std::mt19937_64 draw(1);
    std::vector<std::string> texts(manifests);
    for (std::size_t i = 0; i < manifests; ++i) {
        for (std::size_t lines = 1 + draw() % 6; lines > 0; --lines) texts[i] += odd_line(draw) + '\n';
        if (draw() % 4 == 0) texts[i].pop_back();
        scratch.write(std::to_string(i), texts[i]);
    }
    const std::vector<std::string> ours = verdicts_on(scratch, manifests, "$sum");
    const std::vector<std::string> theirs = verdicts_on(scratch, manifests, "md5sum");
    REQUIRE(theirs.size() == manifests);
    REQUIRE(ours.size() == manifests);
    for (std::size_t i = 0; i < manifests; ++i) {
        INFO(texts[i]);
        CHECK(ours[i] == theirs[i]);
    }
}

TEST_CASE("its own output is accepted in all formats and for all algorithms, and md5sum accepts it too") {
    const temporary_directory scratch;
    for (const std::string name : {"plain", " leading", "*star", "new\nline", "back\\slash", "cr\r",
                                   "caf\xe9", "MD5 (x) = y", "# no comment"})
        scratch.write("tree/" + name, name);
    for (const char* const options :
         {"", "--tag", "-b", "-a sha256 --tag", "-a blake2b512 --tag", "-a sha3-256 --tag"}) {
        INFO(options);
        const program_result checked =
            in(scratch,
               "$sum -r " + std::string(options) + " tree >sums && $sum -c --strict sums | grep -c ': OK$'");
        CHECK(checked.output == "9\n");
        CHECK(checked.status == 0);
    }
    CHECK(in(scratch, "$sum -rz tree >sums && $sum -cz --strict --quiet sums").status == 0);
    CHECK(in(scratch, "$sum -r -a sha512 tree >sums && $sum -c -a sha512 --strict --quiet sums").status == 0);
    CHECK(in(scratch, "$sum -r tree >sums && md5sum -c --strict --quiet sums").status == 0);
    CHECK(in(scratch, "$sum -r --tag tree >sums && md5sum -c --strict --quiet sums").status == 0);
    CHECK(in(scratch, "$sum -r -a sha256 --tag tree >sums && sha256sum -c --strict --quiet sums").status ==
          0);
    CHECK(in(scratch, "$sum -r -a blake2b512 --tag tree >sums && b2sum -c --strict --quiet sums").status ==
          0);
}

TEST_CASE("lines of several algorithms, of OpenSSL, and of a requested algorithm only") {
    const checked_files files;
    const std::string make =
        "{ openssl dgst -md5 a; openssl dgst -sha256 b; sha1sum --tag c; b2sum --tag sub/d; md5sum a; "
        "sha512sum --tag a; } >sums; ";
    const program_result all = in(files.scratch, make + "$sum -c --strict sums");
    CHECK(all.output == "a: OK\nb: OK\nc: OK\nsub/d: OK\na: OK\na: OK\n");
    CHECK(all.status == 0);
    const program_result one = in(files.scratch, make + "$sum -c -a sha1 sums 2>&1");
    CHECK(one.output == "c: OK\nspmd_sum: WARNING: 5 lines are improperly formatted\n");
    const program_result named = in(files.scratch, make + "$sum -c -a sha1 -w sums 2>&1 | head -1");
    CHECK(named.output == "spmd_sum: sums: 1: improperly formatted SHA1 checksum line\n");
}

TEST_CASE("a manifest that cannot be read, and warnings for each line") {
    const checked_files files;
    const program_result directory = in(files.scratch, "$sum -c sub 2>&1");
    CHECK(directory.output == "spmd_sum: sub: Is a directory\n");
    CHECK(directory.status == 1);
    const program_result both = in(files.scratch, "echo x >>sums; $sum -c -w --strict sums 2>&1 >good");
    CHECK(both.output == "spmd_sum: sums: 5: improperly formatted MD5 checksum line\n"
                         "spmd_sum: WARNING: 1 line is improperly formatted\n");
    CHECK(both.status == 1);
}

TEST_CASE("an output over a file that a manifest lists is rejected, and the file stays") {
    const checked_files files;
    REQUIRE(in(files.scratch, "ln b hard; ln -s b soft").status == 0);
    for (const char* const output : {"b", "./b", "hard", "soft"}) {
        INFO(output);
        const program_result refused = in(files.scratch, joined({"$sum -c -o ", output, " sums 2>&1"}));
        CHECK(refused.status == 2);
        CHECK(refused.output ==
              joined({"spmd_sum: --output would overwrite a listed file: '", output, "'\n"}));
        CHECK(in(files.scratch, "cat a b hard").output == "abb");
        CHECK(in(files.scratch, "ls -A").output == "a\nb\nc\nhard\nsoft\nsub\nsums\n"); // no temporary file
    }
    CHECK(in(files.scratch, "$sum -c -o verdicts sums; cat verdicts").output ==
          "a: OK\nb: OK\nc: OK\nsub/d: OK\n");
    CHECK(in(files.scratch, "$sum -c sums >hard; cat hard").status == 0);
}

TEST_CASE("several manifests, also from standard input, and standard input as a file") {
    const checked_files files;
    const program_result both =
        in(files.scratch, "md5sum b >more; echo x >c; $sum -c --quiet no/such sums - <more 2>&1");
    CHECK(both.status == 1);
    CHECK(both.output == "spmd_sum: no/such: No such file or directory\n"
                         "c: FAILED\nspmd_sum: WARNING: 1 computed checksum did NOT match\n");
    const program_result input = in(files.scratch, "echo yo | md5sum >sums; echo yo | $sum -c sums");
    CHECK(input.output == "-: OK\n");
    CHECK(in(files.scratch, "echo nonsense | $sum -c 2>&1").output ==
          "spmd_sum: standard input: no properly formatted checksum lines found\n");
}

TEST_CASE(
    "a manifest from standard input cannot list standard input: the line is malformed, no other is lost") {
    const checked_files files;
    const std::string empty = "d41d8cd98f00b204e9800998ecf8427e";
    for (const std::string& line : {empty + "  -",
#ifndef __SANITIZE_ADDRESS__
                                    empty + " *-", empty + " -",
#endif
                                    "MD5 (-) = " + empty})
        for (const char* const manifest :
             {"{ echo \"$line\"; cat sums; }", "{ cat sums; echo \"$line\"; }", "echo \"$line\"",
              "{ head -2 sums; echo \"$line\"; tail -2 sums; echo \"$line\"; echo nonsense; }",
              "{ echo \"$line\"; yes \"$(md5sum a)\" | head -9999; }"})
            for (const char* const options :
                 {"", "-w", "--strict", "--status", "--quiet", "--ignore-missing"}) {
                CAPTURE(line, manifest, options);
                const auto run = [&](const std::string& program) {
                    return in(
                        files.scratch,
                        joined({"line='", line, "'; ", manifest, " | ", program, " -c ", options,
                                " 2>errors; status=$?; sed \"s/^[^:]*: //; s/'//g\" errors; exit $status"}));
                };
                const program_result ours = run("$sum");
                const program_result theirs = run("md5sum");
                CHECK(ours.output == theirs.output);
                CHECK(ours.status == theirs.status);
            }
}

TEST_CASE("a manifest from a pipe that is standard input by another name loses no line to standard input") {
    const checked_files files;
    const std::string manifest =
        "{ echo 'd41d8cd98f00b204e9800998ecf8427e  -'; yes \"$(md5sum a)\" | head -9999; }";
    for (const char* const name : {"/dev/stdin", "/proc/self/fd/0"}) {
        INFO(name);
        const program_result checked =
            in(files.scratch, joined({manifest, " | $sum -c ", name, " 2>errors"}));
        CHECK(checked.status == 0);
        CHECK(std::ranges::count(checked.output, '\n') == 9999);
        CHECK(in(files.scratch, "cat errors").output ==
              "spmd_sum: WARNING: 1 line is improperly formatted\n");
    }
    // A regular file has an offset for each time it is opened.
    const program_result regular = in(files.scratch, "cp sums listed; echo \"$(md5sum <sums)\" >>sums; "
                                                     "$sum -c sums <listed");
    CHECK(regular.output == "a: OK\nb: OK\nc: OK\nsub/d: OK\n-: OK\n");
    CHECK(regular.status == 0);
}

TEST_CASE("files that no manifest names are listed, below given roots or those derived from the names") {
    const checked_files files;
    const program_result none = in(files.scratch, "$sum -c --quiet --extra sums 2>&1");
    CHECK(none.output.empty());
    CHECK(none.status == 0);
    files.scratch.write("sub/new", "1");
    files.scratch.write("top", "1");
    const program_result extra = in(files.scratch, "$sum -c --quiet --extra sums 2>&1");
    CHECK(extra.output == "./sub/new: EXTRA\n./top: EXTRA\nspmd_sum: WARNING: 2 files are not listed\n");
    CHECK(extra.status == 1);
    const program_result below = in(files.scratch, "$sum -c --quiet --extra --root=./sub sums 2>&1");
    CHECK(below.output == "./sub/new: EXTRA\nspmd_sum: WARNING: 1 file is not listed\n");
    CHECK(in(files.scratch, "$sum -c --quiet --extra --exclude=new --exclude=top sums").status == 0);
    CHECK(in(files.scratch, "$sum -c --status --extra sums 2>&1").output.empty());
    // If all names are in one directory, no other is searched.
    CHECK(in(files.scratch, "md5sum sub/d sub/new >few; $sum -c --quiet --extra few").status == 0);
    CHECK(in(files.scratch, "md5sum $PWD/sub/d >few; $sum -c --quiet --extra few").output ==
          files.scratch.path() + "/sub/new: EXTRA\n");
    const program_result unreadable = in(files.scratch, "$sum -c --quiet --extra --root=no/such sums 2>&1");
    CHECK(unreadable.output == "spmd_sum: no/such: No such file or directory\n");
    CHECK(unreadable.status == 1);
}

TEST_CASE("entries skipped in the search for extra files are reported") {
    const checked_files files;
    REQUIRE(in(files.scratch, "ln -s a link; ln -s b other; mkfifo sub/fifo").status == 0);
    const program_result skipped = in(files.scratch, "$sum -c --quiet --extra sums 2>&1");
    CHECK(skipped.output == "spmd_sum: .: 2 symbolic links not followed\n"
                            "spmd_sum: .: 1 FIFO, socket or device left out\n");
    CHECK(skipped.status == 0);
    const program_result written = in(files.scratch, "$sum -c --quiet --extra --root=. sums 2>&1 >out");
    CHECK(written.output.find("spmd_sum: .: 1 file being written to left out\n") != std::string::npos);
    CHECK(in(files.scratch, "rm out; $sum -c --status --extra sums 2>&1").output.empty());
}

TEST_CASE("extra files of names that lead up are searched below the highest directory, by any path") {
    const temporary_directory scratch;
    for (const char* const name : {"p/1", "p/q/2", "p/q/r/3", "p/q/r/4"}) scratch.write(name, name);
    const auto extra = [&](const std::string& names) {
        return in(scratch, "cd p/q/r; md5sum " + names + " >../../../m; $sum -c --quiet --extra ../../../m")
            .output;
    };
    CHECK(extra("../../1 ../2 3 4").empty());
    CHECK(extra("3 ../2 4 ../../1").empty());
    CHECK(extra("../r/3 4").empty()); // still found in the working directory
    scratch.write("p/q/new", "1");
    const std::string found = "../../q/new: EXTRA\n";
    CHECK(extra("../../1 ../2 3 4") == found);
    CHECK(extra("3 ../2 4 ../../1") == found);
    CHECK(extra("../../1 4 ../../q/r/3 ../2") == found);
    CHECK(extra("../2 3 4") == "../new: EXTRA\n");
    CHECK(extra("3 4").empty());
}

TEST_CASE("a manifest is not an extra file, even as standard input") {
    const temporary_directory scratch;
    scratch.write("d/a", "1");
    const program_result given = in(scratch, "md5sum d/a >d/m; $sum -c --quiet --extra d/m 2>&1");
    CHECK(given.output.empty());
    const program_result input = in(scratch, "$sum -c --quiet --extra - <d/m 2>&1");
    CHECK(input.output.empty());
    CHECK(input.status == 0);
}

TEST_CASE("as JSON: a line for each file, and its status") {
    const checked_files files;
    const program_result lines =
        in(files.scratch, "echo x >b; rm c; touch new; $sum -c --json --extra sums 2>/dev/null | sort");
    CHECK(lines.output == "{\"name\":\"./new\",\"status\":\"extra\"}\n"
                          "{\"name\":\"a\",\"status\":\"ok\"}\n"
                          "{\"name\":\"b\",\"status\":\"mismatch\"}\n"
                          "{\"name\":\"c\",\"status\":\"missing\"}\n"
                          "{\"name\":\"sub/d\",\"status\":\"ok\"}\n");
    const program_result sums = in(files.scratch, "$sum --json a no 2>/dev/null");
    CHECK(sums.output ==
          "{\"name\":\"a\",\"algorithm\":\"md5\",\"digest\":\"0cc175b9c0f1b6a831c399e269772661\"}\n"
          "{\"name\":\"no\",\"error\":\"No such file or directory\"}\n");
}

TEST_CASE("many files: equal output for every number of ranks and threads") {
    const temporary_directory scratch;
    for (int i = 0; i < 9000; ++i)
        scratch.write("tree/" + std::to_string(i % 30) + "/" + std::to_string(i),
                      std::string(static_cast<std::size_t>(i % 700), 'x'));
    REQUIRE(
        in(scratch, "$sum -r tree >sums; echo x >tree/7/7; rm tree/3/33; sed -i '5000s/^./x/' sums").status ==
        0);
    const program_result expected = in(scratch, "md5sum -c sums 2>/dev/null");
    for (const char* const options :
         {"--threads 1 --ranks 1", "--threads 2 --ranks 7", "--threads 4 --ranks 1000"}) {
        INFO(options);
        const program_result checked = in(scratch, "$sum -c " + std::string(options) + " sums 2>/dev/null");
        CHECK(checked.status == 1);
        CHECK(checked.output == expected.output);
    }
}
