// Guards SPMD_TRACE: a program without any trace code writes a trace at exit, and reports errors.
#include "support/child_process.hpp"
#include "support/temporary_directory.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <fstream>
#include <set>
#include <string>
#include <vector>

namespace {

using nlohmann::json;

/// The notebook: 100 ranks, 500 files.
test_support::program_result run_notebook(std::vector<std::string> environment) {
    environment.insert(environment.begin(), "env");
    environment.emplace_back("sh");
    environment.emplace_back("-c");
    environment.emplace_back(EXAMPLE_NOTEBOOK_PATH " 2>&1");
    return test_support::run_program(environment);
}

json trace_at(const std::string& path) {
    std::ifstream file(path);
    REQUIRE(file.good());
    return json::parse(file);
}

std::set<std::string> names_of_tasks(const json& trace) {
    std::set<std::string> names;
    for (const json& each : trace["traceEvents"])
        if (each["ph"] == "X" && each["cat"] == "task") names.insert(each["name"]);
    return names;
}

} // namespace

TEST_CASE("the notebook's trace has all 100 ranks") {
    const test_support::temporary_directory folder;
    const auto ended = run_notebook({"SPMD_TRACE=" + folder.path() + "/trace.json"});
    CHECK(ended.status == 0);
    CHECK(ended.output == "500 digests by 100 ranks: the same\n");
    const json trace = trace_at(folder.path() + "/trace.json");
    std::set<std::string> expected;
    for (int rank = 0; rank < 100; ++rank) expected.insert("rank " + std::to_string(rank));
    CHECK(names_of_tasks(trace) == expected);
    CHECK(trace["otherData"]["dropped"] == 0);
}

TEST_CASE("%p in the path is the process id, and tracks can follow ranks") {
    const test_support::temporary_directory folder;
    const auto ended =
        run_notebook({"SPMD_TRACE=" + folder.path() + "/trace-%p.json", "SPMD_TRACE_TRACKS=rank"});
    CHECK(ended.status == 0);
    CHECK(ended.output == "500 digests by 100 ranks: the same\n");
    const auto found = test_support::run_program({"sh", "-c", "cat " + folder.path() + "/trace-[0-9]*.json"});
    std::set<std::string> names;
    for (const std::string& name : names_of_tasks(json::parse(found.output)))
        names.insert(name.substr(0, name.find(':'))); // without the line of the broadcast
    CHECK(names == std::set<std::string>{"notebook.cpp", "gather", "make_local", "replicate"});
}

TEST_CASE("a path that cannot be written is reported on standard error and does not change the outcome") {
    const auto ended = run_notebook({"SPMD_TRACE=/no/such/folder/trace.json"});
    CHECK(ended.status == 0);
    // The program's own output is flushed at exit, after the message.
    CHECK(ended.output == "spmd: SPMD_TRACE: /no/such/folder/trace.json: No such file or directory\n"
                          "500 digests by 100 ranks: the same\n");
}

TEST_CASE("an unknown kind of tracks is rejected, naming it") {
    const test_support::temporary_directory folder;
    const auto ended =
        run_notebook({"SPMD_TRACE=" + folder.path() + "/trace.json", "SPMD_TRACE_TRACKS=core"});
    CHECK(ended.status == 0);
    CHECK_THAT(ended.output,
               Catch::Contains("SPMD_TRACE_TRACKS must be rank or thread, not 'core'; using thread"));
    CHECK(names_of_tasks(trace_at(folder.path() + "/trace.json")).size() == 100);
}
