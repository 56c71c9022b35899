#include <spmd/detail/ranks/reductions.hpp>

#include <stdexcept>
#include <string>

namespace spmd::detail {

void require_as_long(std::size_t first, std::size_t elements) {
    if (first == elements) return;
    std::string text = "exclusive_scan of ";
    text += std::to_string(elements);
    text += " elements has an initial value of ";
    text += std::to_string(first);
    text += " elements";
    throw std::invalid_argument(text);
}

} // namespace spmd::detail
