#pragma once

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/variables_map.hpp>
#include <common/progress_line.hpp>

namespace apps {

/// Adds `--progress=auto|always|never` to a tool's options.
void add_progress_option(boost::program_options::options_description& options);

/// The mode that `given` selects; `automatic` without the option.
/// Throws: boost::program_options::error naming the value, if it is none of the three.
progress_mode requested_progress(const boost::program_options::variables_map& given);

} // namespace apps
