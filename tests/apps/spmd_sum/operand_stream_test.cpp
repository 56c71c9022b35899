// Guards the input of the tool: pipes read once and to their end, names from a file, links, mounts and
// patterns in trees, and an output that is never an input.
#include "support/child_process.hpp"
#include "support/temporary_directory.hpp"

#include <spmd_sum/operand_stream.hpp>

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace {

using test_support::program_result;
using test_support::temporary_directory;

const std::string tool = SPMD_SUM_PATH;

/// Runs a command of the shell in the directory.
program_result in(const temporary_directory& scratch, const std::string& command) {
    return test_support::run_program(
        {"bash", "-c", "cd '" + scratch.path() + "'; sum='" + tool + "'; " + command});
}

std::vector<std::string> names_of(const std::string& output) {
    std::vector<std::string> names;
    std::istringstream lines(output);
    for (std::string line; std::getline(lines, line);) names.push_back(line.substr(line.find("  ") + 2));
    return names;
}

std::string content_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace

TEST_CASE("pipes as operands, in pieces and together with files") {
    const temporary_directory scratch;
    scratch.write("file", "yo\n");
    const std::string pieces = "<(printf a; sleep 0.05; printf b; sleep 0.05; printf c)";
    const std::string of_abc = "900150983cd24fb0d6963f7d28e17f72";
    for (const std::string& operands :
         {pieces, "file " + pieces, pieces + " file", pieces + " file " + pieces}) {
        INFO(operands);
        const program_result result = in(scratch, "$sum " + operands + " | cut -c 1-32");
        std::string expected;
        std::istringstream words(operands);
        for (std::string word; words >> word;) {
            if (word == "file") expected += "f6255bb01c648fe967714d52a89e8e9c\n";
            if (word.starts_with("<(")) expected += of_abc + "\n";
        }
        CHECK(result.output == expected);
    }
    const program_result large =
        in(scratch, "$sum <(head -c 1000000 /dev/zero; sleep 0.05; head -c 7 /dev/zero) | cut -c 1-32");
    CHECK(large.output == in(scratch, "head -c 1000007 /dev/zero | md5sum | cut -c 1-32").output);
}

TEST_CASE("names from a file, and errors in them") {
    const temporary_directory scratch;
    scratch.write("a", "1");
    scratch.write("new\nline", "2");
    scratch.write("-", "3");
    scratch.write("tree/b", "4");
    const std::string expected = in(scratch, "$sum -r a ./'new\nline' tree").output;
    for (const std::string command :
         {"printf 'a\\0./new\\nline\\0tree\\0' >names; $sum -r --files0-from=names",
          "printf 'a\\0./new\\nline\\0tree' | $sum -r --files0-from=-"})
        CHECK(in(scratch, command).output == expected);
    const program_result wrong =
        in(scratch, "printf 'a\\0\\0missing\\0-\\0a\\0' | $sum --files0-from=- 2>&1");
    CHECK(wrong.status == 1);
    CHECK(wrong.output ==
          "spmd_sum: standard input: name 2: empty file name\n"
          "spmd_sum: standard input: name 4: no file name of '-' allowed in standard input itself\n"
          "c4ca4238a0b923820dcc509a6f75849b  a\n"
          "spmd_sum: missing: No such file or directory\n"
          "c4ca4238a0b923820dcc509a6f75849b  a\n");
    CHECK(in(scratch, "printf -- '-\\0a\\0' | $sum --files0-from=/dev/stdin 2>&1").output ==
          "spmd_sum: /dev/stdin: name 1: no file name of '-' allowed in standard input itself\n"
          "c4ca4238a0b923820dcc509a6f75849b  a\n");
    const program_result none = in(scratch, "$sum --files0-from=no/such 2>&1");
    CHECK(none.status == 1);
    CHECK(none.output == "spmd_sum: no/such: No such file or directory\n");
    CHECK(in(scratch, "$sum --files0-from=tree 2>&1").output == "spmd_sum: tree: Is a directory\n");
    CHECK(in(scratch, ": | $sum --files0-from=-").output.empty());
}

TEST_CASE("after a stop there are no more operands, and no remarks on a partly listed tree") {
    const temporary_directory scratch;
    for (int i = 0; i < 5000; ++i) scratch.write("tree/" + std::to_string(i), "");
    std::filesystem::create_symlink("0", scratch / "tree/link");
    const spmd_sum::request wanted{.operands = {scratch / "tree", scratch / "tree/0"}, .is_recursive = true};
    const checksum::algorithm md5("md5");
    std::atomic<bool> stop = false;
    spmd_sum::operand_stream operands(wanted, md5, {.stop = &stop});
    checksum::file_batch first;
    CHECK(operands.next(first));
    CHECK(first.ranges.size() == checksum::ranges_in_batch);
    stop = true;
    checksum::file_batch none;
    CHECK(!operands.next(none));
    CHECK(none.ranges.empty());
    CHECK(none.remarks.empty());
}

TEST_CASE("operands with paths beyond PATH_MAX") {
    const temporary_directory scratch;
    const std::string deep = "for i in {1..25}; do mkdir $(printf 'd%.0s' {1..200}) && cd d*; done; "
                             "printf 1 >file; cd $top; path=$(printf 'd%.0s' {1..200}); "
                             "for i in {1..24}; do long=$long$path/; done; long=$long$path; ";
    const program_result tree =
        in(scratch, "top=$PWD; " + deep + "$sum -r $long 2>&1 | sed \"s|$long|LONG|\"");
    CHECK(tree.output == "c4ca4238a0b923820dcc509a6f75849b  LONG/file\n");
    const program_result hint = in(scratch, "top=$PWD; " + deep.substr(deep.find("cd $top")) +
                                                "$sum $long $long/file 2>&1 | sed \"s|$long|LONG|\"");
    CHECK(hint.output == "spmd_sum: LONG: Is a directory (use -r to sum its files)\n"
                         "c4ca4238a0b923820dcc509a6f75849b  LONG/file\n");
}

TEST_CASE("links in a tree: left out and counted, or followed except for loops") {
    const temporary_directory scratch;
    scratch.write("tree/a/file", "1");
    scratch.write("outside/other", "2");
    std::filesystem::create_symlink("../outside", scratch / "tree/far");
    std::filesystem::create_symlink("a/file", scratch / "tree/near");
    std::filesystem::create_symlink("..", scratch / "tree/a/up");
    const program_result left = in(scratch, "$sum -r tree 2>&1");
    CHECK(left.status == 0);
    CHECK(left.output == "spmd_sum: tree: 3 symbolic links not followed\n"
                         "c4ca4238a0b923820dcc509a6f75849b  tree/a/file\n");
    const program_result followed = in(scratch, "$sum -rL tree 2>errors");
    CHECK(followed.status == 0);
    CHECK(names_of(followed.output) ==
          std::vector<std::string>{"tree/a/file", "tree/far/other", "tree/near"});
    CHECK(content_of(scratch / "errors") ==
          "spmd_sum: tree: 1 symbolic link to a directory above it not followed\n");
    std::filesystem::create_symlink("nowhere", scratch / "tree/dangling");
    const program_result dangling = in(scratch, "$sum -rL tree 2>errors");
    CHECK(dangling.status == 1);
    CHECK(content_of(scratch / "errors").find("spmd_sum: tree/dangling: No such file or directory\n") !=
          std::string::npos);
}

TEST_CASE("patterns of names, and of paths below the operand, but not of operands") {
    const temporary_directory scratch;
    for (const char* const name :
         {"tree/a.c", "tree/a.o", "tree/sub/b.c", "tree/sub/b.o", "tree/sub/deep/c.c", "tree/build/d.c"})
        scratch.write(name, name);
    const auto listed = [&](const std::string& options) {
        return names_of(in(scratch, "$sum -r " + options).output);
    };
    using names = std::vector<std::string>;
    CHECK(listed("--exclude='*.o' tree") ==
          names{"tree/a.c", "tree/build/d.c", "tree/sub/b.c", "tree/sub/deep/c.c"});
    CHECK(listed("--exclude=sub --exclude=build tree") == names{"tree/a.c", "tree/a.o"});
    CHECK(listed("--exclude='sub/*' tree") == names{"tree/a.c", "tree/a.o", "tree/build/d.c"});
    CHECK(listed("--exclude='*/b.c' --exclude='*.o' tree/") ==
          names{"tree/a.c", "tree/build/d.c", "tree/sub/deep/c.c"});
    CHECK(listed("--exclude=sub/ --exclude=/build/ --exclude=/a.c tree") == names{"tree/a.o"});
    CHECK(listed("--exclude=/b.c --exclude=/sub/deep --exclude='*.o' tree") ==
          names{"tree/a.c", "tree/build/d.c", "tree/sub/b.c"});
    CHECK(listed("--exclude=./b.c --exclude=./sub/deep --exclude=//a.c --exclude='*.o' tree") ==
          names{"tree/build/d.c", "tree/sub/b.c"});
    scratch.write("tree/.hidden.o", "");
    CHECK(listed("--exclude='*.o' --exclude='*b*' tree") == names{"tree/a.c"});
    CHECK(listed("--exclude='*.o' tree/a.o") == names{"tree/a.o"});
}

TEST_CASE("directories on other file systems are entered, or counted") {
    const temporary_directory scratch;
    scratch.write("tree/a", "1");
    scratch.make_directory("tree/mounted");
    const program_result mounted =
        in(scratch, "unshare --mount true 2>/dev/null || { echo cannot; exit; }\n"
                    "unshare --mount bash -c 'mount -t tmpfs none tree/mounted && echo 2 >tree/mounted/b &&"
                    " $0 -r tree 2>&1; $0 -rx tree 2>&1' $sum");
    if (mounted.output == "cannot\n") {
        WARN("mounting is not permitted: skipped");
        return;
    }
    CHECK(mounted.output == "c4ca4238a0b923820dcc509a6f75849b  tree/a\n"
                            "26ab0db90d72e28ad0ba1e22ee510510  tree/mounted/b\n"
                            "spmd_sum: tree: 1 directory on another file system not entered\n"
                            "c4ca4238a0b923820dcc509a6f75849b  tree/a\n");
}

TEST_CASE("the output is never an input") {
    const temporary_directory scratch;
    scratch.write("tree/a", "1");
    const std::string expected = "c4ca4238a0b923820dcc509a6f75849b  tree/a\n";
    const std::string remark = "spmd_sum: tree: 1 file being written to left out\n";
    const program_result redirected = in(scratch, "$sum -r tree 2>&1 >tree/sums; cat tree/sums");
    CHECK(redirected.output == remark + expected);
    // Both the old file and the temporary file that replaces it are left out.
    const program_result named = in(scratch, "$sum -r tree -o tree/sums 2>&1; cat tree/sums; ls tree");
    CHECK(named.output == "spmd_sum: tree: 2 files being written to left out\n" + expected + "a\nsums\n");
    const program_result operand = in(scratch, "cd tree; $sum * 2>&1 >sums; cat sums");
    CHECK(operand.output ==
          "spmd_sum: sums: is being written to, left out\nc4ca4238a0b923820dcc509a6f75849b  a\n");
}

TEST_CASE("an output over an input is rejected before anything is destroyed, with status 2") {
    const temporary_directory scratch;
    scratch.write("a", "1");
    REQUIRE(
        in(scratch, "ln a hard; ln -s a soft; md5sum a >manifest; printf 'a\\0' >names; ln manifest other")
            .status == 0);
    const std::string before = in(scratch, "ls -i; tail -n +1 a manifest names").output;
    struct mistake {
        std::string command;
        std::string reason;
    };
    for (const mistake& wrong : {
             mistake{"$sum -o a a", "an operand: 'a'"},
             mistake{"$sum -o ./a hard", "an operand: './a'"},
             mistake{"$sum -o soft a", "an operand: 'soft'"},
             mistake{"$sum -o a names soft", "an operand: 'a'"},
             mistake{"$sum -c -o manifest manifest", "a manifest: 'manifest'"},
             mistake{"$sum -c manifest -o other", "a manifest: 'other'"},
             mistake{"$sum --files0-from=names -o names", "the file of names: 'names'"},
             mistake{"$sum -o a <a", "standard input: 'a'"},
             mistake{"$sum -o hard - <a", "standard input: 'hard'"},
             mistake{"$sum -c -o manifest <other", "standard input: 'manifest'"},
             mistake{"$sum --files0-from=- -o names <names", "standard input: 'names'"},
         }) {
        INFO(wrong.command);
        const program_result result = in(scratch, wrong.command + " 2>&1");
        CHECK(result.status == 2);
        CHECK(result.output == "spmd_sum: --output would overwrite " + wrong.reason + "\n");
        CHECK(in(scratch, "ls -i; tail -n +1 a manifest names").output == before);
    }
}

TEST_CASE("the output is not an input even if another file is mounted in its place") {
    const temporary_directory scratch;
    scratch.write("tree/a", "1");
    scratch.write("tree/sums", "");
    scratch.write("outside", "");
    const program_result mounted =
        in(scratch, "unshare --mount true 2>/dev/null || { echo cannot; exit; }\n"
                    "unshare --mount bash -c 'mount --bind outside tree/sums && $0 -r tree 2>&1 >tree/sums;"
                    " cat tree/sums' $sum");
    if (mounted.output == "cannot\n") {
        WARN("mounting is not permitted: skipped");
        return;
    }
    CHECK(mounted.output == "spmd_sum: tree: 1 file being written to left out\n"
                            "c4ca4238a0b923820dcc509a6f75849b  tree/a\n");
}
