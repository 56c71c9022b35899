#pragma once

#include <cstddef>

namespace spmd {

/// Progress of a submission: `done` of `total` tasks have ended, successfully or not.
struct progress {
    std::size_t done = 0;
    std::size_t total = 0;
    std::size_t items = 0; ///< reported by the ranks through rank::advance(); equal to `done` for a map
};

} // namespace spmd
