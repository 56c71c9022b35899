#pragma once

#include <spmd/message.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>

namespace spmd::detail {

/// Sender and tag of a message, or those that a receive accepts: either may be any then.
struct match_key {
    static constexpr std::size_t any_rank = std::numeric_limits<std::size_t>::max();

    /// Wildcards of a key, as bits.
    using wildcards = unsigned;
    static constexpr wildcards any_rank_bit = 1;
    static constexpr wildcards any_tag_bit = 2;
    static constexpr wildcards all_wildcards = any_rank_bit | any_tag_bit;

    std::size_t from = any_rank;
    int tag = any_tag;

    bool operator==(const match_key&) const = default;

    wildcards wild() const noexcept {
        return (from == any_rank ? any_rank_bit : 0) | (tag == any_tag ? any_tag_bit : 0);
    }
    /// Returns the key with further wildcards.
    match_key widened(wildcards more) const noexcept {
        return {(more & any_rank_bit) != 0 ? any_rank : from, (more & any_tag_bit) != 0 ? any_tag : tag};
    }
    /// True if a receive of one key accepts a message of the other.
    bool matches(const match_key& other) const noexcept {
        return (from == other.from || from == any_rank || other.from == any_rank) &&
               (tag == other.tag || tag == any_tag || other.tag == any_tag);
    }

    struct hash {
        std::size_t operator()(const match_key& key) const noexcept {
            return key.from * 0x9E3779B97F4A7C15U + static_cast<unsigned>(key.tag);
        }
    };
};

} // namespace spmd::detail
