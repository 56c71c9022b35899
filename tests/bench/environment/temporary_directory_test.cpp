// Guards against: a directory that outlives its owner, that is not below TMPDIR, or that reappears after the
// clean-up of a signal because another thread still writes to it.

#include "support/temporary_directory.hpp"

#include <catch2/catch.hpp>
#include <environment/temporary_directory.hpp>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

using spmd_bench::temporary_directory;

TEST_CASE("a directory is below TMPDIR, and is removed with its owner") {
    const test_support::temporary_directory parent;
    ::setenv("TMPDIR", parent.path().c_str(), 1);
    std::string path;
    {
        temporary_directory scratch;
        path = scratch.create();
        CHECK(path.starts_with(parent / "spmd_bench_"));
        CHECK(std::filesystem::file_size(scratch.write("x", std::array{'a', 'b'})) == 2);
    }
    CHECK_FALSE(std::filesystem::exists(path));
    ::setenv("TMPDIR", (parent / "absent").c_str(), 1);
    temporary_directory impossible;
    CHECK_THROWS_WITH(impossible.create(),
                      Catch::Contains(parent / "absent") && Catch::Contains("No such file"));
    ::unsetenv("TMPDIR");
}

TEST_CASE("nothing can be created after the removal") {
    temporary_directory scratch;
    const std::string path = scratch.create();
    scratch.remove();
    CHECK_FALSE(std::filesystem::exists(path));
    CHECK_THROWS_AS(scratch.write("x", std::array{'a'}), std::system_error);
    CHECK_THROWS_AS(scratch.create(), std::system_error);
    CHECK_NOTHROW(scratch.remove());
    CHECK_FALSE(std::filesystem::exists(path));
}
