#pragma once

#include "spmd_bench/analysis/statistics.hpp"
#include "spmd_bench/options/names.hpp"

#include <array>
#include <cstddef>
#include <string>

namespace spmd_bench {

/// Relative differences below this are not worth a choice; two runs of one program have them.
inline constexpr double least_difference = 0.05;

/// The comparison of one time with another.
enum class verdict {
    same,        ///< surely within least_difference
    faster,      ///< surely below, by an estimate of least_difference or more
    slower,      ///< surely above, likewise
    cannot_tell, ///< the bounds allow more than one of these
};

template <>
inline constexpr std::array names<verdict>{named{"the same within 5 %", verdict::same},
                                           named{"faster", verdict::faster}, named{"slower", verdict::slower},
                                           named{"cannot tell", verdict::cannot_tell}};

/// The verdict on a ratio of times, from its bounds. Infinite bounds and NaN cannot tell.
verdict verdict_of(const interval_estimate& ratio) noexcept;

/// Estimates the number of rounds that would narrow the bounds of `rounds` rounds enough for a verdict,
/// rounded up to two digits: widths shrink with the square root of the rounds. 0 where no number up to 10,000
/// would.
std::size_t rounds_to_tell(const interval_estimate& ratio, std::size_t rounds) noexcept;

/// "about 26 rounds, or a quieter machine, would tell", without the rounds where rounds_to_tell() is 0.
std::string remedy_for(const interval_estimate& ratio, std::size_t rounds);

} // namespace spmd_bench
