#include <spmd/detail/launch/group.hpp>

namespace spmd::detail {

std::vector<placed_range> deal(std::size_t count, const pool_topology& topology) {
    if (topology.arenas.size() == 1) return {{0, {0, count}}};
    std::vector<std::size_t> threads;
    threads.reserve(topology.arenas.size());
    for (const arena_place& arena : topology.arenas) threads.push_back(arena.threads);
    std::vector<placed_range> dealt;
    dealt.reserve(threads.size());
    for (const index_range block : deal_ranks(count, threads)) dealt.push_back({dealt.size(), block});
    return dealt;
}

} // namespace spmd::detail
