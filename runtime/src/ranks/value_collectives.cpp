#include <spmd/detail/ranks/value_collectives.hpp>

#include <stdexcept>
#include <string>

namespace spmd::detail {

void require_one_each(const char* collective, std::size_t values, std::size_t ranks) {
    if (values == ranks) return;
    std::string text = collective;
    text += " needs one value per rank: ";
    text += std::to_string(values);
    text += " values for ";
    text += std::to_string(ranks);
    text += " ranks";
    throw std::invalid_argument(text);
}

} // namespace spmd::detail
