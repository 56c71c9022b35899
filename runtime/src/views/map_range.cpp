#include <spmd/detail/views/map_range.hpp>

#include <stdexcept>
#include <string>

namespace spmd::detail {

std::size_t require_equal_sizes(std::span<const std::size_t> sizes) {
    for (const std::size_t size : sizes)
        if (size != sizes.front())
            throw std::invalid_argument("map over ranges of different sizes: " +
                                        std::to_string(sizes.front()) + " and " + std::to_string(size));
    return sizes.front();
}

} // namespace spmd::detail
