// Guards the tools' option --trace: its values, errors that name the wrong one, and a file that holds the
// run.
#include "../../support/temporary_directory.hpp"

#include <spmd/spmd.hpp>

#include <boost/program_options.hpp>
#include <catch2/catch.hpp>
#include <common/trace_option.hpp>

#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

namespace {

namespace po = boost::program_options;

apps::trace_request parsed(const std::vector<std::string>& arguments) {
    po::options_description all;
    apps::add_trace_options(all);
    po::variables_map given;
    po::store(po::command_line_parser(arguments).options(all).run(), given);
    return apps::requested_trace(given);
}

std::string content(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace

TEST_CASE("a file, and tracks of threads unless tracks of ranks are requested") {
    CHECK(parsed({}).path.empty());
    CHECK(parsed({"--trace=run.json"}).path == "run.json");
    CHECK(parsed({"--trace=run.json"}).options.tracks == spmd::trace_tracks::per_thread);
    CHECK(parsed({"--trace=run.json", "--trace-tracks=thread"}).options.tracks ==
          spmd::trace_tracks::per_thread);
    CHECK(parsed({"--trace=run.json", "--trace-tracks=rank"}).options.tracks == spmd::trace_tracks::per_rank);
}

TEST_CASE("errors name the wrong value") {
    CHECK_THROWS_WITH(parsed({"--trace", "f", "--trace-tracks=core"}),
                      "--trace-tracks is one of thread, rank, not 'core'");
    CHECK_THROWS_WITH(parsed({"--trace-tracks=rank"}), "--trace-tracks needs --trace FILE");
    CHECK_THROWS_AS(parsed({"--trace"}), po::error);
    CHECK_THROWS_WITH(parsed({"--trace", ""}), "--trace needs the name of a file, not ''");
    CHECK_THROWS_WITH(apps::trace_file({"/no/such/folder/f.json", {}}),
                      Catch::Contains("/no/such/folder/f.json") && Catch::Contains("No such file"));
}

TEST_CASE("the file holds what was recorded, and dropped events are reported") {
    const test_support::temporary_directory folder;
    const std::string path = folder / "run.json";
    const apps::trace_file trace({path, {.capacity = 10}});
    REQUIRE(trace.recorder());
    const spmd::engine_pool pool({.ranks = 20, .threads = 1, .trace = trace.recorder()});
    pool.broadcast([](spmd::rank) {}).get();
    CHECK_THAT(trace.write(), Catch::Contains(path + " holds 10 events of the run; "));
    CHECK_THAT(content(path), Catch::Contains("\"rank 0\"") && !Catch::Contains("\"rank 19\""));
}

TEST_CASE("without a file nothing is recorded or written") {
    const apps::trace_file none({});
    CHECK(!none.recorder());
    CHECK(none.write().empty());
}
