#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace spmd::detail {

/// Consecutive values that a leaf of the reduction tree folds from left to right.
inline constexpr std::size_t reduce_leaf = 1024;

/// Returns value(begin) op … op value(end - 1), folded from the left. Requires: begin < end.
template <class Value, class ValueAt, class Op>
Value fold_leaf(std::size_t begin, std::size_t end, const ValueAt& value, Op& op) {
    Value sum = value(begin);
    for (std::size_t i = begin + 1; i < end; ++i) sum = op(std::move(sum), value(i));
    return sum;
}

/// Combines neighbours pairwise, level by level; an odd last value moves up unchanged.
/// Requires: !level.empty().
template <class Value, class Op>
Value combine_pairwise(std::vector<Value> level, Op& op) {
    while (level.size() > 1) {
        const std::size_t pairs = level.size() / 2;
        for (std::size_t i = 0; i < pairs; ++i) {
            Value sum = op(std::move(level[2 * i]), std::move(level[2 * i + 1]));
            level[i] = std::move(sum);
        }
        if (level.size() % 2 == 1) level[pairs] = std::move(level.back());
        level.erase(level.begin() + static_cast<std::ptrdiff_t>((level.size() + 1) / 2), level.end());
    }
    return std::move(level.front());
}

/// Returns value(0) op … op value(count - 1), combined in a tree that depends on `count` alone: leaves of
/// reduce_leaf consecutive values are folded from the left, then neighbours are combined pairwise. Operands
/// keep their order, so `op` need not commute.
/// Complexity: count - 1 calls of `op`. Requires: count > 0.
template <class Value, class ValueAt, class Op>
Value tree_reduce(std::size_t count, const ValueAt& value, Op& op) {
    std::vector<Value> leaves;
    leaves.reserve((count + reduce_leaf - 1) / reduce_leaf);
    for (std::size_t begin = 0; begin < count; begin += reduce_leaf)
        leaves.push_back(fold_leaf<Value>(begin, std::min(begin + reduce_leaf, count), value, op));
    return combine_pairwise(std::move(leaves), op);
}

} // namespace spmd::detail
