#pragma once

#include "statistics.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace spmd_bench {

/// Differences below this part are not worth a choice, and two runs of the same program have them.
inline constexpr double least_difference = 0.05;

/// The answer to "how does this time compare with that one?"
enum class verdict {
    same,        ///< surely within least_difference of it
    faster,      ///< surely below it, by least_difference or more as far as is known
    slower,      ///< surely above it, likewise
    cannot_tell, ///< anything else: the bounds allow more than one of these
};

/// "the same within 5 %", "faster", "slower", "cannot tell"
std::string_view name_of(verdict which) noexcept;

/// The verdict on a ratio of times, from its bounds. Bounds without an end, or that are not numbers, cannot tell.
verdict verdict_of(const interval_estimate& ratio) noexcept;

/// About how many rounds would narrow the bounds of `rounds` rounds far enough to tell, rounded up to two digits: widths
/// shrink with the root of the number of rounds. 0 where the bounds have no such number, or it is beyond 10,000.
std::size_t rounds_to_tell(const interval_estimate& ratio, std::size_t rounds) noexcept;

/// What would tell: "about 26 rounds, or a quieter machine, would tell", without the rounds where no number would do.
std::string remedy_for(const interval_estimate& ratio, std::size_t rounds);

} // namespace spmd_bench
