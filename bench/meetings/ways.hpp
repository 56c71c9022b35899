#pragma once

#include <cstddef>
#include <functional>
#include <stdexcept>
#include <string>

namespace spmd_meetings {

/// What one barrier and one all_reduce of a double took, each from the mean of many.
struct sample {
    double barrier_ns = 0;
    double all_reduce_ns = 0;
};

/// A way cannot be had here; the message says why, and what to do.
class unavailable : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// A rank got a sum that is not the sum of what all gave.
class wrong_sum : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct way {
    std::string name;
    std::size_t most_ranks;
    /// So many barriers, then so many all_reduces, among so many ranks. Throws: unavailable, wrong_sum.
    std::function<sample(std::size_t ranks, std::size_t meetings)> run;
};

/// The way of that name; `threads` is how many run virtual ranks. Threads add up as one would write it by hand, which
/// is faster than `reduction`: each puts its number into a slot, and after a barrier reads all slots.
way make_way(const std::string& name, std::size_t threads);

} // namespace spmd_meetings
