#pragma once

#include <checksum/digest.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace checksum {

/// MD5 is one chain of operations for each message, so that a core waits most of the time. Here many messages are hashed at
/// the same time, one in each lane of the vector registers: RFC 1321, with 8 to 32 lanes.
///
///     std::vector<checksum::md5> digests(messages.size());
///     checksum::md5_of_each(messages, digests);       // spans of bytes, of any lengths

/// The chaining value of a message, of which some blocks were hashed.
using md5_state = std::array<std::uint32_t, 4>;
inline constexpr md5_state md5_begin{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}; // RFC 1321, 3.3
inline constexpr std::size_t md5_block_size = 64;

/// `count` blocks of 64 bytes at `blocks`, to be hashed into `*state`.
struct md5_run {
    md5_state* state = nullptr;
    const std::byte* blocks = nullptr;
    std::size_t count = 0;
};

/// A kind of machine that there is code for.
enum class md5_target { scalar, sse4, avx2, avx512 };
std::string_view name_of(md5_target target);
/// Those that this processor can run, the fastest last.
std::span<const md5_target> md5_targets();

/// How many runs of equal length fill the lanes once. With fewer at a time, lanes stay empty.
std::size_t md5_lanes(md5_target target = md5_targets().back());

/// Advances the states of all runs, whose order is lost. A lane whose run has ended takes the next one, the longest first, so
/// that few stay empty at the end.
/// Requires: the runs have different states; `target` is one of md5_targets().
void md5_advance(std::span<md5_run> runs, md5_target target = md5_targets().back());

/// A message in a buffer that goes on after it: padding_room bytes there are overwritten, which saves a copy.
struct md5_message {
    static constexpr std::size_t padding_room = 72;
    std::byte* bytes = nullptr;
    std::size_t size = 0;
};

/// digests[i] becomes the MD5 of messages[i]. Requires: as many digests as messages.
void md5_of_each(std::span<const md5_message> messages, std::span<md5> digests,
                 md5_target target = md5_targets().back());
void md5_of_each(std::span<const std::span<const std::byte>> messages, std::span<md5> digests,
                 md5_target target = md5_targets().back());

/// Writes what follows a message of `size` bytes at its end, RFC 1321, 3.1 and 3.2: its last blocks are then whole.
/// `end`: where it ends, behind it the room of md5_message. Returns how many bytes were written.
std::size_t md5_pad(std::byte* end, std::uint64_t size) noexcept;
/// The digest that a state stands for when all blocks were hashed.
md5 md5_digest(const md5_state& state) noexcept;

} // namespace checksum
