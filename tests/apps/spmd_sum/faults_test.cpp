// Guards spmd_sum against failing files and devices: nothing is lost silently, and nothing wrong is printed.
#include "../../support/child_process.hpp"
#include "../../support/running_program.hpp"
#include "../../support/temporary_directory.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

using test_support::program_result;
using test_support::temporary_directory;

const std::string tool = SPMD_SUM_PATH;

program_result shell(const std::string& command) { return test_support::run_program({"sh", "-c", command}); }

/// Runs the tool with a fault of the shim; standard error is redirected to standard output.
program_result faulty(const std::string& fault, const std::string& arguments) {
    return shell("FAULT='" + fault + "' LD_PRELOAD='" FAULT_SHIM_PATH "' '" + tool + "' " + arguments +
                 " 2>&1");
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream from(text);
    for (std::string line; std::getline(from, line);) lines.push_back(line);
    return lines;
}

/// Small and large files: 300 of up to 900 bytes, and some of 300,000 and more.
struct tree {
    tree() {
        for (int i = 0; i < 300; ++i)
            scratch.write("small/f" + std::to_string(1000 + i),
                          std::string(static_cast<std::size_t>(3 * i), 'x'));
        for (int i = 0; i < 5; ++i)
            scratch.write("large/f" + std::to_string(i),
                          std::string(static_cast<std::size_t>(300'000 + i), 'y'));
        // The times of files written just now would count as changes during reading.
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    std::string quoted() const { return "'" + scratch.path() + "'"; }
    /// Output of md5sum for all files, in the order of their paths.
    std::string by_md5sum() const {
        return shell("find " + quoted() + " -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum").output;
    }
    temporary_directory scratch;
};

} // namespace

TEST_CASE("short and interrupted reads and opens lose nothing") {
    const tree files;
    const std::string expected = files.by_md5sum();
    for (const char* fault : {"short", "interrupted"}) {
        INFO(fault);
        const program_result result = faulty(fault, "-r " + files.quoted());
        CHECK(result.status == 0);
        CHECK(result.output == expected);
    }
}

TEST_CASE("an error in the middle of a file: no digest for it, digests for the others") {
    const tree files;
    for (const std::string size : {"300002", "600"}) {
        const program_result result = faulty("broken:" + size, "-r " + files.quoted());
        CHECK(result.status == 1);
        std::vector<std::string> expected = lines_of(files.by_md5sum());
        const std::string name = files.scratch.path() + (size == "600" ? "/small/f1200" : "/large/f2");
        std::erase_if(expected, [&](const std::string& line) { return line.ends_with("  " + name); });
        expected.push_back("spmd_sum: " + name + ": Input/output error");
        std::vector<std::string> seen = lines_of(result.output);
        std::ranges::sort(expected);
        std::ranges::sort(seen);
        CHECK(seen == expected);
    }
}

TEST_CASE("each file that vanishes between the listing and the opening is reported") {
    const tree files;
    const program_result result = faulty("vanishing", "--threads 1 -r " + files.quoted());
    CHECK(result.status == 1);
    std::size_t missing = 0;
    const std::vector<std::string> seen = lines_of(result.output);
    for (const std::string& line : seen) missing += line.ends_with(": No such file or directory") ? 1U : 0U;
    CHECK(seen.size() == 305);
    CHECK(missing > 50);
}

TEST_CASE("files that a symbolic link replaces between the listing and the opening are not followed") {
    const tree files;
    const program_result result = faulty("linked", "--threads 1 -r " + files.quoted());
    CHECK(result.status == 1);
    const std::vector<std::string> seen = lines_of(result.output);
    const auto refused = std::ranges::count_if(
        seen, [](const std::string& line) { return line.ends_with(": Too many levels of symbolic links"); });
    CHECK(seen.size() == 305);
    CHECK(refused > 50);
}

TEST_CASE("a file that grows or shrinks during reading has no digest, the others do") {
    for (const std::string fault : {"growing", "shrinking"}) {
        INFO(fault);
        const tree files;
        std::vector<std::string> expected = lines_of(files.by_md5sum());
        const std::string name = files.scratch.path() + "/large/f2";
        std::erase_if(expected, [&](const std::string& line) { return line.ends_with("  " + name); });
        const program_result result = faulty(fault + ":300002", "-r " + files.quoted());
        CHECK(result.status == 1);
        std::vector<std::string> seen = lines_of(result.output);
        CHECK(std::erase(seen, "spmd_sum: " + name + ": file changed while it was read") == 1);
        CHECK(seen == expected);
    }
}

TEST_CASE("a small file that is rewritten during reading has the digest of its new content") {
    const tree files;
    const program_result result = faulty("rewritten:600", "-r " + files.quoted());
    CHECK(result.status == 0);
    CHECK(shell("head -c 1 " + files.quoted() + "/small/f1200").output == "!");
    CHECK(result.output == files.by_md5sum());
}

TEST_CASE("files and directories without permission are reported, the others are summed") {
    const tree files;
    REQUIRE(::chmod((files.scratch.path() + "/small/f1001").c_str(), 0) == 0);
    REQUIRE(::chmod((files.scratch.path() + "/large").c_str(), 0) == 0);
    REQUIRE(::chmod(files.scratch.path().c_str(), 0755) == 0);
    const temporary_directory bin; // user nobody cannot access the build folder
    REQUIRE(::chmod(bin.path().c_str(), 0755) == 0);
    REQUIRE(shell("cp '" + tool + "' '" + bin.path() + "'").status == 0);
    constexpr unsigned nobody = 65534;
    const std::string as_nobody = ::geteuid() == 0 ? "setpriv --reuid=" + std::to_string(nobody) + " " : "";
    const program_result result =
        shell(as_nobody + "'" + bin.path() + "/spmd_sum' -r " + files.quoted() + " 2>&1");
    CHECK(result.status == 1);
    CHECK_THAT(result.output,
               Catch::Contains("spmd_sum: " + files.scratch.path() + "/small/f1001: Permission denied\n") &&
                   Catch::Contains("spmd_sum: " + files.scratch.path() + "/large: Permission denied\n"));
    CHECK(lines_of(result.output).size() == 301);
    REQUIRE(::chmod((files.scratch.path() + "/large").c_str(), 0755) == 0);
}

TEST_CASE("few descriptors are enough") {
    const tree files;
    for (int i = 1000; i < 3000; ++i) files.scratch.write("many/f" + std::to_string(i), "z");
    const std::string expected = files.by_md5sum();
    for (const char* const threads : {"4", "64"}) {
        const program_result result =
            shell("ulimit -n 64; '" + tool + "' --threads " + threads + " -r " + files.quoted() + " 2>&1");
        CHECK(result.status == 0);
        CHECK(result.output == expected);
    }
}

TEST_CASE("a full or closed output is reported") {
    const tree files;
    CHECK(shell("'" + tool + "' -r " + files.quoted() + " 2>&1 >/dev/full").output ==
          "spmd_sum: write error: No space left on device\n");
    const program_result closed = shell("'" + tool + "' -r " + files.quoted() + " 2>&1 >&-");
    CHECK(closed.status == 1);
    CHECK(closed.output == "spmd_sum: write error: Bad file descriptor\n");
}

TEST_CASE("an output that fails at close, or exceeds the file size limit, is reported") {
    const tree files;
    const temporary_directory out;
    const program_result unclosed = shell("FAULT=unclosed LD_PRELOAD='" FAULT_SHIM_PATH "' '" + tool +
                                          "' -r " + files.quoted() + " 2>&1 >'" + (out / "sums") + "'");
    CHECK(unclosed.status == 1);
    CHECK(unclosed.output == "spmd_sum: write error: No space left on device\n");
    const std::string sums = out.write("old", "old\n");
    const program_result large = shell("ulimit -f 1; '" + tool + "' -o '" + sums + "' -r " + files.quoted() +
                                       " 2>&1; cat '" + sums + "'");
    CHECK(large.output == "spmd_sum: " + sums + ": File too large\nold\n");
    const auto entries = std::filesystem::directory_iterator(out.path());
    CHECK(std::distance(begin(entries), end(entries)) == 2); // no temporary file
}

TEST_CASE("messages at the end of a check do not deadlock with a progress line") {
    const tree files;
    const temporary_directory out;
    const std::string sums =
        out.write("sums", "900150983cd24fb0d6963f7d28e17f72  " + files.scratch.path() + "/small/f1001\n");
    const program_result result =
        shell("FAULT=slow LD_PRELOAD='" FAULT_SHIM_PATH "' timeout 30 '" + tool +
              "' -c --progress=always -o '" + (out / "verdicts") + "' '" + sums + "' 2>/dev/null");
    CHECK(result.status == 1);
}

TEST_CASE("the readable part of a manifest is checked, even if the rest cannot be read") {
    const tree files;
    const temporary_directory out;
    std::string lines;
    while (lines.size() < 300'000) lines += "0cc175b9c0f1b6a831c399e269772661  no\n";
    const std::string sums = out.write("sums", lines);
    const program_result result = faulty("broken:" + std::to_string(lines.size()), "-c '" + sums + "'");
    CHECK(result.status == 1);
    const std::vector<std::string> seen = lines_of(result.output);
    const auto verdicts = std::ranges::count(seen, "no: FAILED open or read");
    CHECK(verdicts == 262'144 / 37); // all whole lines of the first block
    CHECK(std::ranges::count(seen, "spmd_sum: " + sums + ": Input/output error") == 1);
}

TEST_CASE("a new file is written even to a directory that cannot be read") {
    const temporary_directory scratch;
    const std::string file = scratch.write("file", "abc");
    const std::string out = scratch.make_directory("out");
    REQUIRE(shell("cp '" + tool + "' '" + (scratch / "spmd_sum") + "'").status == 0);
    REQUIRE(::chmod(scratch.path().c_str(), 0755) == 0);
    REQUIRE(::chmod(out.c_str(), 0733) == 0);
    const std::string as_nobody =
        ::geteuid() == 0 ? "setpriv --reuid=65534 --regid=65534 --clear-groups " : "";
    const program_result result =
        shell(as_nobody + "'" + (scratch / "spmd_sum") + "' -o '" + out + "/sums' '" + file + "' 2>&1");
    CHECK(result.output.empty());
    CHECK(result.status == 0);
    CHECK(std::filesystem::file_size(out + "/sums") > 32);
}

TEST_CASE("a trace that cannot be written hides no other error, and no signal") {
    const tree files;
    const std::string traced = "'" + tool + "' --trace /dev/full -r " + files.quoted();
    const program_result full = shell(traced + " 2>&1 >/dev/full");
    CHECK(full.status == 1);
    CHECK_THAT(full.output, Catch::Contains("spmd_sum: /dev/full: No space left on device\n") &&
                                Catch::Contains("spmd_sum: write error: No space left on device\n"));
    const program_result trace_alone = shell(traced + " 2>/dev/null");
    CHECK(trace_alone.status == 1);
    CHECK(trace_alone.output == files.by_md5sum());
}

TEST_CASE("interrupted at any time, the output is a prefix of whole lines, and the tool dies of the signal") {
    const tree files;
    for (int i = 0; i < 3000; ++i)
        files.scratch.write("more/f" + std::to_string(10'000 + i), std::to_string(i));
    const std::string expected = files.by_md5sum();
    const std::string output = files.scratch.path() + "-output";
    std::size_t interrupted = 0;
    for (int round = 0; round < 60; ++round) {
        test_support::running_program program({tool, "-r", files.scratch.path()}, output, STDERR_FILENO);
        std::this_thread::sleep_for(std::chrono::microseconds(3000 + 200 * round));
        program.send(round % 2 == 0 ? SIGINT : SIGTERM);
        const int status = program.wait();
        std::ifstream file(output);
        const std::string seen{std::istreambuf_iterator<char>(file), {}};
        CHECK(expected.starts_with(seen));
        CHECK((seen.empty() || seen.back() == '\n'));
        interrupted += WIFSIGNALED(status) ? 1U : 0U;
        if (!WIFSIGNALED(status)) CHECK(seen == expected);
    }
    ::unlink(output.c_str());
    CHECK(interrupted > 0);
}

TEST_CASE("interrupted while waiting for input, it has printed earlier lines, and leaves no temporary file") {
    const temporary_directory scratch;
    const std::string file = scratch.write("file", "abc");
    const std::string fifo = scratch / "fifo";
    const std::string printed = scratch / "printed";
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    for (const bool has_writer : {false, true}) {
        const int writer = has_writer ? ::open(fifo.c_str(), O_RDWR | O_CLOEXEC) : -1;
        for (const std::vector<std::string>& options :
             {std::vector<std::string>{}, {"-o", scratch / "sums"}}) {
            std::vector<std::string> arguments{tool, file, fifo};
            arguments.insert(arguments.begin() + 1, options.begin(), options.end());
            test_support::running_program program(arguments, printed, STDERR_FILENO);
            std::this_thread::sleep_for(std::chrono::milliseconds(300)); // the tool is waiting by then
            const auto begin = std::chrono::steady_clock::now();
            program.send(SIGTERM);
            const int status = program.wait();
            CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM));
            // One second after the signal it would die without flushing its output.
            CHECK(std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(900));
            CHECK(shell("cat '" + printed + "'").output ==
                  (options.empty() ? "900150983cd24fb0d6963f7d28e17f72  " + file + '\n' : ""));
            const auto entries = std::filesystem::directory_iterator(scratch.path());
            CHECK(std::distance(std::filesystem::begin(entries), std::filesystem::directory_iterator()) == 3);
        }
        if (has_writer) ::close(writer);
    }
}

TEST_CASE("with -o the old file stays until the new one is complete, whatever happens") {
    const tree files;
    const temporary_directory out;
    const std::string sums = out.write("sums", "old\n");
    const auto content = [&] {
        std::ifstream file(sums);
        return std::string{std::istreambuf_iterator<char>(file), {}};
    };
    const program_result unsynced = faulty("unsynced", "-o '" + sums + "' -r " + files.quoted());
    CHECK(unsynced.status == 1);
    CHECK(unsynced.output == "spmd_sum: " + sums + ": Input/output error\n");
    CHECK(content() == "old\n");

    const std::string expected = files.by_md5sum();
    std::size_t interrupted = 0;
    for (int round = 0; round < 40; ++round) {
        out.write("sums", "old\n");
        test_support::running_program program({tool, "-o", sums, "-r", files.scratch.path()}, "/dev/null",
                                              STDERR_FILENO);
        std::this_thread::sleep_for(std::chrono::microseconds(2000 + 200 * round));
        program.send(round % 2 == 0 ? SIGINT : SIGTERM);
        const bool is_interrupted = WIFSIGNALED(program.wait());
        interrupted += is_interrupted ? 1U : 0U;
        const std::string seen = content();
        CHECK((seen == expected || (is_interrupted && seen == "old\n")));
        const auto entries = std::filesystem::directory_iterator(out.path());
        CHECK(std::distance(begin(entries), end(entries)) == 1); // no temporary file
    }
    CHECK(interrupted > 0);
}
