#include <spmd/detail/ranks/messages.hpp>

#include <stdexcept>
#include <string>

namespace spmd::detail {

void throw_any_tag_sent(std::size_t to) {
    throw std::invalid_argument("a message to rank " + std::to_string(to) + " cannot be sent with any_tag");
}

} // namespace spmd::detail
