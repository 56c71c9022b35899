#pragma once

#include <cstddef>
#include <limits>

namespace spmd {

/// Source that matches messages from every rank. (MPI_ANY_SOURCE)
inline constexpr std::size_t any_source = std::numeric_limits<std::size_t>::max();
/// Tag that matches every tag. (MPI_ANY_TAG)
inline constexpr int any_tag = std::numeric_limits<int>::min();

/// Result of receive_message: a value, its sender and its tag.
template <class T>
struct message {
    T value;
    std::size_t from = 0;
    int tag = 0;
};

} // namespace spmd
