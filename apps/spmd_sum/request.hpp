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

/// What a check of manifests tells, and what it takes for an error.
struct check_request {
    checksum::manifest_format format{};
    bool tells_good = true;                 ///< a line for each file that is as it should be
    bool tells_any = true;                  ///< lines and warnings at all
    bool warns_each_line = false;           ///< of those that are no manifest's
    bool is_strict = false;                 ///< then such lines are errors
    bool ignores_missing = false;           ///< files that are not there are no errors
    bool lists_extra = false;               ///< files that no manifest names
    std::vector<std::string> extra_roots{}; ///< below these; empty: below those that the manifests name
};

/// What spmd_sum is asked to do.
struct request {
    std::vector<std::string>
        operands{};           ///< paths, or manifests where there is a check; never empty without names_file
    std::string names_file{}; ///< has the operands, ended by NUL; empty: there is none
    bool is_recursive = false;
    checksum::listing_options listing{};
    std::optional<checksum::algorithm> by{}; ///< if one was named
    checksum::line_format format{};
    bool is_json = false;
    std::string output{}; ///< empty: standard output
    std::optional<check_request> check{};
    std::size_t ranks = 0;
    std::size_t threads = 0;
    apps::progress_mode progress = apps::progress_mode::automatic;
    apps::trace_request trace{};
    std::string text{}; ///< if not empty, what to print instead of anything else
};

/// A command line that asks for nothing sensible; the message names the option or the value.
class usage_error : public std::invalid_argument {
public:
    using std::invalid_argument::invalid_argument;
};

/// Throws: usage_error.
[[nodiscard]] request parse_request(int argc, const char* const* argv);

} // namespace spmd_sum
