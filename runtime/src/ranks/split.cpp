#include <spmd/detail/ranks/split.hpp>

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace spmd::detail {

split_collective::split_collective(communicator& peers) : values_collective(peers), places_(peers.size) {}

split_collective::~split_collective() { split_collective::clear(); }

void split_collective::finish() {
    std::vector<std::vector<std::size_t>> groups; // ids of the members in this communicator
    std::unordered_map<std::size_t, std::size_t> group_of;
    for (std::size_t id = 0; id < size(); ++id) {
        if (!value(id).color) continue;
        const auto [found, is_new] = group_of.try_emplace(*value(id).color, groups.size());
        if (is_new) groups.emplace_back();
        groups[found->second].push_back(id);
    }
    for (std::vector<std::size_t>& ids : groups) {
        const auto key = [this](std::size_t id) { return value(id).key; };
        if (!std::ranges::is_sorted(ids, {}, key))
            std::ranges::sort(ids, {}, [&](std::size_t id) { return std::pair(key(id), id); });
        std::vector<std::size_t> members;
        members.reserve(ids.size());
        for (const std::size_t id : ids) members.push_back(peers().index_of(id));
        auto* const group =
            new communicator(peers().ranks(), peers(), std::move(members)); // its members own it
        for (std::size_t i = 0; i < ids.size(); ++i) places_[ids[i]] = {*group, i};
    }
}

void split_collective::clear() noexcept {
    values_collective::clear();
    for (membership& place : places_)
        if (place.in() != nullptr) std::exchange(place, {}).in()->release();
}

} // namespace spmd::detail
