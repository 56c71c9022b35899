#pragma once

#include <cstddef>

namespace spmd_meetings {

/// How many barriers come before so many meetings whose time is taken: threads and processes that have just been
/// started share cores for a while.
inline std::size_t uncounted(std::size_t meetings) { return 5 + meetings / 4; }

/// What rank `id` gives to all_reduce number i: another number each time, so that an old sum is a wrong one.
inline double gift(std::size_t id, std::size_t i) { return static_cast<double>(id + i); }

/// What they all add up to; exact for the numbers here, which are below 2^53.
inline double sum_of_gifts(std::size_t ranks, std::size_t i) {
    const std::size_t sum_of_ids = ranks * (ranks - 1) / 2;
    return static_cast<double>(sum_of_ids + ranks * i);
}

} // namespace spmd_meetings
