#include <spmd/detail/ranks/messages.hpp>

#include <stdexcept>

namespace spmd::detail {

void throw_any_tag_sent() { throw std::invalid_argument("a message cannot be sent with any_tag"); }

} // namespace spmd::detail
