#include <spmd/partition.hpp>

#include <spmd/detail/base/describe.hpp>

namespace spmd::detail {

void throw_no_such_rank(std::size_t rank, std::size_t size) {
    if (size == 0) throw std::invalid_argument("cannot partition over size 0: a group has at least one rank");
    throw std::invalid_argument(not_below("rank", rank, size));
}

} // namespace spmd::detail
