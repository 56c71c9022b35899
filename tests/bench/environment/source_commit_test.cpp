// Guards against: a report whose commit is empty or cut off.

#include <catch2/catch.hpp>
#include <environment/source_commit.hpp>

#include <string>

TEST_CASE("the commit is 12 hexadecimal digits, or unknown") {
    const std::string commit(spmd_bench::source_commit);
    CAPTURE(commit);
    if (commit == "unknown") return;
    CHECK(commit.size() >= 12); // git adds digits where 12 are ambiguous
    CHECK(commit.find_first_not_of("0123456789abcdef") == std::string::npos);
}
