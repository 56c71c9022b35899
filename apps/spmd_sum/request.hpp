#pragma once

#include <checksum/algorithm.hpp>
#include <checksum/file_list.hpp>
#include <checksum/manifest.hpp>
#include <checksum/sum_line.hpp>

#include <common/progress_line.hpp>
#include <common/trace_option.hpp>

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace spmd_sum {

/// Options for a check of manifests.
struct check_request {
    checksum::manifest_format format{};
    bool prints_good = true;      ///< prints a line for each file that matches
    bool prints_any = true;       ///< prints lines and warnings at all
    bool warns_each_line = false; ///< prints a warning for each malformed line
    bool is_strict = false;       ///< malformed lines are errors
    bool ignores_missing = false; ///< missing files are not errors
    bool lists_extra = false;     ///< lists files that no manifest names
    /// Roots of extra files; empty: derived from the names in the manifests.
    std::vector<std::string> extra_roots{};
};

/// A parsed command line of spmd_sum.
struct request {
    std::vector<std::string> operands{}; ///< paths, or manifests for a check; not empty without names_file
    std::string names_file{};            ///< file with NUL-terminated operands; empty: none
    bool is_recursive = false;
    checksum::listing_options listing{};
    std::optional<checksum::algorithm> algorithm{}; ///< empty: none was named
    checksum::line_format format{};
    bool is_json = false;
    std::string output{}; ///< empty: standard output
    std::optional<check_request> check{};
    std::size_t ranks = 0;
    std::size_t threads = 0;
    apps::progress_mode progress = apps::progress_mode::automatic;
    apps::trace_request trace{};
    std::string text{}; ///< printed instead of anything else, such as the help; empty: none
};

/// An invalid command line. The message names the option or the value.
class usage_error : public std::invalid_argument {
public:
    using std::invalid_argument::invalid_argument;
};

/// Parses the command line. Throws: usage_error.
[[nodiscard]] request parse_request(int argc, const char* const* argv);

} // namespace spmd_sum
