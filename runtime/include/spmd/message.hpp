#pragma once

#include <cstddef>
#include <limits>

namespace spmd {

/// For `receive`: from whomever a message comes first.
inline constexpr std::size_t any_source = std::numeric_limits<std::size_t>::max();
/// For `receive`: with whatever tag.
inline constexpr int any_tag = std::numeric_limits<int>::min();

/// What receive_message gives: a value, who sent it, and with which tag.
template <class T>
struct message {
    T value;
    std::size_t from = 0;
    int tag = 0;
};

} // namespace spmd
