#include <spmd/detail/views/copies.hpp>

#include <stdexcept>
#include <string>

namespace spmd::detail {

std::vector<std::size_t> first_in_arenas(const group& ranks) {
    std::vector<std::size_t> first(ranks.pool->topology.arenas.size(), no_rank);
    for (const placed_range& share : ranks.shares)
        if (!share.indices.empty()) first[share.arena] = std::min(first[share.arena], share.indices.first);
    return first;
}

void throw_no_copy(std::size_t arena) {
    throw std::invalid_argument("arena " + std::to_string(arena) +
                                " has no copy of this replicated: it was created for ranks of other arenas");
}

} // namespace spmd::detail
