#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <source_location>

namespace spmd::detail {

/// Running mean of the cost of the waves that follow the collectives of each line of the program: heavy waves
/// are shared from the beginning, even where most are cheap. Lines share 16 means by their number.
/// (residence/spmd_barriers)
///
/// Thread safety: none. Used only by the thread that completes a collective of all ranks.
class wave_estimate {
public:
    /// Records what the last wave cost, in ns; returns the estimate for the wave that a collective at `where`
    /// opens.
    std::uint64_t next(const std::source_location& where, std::uint64_t last) noexcept;

private:
    static constexpr std::size_t lines = 16;

    std::array<std::uint64_t, lines + 1> means_{}; // 0: none yet; the last: before all collectives
    std::size_t opened_by_ = lines;
};

} // namespace spmd::detail
