// The rounds of MD5 (RFC 1321, 3.4), compiled for each kind of vector register. Only Highway's headers are
// used: its library would calibrate a timer in each process, for 3 ms.
#include <checksum/md5_kernels.hpp>

#include <bit>
#include <cstring>
#include <utility>

// Targets without kernels.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "checksum/md5_kernels.cpp" // NOLINT(readability-identifier-naming): Highway's
#include <hwy/foreach_target.h>
// The order matters: foreach_target.h includes this file again for each target.
#include <hwy/highway.h>

#ifndef CHECKSUM_MD5_ROUNDS
#define CHECKSUM_MD5_ROUNDS

namespace checksum::rounds {

// Index k of the message word that each step adds, RFC 1321, 3.4: [a b c d k s i].
constexpr std::size_t word_of(std::size_t step) {
    switch (step / 16) {
        case 0: return step;
        case 1: return (5 * step + 1) % 16;
        case 2: return (3 * step + 5) % 16;
        default: return 7 * step % 16;
    }
}

constexpr int shift_of(std::size_t step) {
    constexpr int shifts[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    return shifts[step / 16][step % 4];
}

// T[i], RFC 1321, 3.4: the integer part of 4294967296 times abs(sin(i)).
inline constexpr std::uint32_t constants[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};

} // namespace checksum::rounds
#endif

HWY_BEFORE_NAMESPACE();
namespace checksum::HWY_NAMESPACE {

#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128

namespace hn = hwy::HWY_NAMESPACE;
using words_tag = hn::ScalableTag<std::uint32_t>;
using words = hn::Vec<words_tag>;
inline constexpr words_tag all{};
inline constexpr std::size_t lanes = HWY_LANES(std::uint32_t);
inline constexpr std::size_t words_per_block = 4; // in the 128-bit blocks within which vectors are shuffled

/// Keeps the compiler from reordering the additions of a sum: the operand known last must be added last.
HWY_INLINE void keep_together([[maybe_unused]] words& sum) {
#if defined(__x86_64__)
    asm("" : "+v"(sum.raw));
#endif
}

/// Adds F(b, c, d) in the first round, and G, H and I in the others, to `sum`.
template <std::size_t Round>
HWY_INLINE words add_mix(words sum, words b, words c, words d) {
#if HWY_TARGET == HWY_AVX3
    // One instruction for any function of three bits, given its truth table for b = 0xf0, c = 0xcc, d = 0xaa.
    constexpr int tables[4] = {0xca, 0xe4, 0x96, 0x39};
    return hn::Add(sum, words{_mm512_ternarylogic_epi32(b.raw, c.raw, d.raw, tables[Round])});
#else
    if constexpr (Round == 0) return hn::Add(sum, hn::Xor(d, hn::And(b, hn::Xor(c, d))));
    // The two halves of G have no bit in common, and only one of them depends on b, which is known last.
    if constexpr (Round == 1) return hn::Add(hn::Add(sum, hn::AndNot(d, c)), hn::And(b, d));
    if constexpr (Round == 2) return hn::Add(sum, hn::Xor(b, hn::Xor(c, d)));
    // I is the complement of c ^ (~b & d), and the complement of x is -x - 1.
    if constexpr (Round == 3) return hn::Sub(sum, hn::Xor(c, hn::AndNot(b, d)));
#endif
}

/// Constant that each step adds, besides the message word.
template <std::size_t Step>
constexpr std::uint32_t constant_of() {
    const bool is_complement = HWY_TARGET != HWY_AVX3 && Step / 16 == 3;
    return rounds::constants[Step] - (is_complement ? 1 : 0);
}

template <std::size_t Vectors, std::size_t Step>
HWY_INLINE void step(words (&a)[Vectors], const words (&b)[Vectors], const words (&c)[Vectors],
                     const words (&d)[Vectors], const std::uint32_t* message) {
    const words constant = hn::Set(all, constant_of<Step>());
    const std::uint32_t* const word = message + rounds::word_of(Step) * Vectors * lanes;
    HWY_UNROLL(4)
    for (std::size_t i = 0; i < Vectors; ++i) {
        words known = hn::Add(hn::Add(a[i], constant), hn::Load(all, word + i * lanes));
        keep_together(known);
        const words sum = add_mix<Step / 16>(known, b[i], c[i], d[i]);
        a[i] = hn::Add(b[i], hn::RotateRight<32 - rounds::shift_of(Step)>(sum));
    }
}

template <std::size_t Vectors, std::size_t Step>
HWY_INLINE void four_steps(words (&a)[Vectors], words (&b)[Vectors], words (&c)[Vectors], words (&d)[Vectors],
                           const std::uint32_t* message) {
    step<Vectors, Step>(a, b, c, d, message);
    step<Vectors, Step + 1>(d, a, b, c, message);
    step<Vectors, Step + 2>(c, d, a, b, message);
    step<Vectors, Step + 3>(b, c, d, a, message);
}

/// Loads 16 bytes at `offset` of the blocks of lanes `first`, first + 4, first + 8 …, one lane in each 128
/// bits.
HWY_INLINE words load_quarters(const std::byte* const* blocks, std::size_t first, std::size_t offset) {
    const auto quarter = [&](std::size_t lane) HWY_ATTR {
        const hn::FixedTag<std::uint32_t, words_per_block> part;
        return hn::LoadU(part, reinterpret_cast<const std::uint32_t*>(blocks[first + lane] + offset));
    };
#if HWY_TARGET == HWY_AVX3
    const hn::FixedTag<std::uint32_t, 8> half;
    return hn::Combine(all, hn::Combine(half, quarter(12), quarter(8)),
                       hn::Combine(half, quarter(4), quarter(0)));
#elif HWY_TARGET == HWY_AVX2
    return hn::Combine(all, quarter(4), quarter(0));
#else
    return quarter(0);
#endif
}

/// Transposes the blocks of all lanes to message[word][lane].
template <std::size_t Vectors>
HWY_INLINE void transpose(const std::byte* const* blocks, std::size_t offset, std::uint32_t* message) {
    const hn::Repartition<std::uint64_t, words_tag> pairs;
    for (std::size_t vector = 0; vector < Vectors; ++vector) {
        const std::byte* const* const rows = blocks + vector * lanes;
        HWY_UNROLL(4)
        for (std::size_t word = 0; word < 16; word += words_per_block) {
            const std::size_t position = offset + word * sizeof(std::uint32_t);
            const words row0 = load_quarters(rows, 0, position);
            const words row1 = load_quarters(rows, 1, position);
            const words row2 = load_quarters(rows, 2, position);
            const words row3 = load_quarters(rows, 3, position);
            const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(all, row0, row1));
            const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(all, row2, row3));
            const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(all, row0, row1));
            const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(all, row2, row3));
            std::uint32_t* const to = message + (word * Vectors + vector) * lanes;
            constexpr std::size_t next = Vectors * lanes;
            hn::Store(hn::BitCast(all, hn::InterleaveLower(pairs, low01, low23)), all, to);
            hn::Store(hn::BitCast(all, hn::InterleaveUpper(pairs, low01, low23)), all, to + next);
            hn::Store(hn::BitCast(all, hn::InterleaveLower(pairs, high01, high23)), all, to + 2 * next);
            hn::Store(hn::BitCast(all, hn::InterleaveUpper(pairs, high01, high23)), all, to + 3 * next);
        }
    }
}

template <std::size_t Vectors, std::size_t... Fours>
HWY_INLINE void all_steps(words (&a)[Vectors], words (&b)[Vectors], words (&c)[Vectors], words (&d)[Vectors],
                          const std::uint32_t* message, std::index_sequence<Fours...>) {
    (four_steps<Vectors, 4 * Fours>(a, b, c, d, message), ...);
}

template <std::size_t Vectors>
void advance(std::uint32_t* state, const std::byte* const* blocks, std::size_t count) {
    constexpr std::size_t width = Vectors * lanes;
    // The transposition moves 128-bit quarter q of lane j of four to lane 4 q + j, so that lanes keep their
    // order.
    HWY_ALIGN std::uint32_t message[16 * width];
    words a[Vectors];
    words b[Vectors];
    words c[Vectors];
    words d[Vectors];
    for (std::size_t i = 0; i < Vectors; ++i) {
        a[i] = hn::LoadU(all, state + i * lanes);
        b[i] = hn::LoadU(all, state + width + i * lanes);
        c[i] = hn::LoadU(all, state + 2 * width + i * lanes);
        d[i] = hn::LoadU(all, state + 3 * width + i * lanes);
    }
    for (std::size_t block = 0; block < count; ++block) {
        words a0[Vectors];
        words b0[Vectors];
        words c0[Vectors];
        words d0[Vectors];
        for (std::size_t i = 0; i < Vectors; ++i) {
            a0[i] = a[i];
            b0[i] = b[i];
            c0[i] = c[i];
            d0[i] = d[i];
        }
        transpose<Vectors>(blocks, block * md5_block_size, message);
        all_steps(a, b, c, d, message, std::make_index_sequence<16>());
        for (std::size_t i = 0; i < Vectors; ++i) {
            a[i] = hn::Add(a[i], a0[i]);
            b[i] = hn::Add(b[i], b0[i]);
            c[i] = hn::Add(c[i], c0[i]);
            d[i] = hn::Add(d[i], d0[i]);
        }
    }
    for (std::size_t i = 0; i < Vectors; ++i) {
        hn::StoreU(a[i], all, state + i * lanes);
        hn::StoreU(b[i], all, state + width + i * lanes);
        hn::StoreU(c[i], all, state + 2 * width + i * lanes);
        hn::StoreU(d[i], all, state + 3 * width + i * lanes);
    }
}

template <std::size_t Vectors>
constexpr md5_kernel kernel{Vectors * lanes, &advance<Vectors>};

#endif

} // namespace checksum::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace checksum {
namespace {

std::uint32_t mixed(std::size_t round, std::uint32_t b, std::uint32_t c, std::uint32_t d) noexcept {
    switch (round) {
        case 0: return d ^ (b & (c ^ d));
        case 1: return c ^ (d & (b ^ c));
        case 2: return b ^ c ^ d;
        default: return c ^ (b | ~d);
    }
}

std::uint32_t little_endian_word(const std::byte* from) noexcept {
    std::uint32_t word = 0;
    std::memcpy(&word, from, sizeof word);
    return std::endian::native == std::endian::little ? word : __builtin_bswap32(word);
}

template <std::size_t Streams, std::size_t Step>
inline void scalar_step(std::uint32_t (&a)[Streams], const std::uint32_t (&b)[Streams],
                        const std::uint32_t (&c)[Streams], const std::uint32_t (&d)[Streams],
                        const std::byte* const* blocks, std::size_t offset) noexcept {
    for (std::size_t i = 0; i < Streams; ++i) {
        const std::uint32_t word =
            little_endian_word(blocks[i] + offset + rounds::word_of(Step) * sizeof(std::uint32_t));
        std::uint32_t known = a[i] + rounds::constants[Step] + word;
        asm("" : "+r"(known)); // as in keep_together()
        const std::uint32_t sum = known + mixed(Step / 16, b[i], c[i], d[i]);
        a[i] = b[i] + std::rotl(sum, rounds::shift_of(Step));
    }
}

template <std::size_t Streams, std::size_t... Fours>
inline void scalar_steps(std::uint32_t (&a)[Streams], std::uint32_t (&b)[Streams],
                         std::uint32_t (&c)[Streams], std::uint32_t (&d)[Streams],
                         const std::byte* const* blocks, std::size_t offset,
                         std::index_sequence<Fours...>) noexcept {
    ((scalar_step<Streams, 4 * Fours>(a, b, c, d, blocks, offset),
      scalar_step<Streams, 4 * Fours + 1>(d, a, b, c, blocks, offset),
      scalar_step<Streams, 4 * Fours + 2>(c, d, a, b, blocks, offset),
      scalar_step<Streams, 4 * Fours + 3>(b, c, d, a, blocks, offset)),
     ...);
}

/// Advances without vectors; two streams need little more time than one.
template <std::size_t Streams>
void scalar_advance(std::uint32_t* state, const std::byte* const* blocks, std::size_t count) {
    for (std::size_t block = 0; block < count; ++block) {
        std::uint32_t words[4][Streams];
        std::memcpy(words, state, sizeof words);
        scalar_steps(words[0], words[1], words[2], words[3], blocks, block * md5_block_size,
                     std::make_index_sequence<16>());
        for (std::size_t word = 0; word < 4; ++word)
            for (std::size_t i = 0; i < Streams; ++i) state[word * Streams + i] += words[word][i];
    }
}

constexpr md5_kernel one_stream{1, &scalar_advance<1>};
constexpr md5_kernel two_streams{2, &scalar_advance<2>};

} // namespace

std::span<const md5_kernel> md5_kernels(md5_target target) {
    static constexpr md5_kernel scalar[]{one_stream, two_streams};
    switch (target) {
        case md5_target::scalar: break;
#if HWY_TARGETS & HWY_SSE4
        case md5_target::sse4: {
            static constexpr md5_kernel all[]{one_stream, two_streams, N_SSE4::kernel<1>, N_SSE4::kernel<2>,
                                              N_SSE4::kernel<3>};
            return all;
        }
#endif
#if HWY_TARGETS & HWY_AVX2
        case md5_target::avx2: {
            static constexpr md5_kernel all[]{one_stream, two_streams, N_AVX2::kernel<1>, N_AVX2::kernel<2>,
                                              N_AVX2::kernel<3>};
            return all;
        }
#endif
#if HWY_TARGETS & HWY_AVX3
        case md5_target::
            avx512: { // more than two vectors gain nothing, and their streams compete for the caches
            static constexpr md5_kernel all[]{one_stream, two_streams, N_AVX3::kernel<1>, N_AVX3::kernel<2>};
            return all;
        }
#endif
        default: return {};
    }
    return scalar;
}

} // namespace checksum
#endif
