#include <spmd/detail/ranks/value_collectives.hpp>

#include <stdexcept>
#include <string>

namespace spmd::detail {

void require_one_each(const char* collective, std::size_t values, std::size_t ranks) {
    if (values == ranks) return;
    std::string text = collective;
    text += " takes one value for each rank: ";
    text += std::to_string(values);
    text += " for ";
    text += std::to_string(ranks);
    throw std::invalid_argument(text);
}

} // namespace spmd::detail
