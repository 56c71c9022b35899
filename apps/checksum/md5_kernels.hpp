#pragma once

#include <checksum/md5_lanes.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace checksum {

/// The most lanes that a kernel has.
inline constexpr std::size_t most_md5_lanes = 32;

/// Code that advances so many messages at once.
struct md5_kernel {
    std::size_t lanes = 0;
    /// `words`: the four words of the states, each of all lanes; `blocks`: of each lane.
    void (*advance)(std::uint32_t* words, const std::byte* const* blocks, std::size_t count) = nullptr;
};

/// Those of a target, from one lane to the most that pay; none where this was built for better processors only.
/// Requires: this processor can run them.
std::span<const md5_kernel> md5_kernels(md5_target target);

} // namespace checksum
