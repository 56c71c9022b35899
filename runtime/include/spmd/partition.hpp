#pragma once

#include <spmd/index_range.hpp>

#include <algorithm>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <iterator>
#include <limits>
#include <ranges>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

/// Rules that partition n items among ranks. Each is called as `rule(n, rank, size)` and returns the part of
/// that rank: for every n, every size ≥ 1 and all ranks 0 … size-1 the parts together hold each of 0 … n-1
/// exactly once. No n overflows. A rank without items gets an empty part.
///
///     spmd::balanced(7, 0, 5)             // [0, 2)
///     spmd::block(7, 4, 5)                // [7, 7): empty
///     for (std::size_t i : spmd::cyclic(7, 1, 5).indices())   // 1, 6
namespace spmd {

/// A rule of partition: `rule(n, rank, size)` returns the part of that rank.
template <class Rule>
concept partition_rule = requires(const Rule& rule, std::size_t n, std::size_t rank, std::size_t size) {
    { rule(n, rank, size).size() } -> std::same_as<std::size_t>;
    { rule(n, rank, size)[std::size_t{0}] } -> std::same_as<std::size_t>;
};

/// A rule whose parts are contiguous, so that a part of an array is a subarray.
template <class Rule>
concept contiguous_partition_rule =
    partition_rule<Rule> &&
    std::is_invocable_r_v<index_range, const Rule&, std::size_t, std::size_t, std::size_t>;

namespace detail {

[[noreturn]] void throw_no_such_rank(std::size_t rank, std::size_t size);

constexpr void require_rank(std::size_t rank, std::size_t size) {
    if (rank >= size) throw_no_such_rank(rank, size);
}

} // namespace detail

/// Contiguous parts whose sizes differ by at most one: the first n % size ranks have the extra item.
/// Throws: std::invalid_argument when size == 0 or rank >= size.
constexpr index_range balanced(std::size_t n, std::size_t rank, std::size_t size) {
    detail::require_rank(rank, size);
    const std::size_t share = n / size;
    const std::size_t extra = n % size;
    const std::size_t begin = rank * share + std::min(rank, extra);
    return {begin, begin + share + (rank < extra ? 1 : 0)};
}

/// Contiguous parts of ceil(n / size) items; the last non-empty part may be shorter, and the parts after it
/// are empty (first == last == n).
/// Throws: std::invalid_argument when size == 0 or rank >= size.
constexpr index_range block(std::size_t n, std::size_t rank, std::size_t size) {
    detail::require_rank(rank, size);
    const std::size_t chunk = n / size + (n % size != 0 ? 1 : 0);
    // rank * chunk overflows for n near the largest size_t, so compare before multiplying.
    const bool starts_within = chunk != 0 && rank <= n / chunk;
    const std::size_t begin = starts_within ? rank * chunk : n;
    return {begin, begin + std::min(chunk, n - begin)};
}

/// Items dealt out one by one: rank, rank + size, rank + 2 size, … below n.
/// Throws: std::invalid_argument when size == 0 or rank >= size.
constexpr strided_range cyclic(std::size_t n, std::size_t rank, std::size_t size) {
    detail::require_rank(rank, size);
    if (rank >= n) return {n, size, 0};
    return {rank, size, (n - rank - 1) / size + 1};
}

namespace detail {

__extension__ using wide_unsigned = unsigned __int128;

/// The r/size part of a total of integral weights, exactly: whole + fraction / size.
/// Never overflows below 2^62 items, since a 64-bit weight times 2^62 items, doubled, fits 128 bits.
class integral_target {
public:
    constexpr integral_target(wide_unsigned total, std::size_t r, std::size_t size)
        : size_(size), whole_(total / size * r + total % size * r / size),
          fraction_(total % size * r % size) {}

    constexpr bool reached_by(wide_unsigned sum) const {
        return sum > whole_ || (sum == whole_ && fraction_ == 0);
    }
    constexpr bool nearer_to_first(wide_unsigned first, wide_unsigned second) const {
        return 2 * whole_ + 2 * fraction_ / size_ < first + second;
    }

private:
    wide_unsigned size_;
    wide_unsigned whole_;
    wide_unsigned fraction_;
};

/// The r/size part of a total of floating-point weights, rounded to a long double.
class floating_target {
public:
    constexpr floating_target(long double total, std::size_t r, std::size_t size)
        : value_(total * static_cast<long double>(r) / static_cast<long double>(size)) {}

    constexpr bool reached_by(long double sum) const { return sum >= value_; }
    constexpr bool nearer_to_first(long double first, long double second) const {
        return value_ - first < second - value_;
    }

private:
    long double value_;
};

template <class Weight>
[[noreturn]] void throw_bad_weight(std::size_t index, Weight value) {
    char digits[64] = {};
    std::to_chars(std::begin(digits), std::end(digits) - 1, value);
    throw std::invalid_argument("weight " + std::to_string(index) + " is " + digits +
                                ": weights must be finite and not negative");
}

} // namespace detail

/// Contiguous parts of about equal weight, for items that cost unequally (files by their length).
///
/// The cut between ranks r-1 and r lies where the cumulative weight first reaches r · total / size, or one
/// item earlier where that is strictly nearer. So each part's weight is within the largest single weight of
/// total / size. When all weights are 0 the parts are those of `balanced`. Equal weights always yield equal
/// cuts: integral weights are summed exactly, floating-point ones in index order as long double.
/// Complexity: O(n + size) to construct, O(1) per call. Thread safety: any number of threads may call it at
/// once.
///
///     const spmd::weighted by_length{lengths, pool.size()};
///     pool.broadcast([&](spmd::rank me) { return digests_of(me.part(files, by_length)); });
class weighted {
public:
    /// Throws: std::invalid_argument when size == 0, when a weight is negative, NaN or infinite (the message
    /// names its index and value), or when the sum of the weights overflows a long double.
    template <std::ranges::input_range Weights>
        requires std::is_arithmetic_v<std::ranges::range_value_t<Weights>>
    constexpr weighted(Weights&& weights, std::size_t size) {
        detail::require_rank(0, size);
        if constexpr (std::integral<std::ranges::range_value_t<Weights>>) {
            cut<detail::integral_target>(sums_of<detail::wide_unsigned>(weights), size);
        } else {
            const std::vector<long double> sums = sums_of<long double>(weights);
            if (sums.back() > std::numeric_limits<long double>::max() / static_cast<long double>(size)) {
                throw std::invalid_argument("the sum of the weights overflows; scale them down");
            }
            cut<detail::floating_target>(sums, size);
        }
    }

    /// The part of `rank`. Throws: std::invalid_argument when n or size differs from the one it was
    /// constructed for, or when rank >= size.
    constexpr index_range operator()(std::size_t n, std::size_t rank, std::size_t size) const {
        detail::require_rank(rank, size);
        if (n != cuts_.back() || size != cuts_.size() - 1) {
            throw std::invalid_argument("weighted was constructed for " + std::to_string(cuts_.back()) +
                                        " items on " + std::to_string(cuts_.size() - 1) + " ranks, not for " +
                                        std::to_string(n) + " on " + std::to_string(size));
        }
        return {cuts_[rank], cuts_[rank + 1]};
    }

private:
    /// Returns the cumulative weights: sums[k] is the weight of the first k items.
    template <class Sum, class Weights>
    static constexpr std::vector<Sum> sums_of(Weights& weights) {
        std::vector<Sum> sums{Sum{0}};
        using weight = std::ranges::range_value_t<Weights>;
        for (const weight value : weights) {
            if constexpr (std::is_signed_v<weight>) {
                // A NaN fails this form of the comparison.
                if (!(value >= 0 && value <= std::numeric_limits<weight>::max())) {
                    detail::throw_bad_weight(sums.size() - 1, +value);
                }
            }
            sums.push_back(sums.back() + static_cast<Sum>(value));
        }
        return sums;
    }

    template <class Target, class Sum>
    constexpr void cut(const std::vector<Sum>& sums, std::size_t size) {
        const std::size_t n = sums.size() - 1;
        cuts_.reserve(size + 1);
        std::size_t reached = 0;
        for (std::size_t r = 0; r < size; ++r) {
            if (sums[n] == Sum{0}) {
                cuts_.push_back(balanced(n, r, size).first);
                continue;
            }
            const Target target(sums[n], r, size);
            while (reached < n && !target.reached_by(sums[reached])) {
                ++reached;
            }
            const bool one_earlier = reached > 0 && target.nearer_to_first(sums[reached - 1], sums[reached]);
            cuts_.push_back(one_earlier ? reached - 1 : reached);
        }
        cuts_.push_back(n);
    }

    std::vector<std::size_t> cuts_; // size + 1 of them: part r is [cuts_[r], cuts_[r + 1])
};

static_assert(contiguous_partition_rule<decltype(balanced)>);
static_assert(contiguous_partition_rule<decltype(block)>);
static_assert(partition_rule<decltype(cyclic)>);
static_assert(contiguous_partition_rule<weighted>);

} // namespace spmd
