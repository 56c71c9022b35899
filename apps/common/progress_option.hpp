#pragma once

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/variables_map.hpp>
#include <common/progress_line.hpp>

namespace apps {

/// Adds `--progress=auto|always|never` to a tool's options.
void add_progress_option(boost::program_options::options_description& options);

/// What is asked for; `automatic` where the option is not given. Throws: boost::program_options::error, which names the
/// value, for any other.
progress_mode asked_progress(const boost::program_options::variables_map& given);

} // namespace apps
