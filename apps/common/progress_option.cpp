#include <common/progress_option.hpp>

#include <boost/program_options/errors.hpp>
#include <boost/program_options/value_semantic.hpp>

#include <string>

namespace apps {

namespace po = boost::program_options;

void add_progress_option(po::options_description& options) {
    options.add_options()("progress", po::value<std::string>()->value_name("WHEN"),
                          "show progress on standard error: auto, always, never (auto: on a terminal, unless "
                          "the output is a pipe)");
}

progress_mode requested_progress(const po::variables_map& given) {
    if (given.count("progress") == 0) return progress_mode::automatic;
    const auto& when = given["progress"].as<std::string>();
    if (when == "auto") return progress_mode::automatic;
    if (when == "always") return progress_mode::always;
    if (when == "never") return progress_mode::never;
    throw po::error("--progress is one of auto, always, never, not '" + when + "'");
}

} // namespace apps
