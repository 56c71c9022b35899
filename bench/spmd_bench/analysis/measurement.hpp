#pragma once

#include "spmd_bench/options/way_kind.hpp"

#include <cstddef>
#include <optional>
#include <vector>

namespace spmd_bench {

/// The times of one way.
struct measurement {
    way_kind way = way_kind::serial;
    std::optional<std::size_t> submissions; ///< tasks per run; nothing: the pool decides as it runs
    std::vector<double> nanoseconds;        ///< by round
    bool settled = true;                    ///< its times were stable before the first round
    /// By round, the time of a fixed loop right before: the speed of the machine.
    std::vector<double> pace_ns{};
};

} // namespace spmd_bench
