// Guards against: an incomplete output under its final name, a lost old file, temporary files left behind,
// and changed permissions.
#include "support/temporary_directory.hpp"

#include <spmd_sum/output_file.hpp>

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

using spmd_sum::output_file;
using test_support::temporary_directory;

namespace {

std::string content_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::size_t files_in(const temporary_directory& scratch) {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(scratch.path()),
                                                  std::filesystem::directory_iterator()));
}

mode_t mode_of(const std::string& path) {
    struct stat status{};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777;
}

} // namespace

TEST_CASE("the old file stays until the output is committed, and the new one is complete") {
    const temporary_directory scratch;
    const std::string path = scratch.write("sums", "old\n");
    REQUIRE(::chmod(path.c_str(), 0640) == 0);
    {
        output_file output(path);
        std::fputs("new\n", output.stream());
        std::fflush(output.stream());
        CHECK(content_of(path) == "old\n");
        CHECK(output.identities().size() == 2);
        output.commit();
        CHECK(content_of(path) == "new\n");
    }
    CHECK(mode_of(path) == 0640);
    CHECK(files_in(scratch) == 1);
    {
        const output_file output(path);
        std::fputs("never\n", output.stream());
    }
    CHECK(content_of(path) == "new\n");
    CHECK(files_in(scratch) == 1);
}

TEST_CASE("a new file has the permissions left by the umask") {
    const temporary_directory scratch;
    const mode_t before = ::umask(027);
    output_file output(scratch / "sums");
    ::umask(before);
    std::fputs("new\n", output.stream());
    CHECK(!std::filesystem::exists(scratch / "sums"));
    output.commit();
    CHECK(content_of(scratch / "sums") == "new\n");
    CHECK(mode_of(scratch / "sums") == 0640);
}

TEST_CASE("the target of a symbolic link is replaced") {
    const temporary_directory scratch;
    scratch.write("there/sums", "old\n");
    std::filesystem::create_symlink("there/sums", scratch / "link");
    output_file output(scratch / "link");
    std::fputs("new\n", output.stream());
    output.commit();
    CHECK(std::filesystem::is_symlink(scratch / "link"));
    CHECK(content_of(scratch / "there/sums") == "new\n");
}

TEST_CASE("a file that is not regular is written to directly, and its errors are reported") {
    output_file full("/dev/full");
    CHECK(full.identities().empty());
    std::fputs("x", full.stream());
    CHECK_THROWS_WITH(full.commit(), Catch::Contains("/dev/full: No space left on device"));
}

TEST_CASE("a path that cannot be written is reported at once") {
    const temporary_directory scratch;
    CHECK_THROWS_WITH(output_file(scratch / "no/such/sums"),
                      Catch::Contains(scratch / "no/such/sums") &&
                          Catch::Contains("No such file or directory"));
    CHECK_THROWS_WITH(output_file(scratch.path()), Catch::Contains("Is a directory"));
}

TEST_CASE("without a path: standard output, at its current offset") {
    output_file output("");
    CHECK(output.stream() == stdout);
    CHECK(output.subject() == "write error");
    CHECK_NOTHROW(output.commit());
}

TEST_CASE("a dangling symbolic link stays, and leads to the new file") {
    const temporary_directory scratch;
    std::filesystem::create_symlink("target", scratch / "link");
    {
        output_file output(scratch / "link");
        std::fputs("new\n", output.stream());
        output.commit();
    }
    CHECK(std::filesystem::is_symlink(scratch / "link"));
    CHECK(content_of(scratch / "target") == "new\n");
}
