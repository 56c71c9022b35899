#include <spmd/detail/ranks/reduce_scatter.hpp>

#include <spmd/error.hpp>

#include <string>

namespace spmd::detail {

void require_equal_lengths(std::size_t left, std::size_t right) {
    if (left == right) return;
    std::string text = "reduce_scatter combines vectors of different lengths: ";
    text += std::to_string(left);
    text += " and ";
    text += std::to_string(right);
    text += " elements";
    throw mismatch_error(text);
}

} // namespace spmd::detail
