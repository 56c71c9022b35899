// Guards the tools' option --progress: its values, and an error that names a wrong one.
#include <boost/program_options.hpp>
#include <catch2/catch.hpp>
#include <common/progress_option.hpp>

#include <string>
#include <vector>

namespace {

namespace po = boost::program_options;

apps::progress_mode parsed(const std::vector<std::string>& arguments) {
    po::options_description all;
    apps::add_progress_option(all);
    po::variables_map given;
    po::store(po::command_line_parser(arguments).options(all).run(), given);
    return apps::requested_progress(given);
}

} // namespace

TEST_CASE("auto, always, never; auto without the option") {
    CHECK(parsed({}) == apps::progress_mode::automatic);
    CHECK(parsed({"--progress=auto"}) == apps::progress_mode::automatic);
    CHECK(parsed({"--progress", "always"}) == apps::progress_mode::always);
    CHECK(parsed({"--progress=never"}) == apps::progress_mode::never);
}

TEST_CASE("any other value is an error that names it") {
    CHECK_THROWS_WITH(parsed({"--progress=often"}), "--progress is one of auto, always, never, not 'often'");
    CHECK_THROWS_AS(parsed({"--progress"}), po::error);
    CHECK_THROWS_AS(parsed({"--progress="}), po::error);
}
