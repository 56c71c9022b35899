#pragma once

#include <checksum/digest.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace checksum {

// MD5 (RFC 1321) of many messages at once, one in each of the 8 to 32 lanes of the vector registers. A single
// message is one chain of dependent operations, in which a core waits most of the time.
//
//     std::vector<checksum::md5> digests(messages.size());
//     checksum::md5_of_each(messages, digests);       // spans of bytes, of any lengths

/// Chaining value of a message after some of its blocks.
using md5_state = std::array<std::uint32_t, 4>;
inline constexpr md5_state md5_begin{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}; // RFC 1321, 3.3
inline constexpr std::size_t md5_block_size = 64;

/// `count` blocks of 64 bytes at `blocks`, to hash into `*state`.
struct md5_run {
    md5_state* state = nullptr;
    const std::byte* blocks = nullptr;
    std::size_t count = 0;
};

/// Instruction sets with kernels.
enum class md5_target { scalar, sse4, avx2, avx512 };
/// Name for reports: "scalar", "SSE4", "AVX2", "AVX-512".
std::string_view name_of(md5_target target);
/// Targets that this processor can run, the fastest last.
std::span<const md5_target> md5_targets();

/// Number of lanes: with fewer runs at a time, some stay empty.
std::size_t md5_lanes(md5_target target = md5_targets().back());

/// Advances the states of all runs, and reorders the runs. A lane whose run has ended takes the next one, the
/// longest first, so that few lanes are empty at the end.
/// Requires: the runs have different states; `target` is one of md5_targets().
void md5_advance(std::span<md5_run> runs, md5_target target = md5_targets().back());

/// A message followed by padding_room bytes in its buffer, which are overwritten: this saves a copy.
struct md5_message {
    static constexpr std::size_t padding_room = 72;
    std::byte* bytes = nullptr;
    std::size_t size = 0;
};

/// Sets digests[i] to the MD5 of messages[i]. Requires: as many digests as messages.
void md5_of_each(std::span<const md5_message> messages, std::span<md5> digests,
                 md5_target target = md5_targets().back());
/// As above, for messages without room behind them, whose last blocks are copied.
void md5_of_each(std::span<const std::span<const std::byte>> messages, std::span<md5> digests,
                 md5_target target = md5_targets().back());

/// Writes the padding of a message of `size` bytes to `end`, its end, followed by md5_message::padding_room
/// bytes (RFC 1321, 3.1 and 3.2). Returns the number of bytes written, which completes the last block.
std::size_t md5_pad(std::byte* end, std::uint64_t size) noexcept;
/// The digest of a message whose blocks have all been hashed into `state`.
md5 md5_digest(const md5_state& state) noexcept;

} // namespace checksum
