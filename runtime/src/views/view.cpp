#include <spmd/view.hpp>

#include <spmd/detail/base/describe.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>

namespace spmd {
namespace {

/// The ids of a group in its engines' arenas, as maximal runs of neighbours in one arena.
std::vector<detail::placed_range> place(std::span<const std::size_t> engines, const pool_topology& topology) {
    std::vector<detail::placed_range> shares;
    for (std::size_t id = 0; id < engines.size(); ++id) {
        const std::size_t arena = topology.arena_of(engines[id]);
        if (shares.empty() || shares.back().arena != arena) shares.push_back({arena, {id, id}});
        shares.back().indices.last = id + 1;
    }
    return shares;
}

void require_distinct(std::vector<std::size_t> ranks) {
    std::ranges::sort(ranks);
    if (const auto twice = std::ranges::adjacent_find(ranks); twice != ranks.end())
        throw std::invalid_argument("rank " + std::to_string(*twice) + " occurs twice in a view");
}

} // namespace

view view::with(const run_options& options) const {
    view changed = *this;
    changed.options_ = options;
    return changed;
}

view view::on(std::span<const std::size_t> ranks) const {
    if (ranks.empty()) throw std::invalid_argument("a group has at least one rank, not 0");
    detail::group chosen;
    chosen.size = ranks.size();
    chosen.engines.reserve(ranks.size());
    for (const std::size_t rank : ranks) {
        if (rank >= size()) throw std::invalid_argument(detail::not_below("rank", rank, size()));
        chosen.engines.push_back(group_->engines.empty() ? rank : group_->engines[rank]);
    }
    require_distinct({ranks.begin(), ranks.end()});
    chosen.shares = place(chosen.engines, group_->pool->topology);
    chosen.pool = group_->pool;
    chosen.owner = group_;
    view changed = *this;
    changed.group_ = std::make_shared<const detail::group>(std::move(chosen));
    return changed;
}

view view::on(const slice& ranks) const {
    if (ranks.stride == 0) throw std::invalid_argument("a slice has a stride of at least one, not 0");
    std::vector<std::size_t> chosen;
    const std::size_t last = std::min(ranks.last, size());
    for (std::size_t rank = ranks.first; rank < last; rank += std::min(ranks.stride, last - rank))
        chosen.push_back(rank);
    return on(chosen);
}

} // namespace spmd
