// Guards the option that the tools share: its words, and an error that names what was wrong.

#include <boost/program_options.hpp>
#include <catch2/catch.hpp>
#include <common/progress_option.hpp>

#include <string>
#include <vector>

namespace {

namespace po = boost::program_options;

apps::progress_mode asked(const std::vector<std::string>& arguments) {
    po::options_description all;
    apps::add_progress_option(all);
    po::variables_map given;
    po::store(po::command_line_parser(arguments).options(all).run(), given);
    return apps::asked_progress(given);
}

} // namespace

TEST_CASE("auto, always, never; auto where it is not given") {
    CHECK(asked({}) == apps::progress_mode::automatic);
    CHECK(asked({"--progress=auto"}) == apps::progress_mode::automatic);
    CHECK(asked({"--progress", "always"}) == apps::progress_mode::always);
    CHECK(asked({"--progress=never"}) == apps::progress_mode::never);
}

TEST_CASE("any other word is an error that names it") {
    CHECK_THROWS_WITH(asked({"--progress=often"}), "--progress is one of auto, always, never, not 'often'");
    CHECK_THROWS_AS(asked({"--progress"}), po::error);
    CHECK_THROWS_AS(asked({"--progress="}), po::error);
}
