#pragma once

#include <string_view>

namespace spmd_bench {

/// The commit that was checked out when this program was built, 12 digits; "unknown" outside of a git
/// checkout. Uncommitted changes do not show.
extern const std::string_view source_commit;

} // namespace spmd_bench
