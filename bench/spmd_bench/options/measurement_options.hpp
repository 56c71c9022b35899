#pragma once

#include <cstddef>
#include <cstdint>

namespace spmd_bench {

struct measurement_options {
    std::size_t repetitions = 51;
    /// Runs of a way right before each measured one; their results are checked too. 0: start cold.
    std::size_t warmup = 1;
    std::uint64_t seed = 1; ///< of the order of the ways
};

} // namespace spmd_bench
