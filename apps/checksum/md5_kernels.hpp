#pragma once

#include <checksum/md5_lanes.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace checksum {

/// Largest number of lanes of a kernel.
inline constexpr std::size_t most_md5_lanes = 32;

/// Code that advances `lanes` messages at once.
struct md5_kernel {
    std::size_t lanes = 0;
    /// Hashes `count` blocks of each lane. `words[word * lanes + lane]` holds the states; `blocks[lane]`
    /// points to the blocks.
    void (*advance)(std::uint32_t* words, const std::byte* const* blocks, std::size_t count) = nullptr;
};

/// Kernels of a target in ascending order of lanes; none if this was compiled for better processors only.
/// Requires: this processor can run the target.
std::span<const md5_kernel> md5_kernels(md5_target target);

} // namespace checksum
