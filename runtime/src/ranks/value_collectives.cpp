#include <spmd/detail/ranks/value_collectives.hpp>

#include <spmd/detail/ranks/reductions.hpp>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <unordered_map>

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

void require_as_long(std::size_t first, std::size_t elements) {
    if (first == elements) return;
    std::string text = "exclusive_scan of ";
    text += std::to_string(elements);
    text += " elements begins with a first value of ";
    text += std::to_string(first);
    throw std::invalid_argument(text);
}

split_collective::split_collective(communicator& of) : values_collective(of), places_(of.size) {}

split_collective::~split_collective() { split_collective::clear(); }

void split_collective::finish() {
    std::vector<std::vector<std::size_t>> groups; // the members' ids here
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
        for (const std::size_t id : ids) members.push_back(of().index_of(id));
        auto* const made = new communicator(of().ranks(), of(), std::move(members)); // its members own it
        for (std::size_t i = 0; i < ids.size(); ++i) places_[ids[i]] = {*made, i};
    }
}

void split_collective::clear() noexcept {
    values_collective::clear();
    for (membership& place : places_)
        if (place.in() != nullptr) std::exchange(place, {}).in()->release();
}

} // namespace spmd::detail
