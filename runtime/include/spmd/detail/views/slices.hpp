#pragma once

#include <spmd/detail/views/pieces.hpp>
#include <spmd/partition.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace spmd::detail {

/// The slices into which a partition rule deals items to the ranks of a group.
struct item_dealing {
    /// The first item of each rank's slice, if slices are laid end to end; then the number of items.
    std::vector<std::size_t> first{0};
    bool in_order = true; ///< slices end to end are the items in order
};

[[noreturn]] void throw_not_all_dealt(std::size_t dealt, std::size_t items, std::size_t ranks);
[[noreturn]] void throw_dealt_badly(std::size_t item, std::size_t items);

/// Applies a rule. Throws: std::invalid_argument when the parts together have not `items` items; what the
/// rule throws.
template <class Rule>
item_dealing deal_items(std::size_t items, const Rule& rule, std::size_t ranks) {
    item_dealing dealt;
    dealt.first.reserve(ranks + 1);
    for (std::size_t id = 0; id < ranks; ++id) {
        const auto part = rule(items, id, ranks);
        if constexpr (contiguous_partition_rule<Rule>)
            dealt.in_order = dealt.in_order && (part.empty() || part[0] == dealt.first.back());
        else
            dealt.in_order = false;
        dealt.first.push_back(dealt.first.back() + part.size());
    }
    if (dealt.first.back() != items) throw_not_all_dealt(dealt.first.back(), items, ranks);
    return dealt;
}

/// Deals the items [0, count) to the arenas of the ranks that own them.
std::vector<placed_range> place_items(const piece_owner& owner, std::span<const std::size_t> first,
                                      const pool_topology& topology);

/// The slices of items that were dealt to some ranks.
template <class T>
class slices final : public pieces<T> {
public:
    slices(const std::shared_ptr<const group>& ranks, const piece_layout& layout, item_dealing dealt)
        : slices::pieces("scattered", ranks, layout, ranks->pool->everyone.size),
          first_(std::move(dealt.first)), in_order_(dealt.in_order),
          ranks_per_item_(static_cast<double>(this->ranks()) /
                          static_cast<double>(std::max(size(), std::size_t{1}))) {}

    /// Number of items.
    std::size_t size() const noexcept { return first_.back(); }
    std::size_t size_of(std::size_t id) const noexcept { return first_[id + 1] - first_[id]; }
    /// True where the slices end to end are the items in order.
    bool in_order() const noexcept { return in_order_; }

    /// Notes the place of each item. Requires: not in_order().
    /// Throws: std::invalid_argument when the rule deals an item twice, or one that does not exist.
    template <class Rule>
    void note_places(const Rule& rule, const piece_layout& layout) {
        places_.resize(size());
        for (std::size_t id = 0; id < this->ranks(); ++id) {
            const auto part = rule(size(), id, this->ranks());
            T* next = this->place(layout.offsets[id]);
            for (std::size_t k = 0; k < part.size(); ++k, ++next) {
                if (part[k] >= size() || places_[part[k]] != nullptr) throw_dealt_badly(part[k], size());
                places_[part[k]] = next;
            }
        }
    }

    /// Item i of all. Complexity: O(1), or O(log ranks) where the parts are very uneven.
    T& item(std::size_t i) const noexcept {
        if (!in_order_) return *places_[i];
        const std::size_t id = owner_of(i);
        return this->table()[this->engine_of(id)][i - first_[id]];
    }
    /// The place of each item. Requires: not in_order().
    std::span<T* const> places() const noexcept { return places_; }
    std::vector<placed_range> shares(const pool_topology& topology) const {
        return in_order_ ? place_items(*this, first_, topology) : deal(size(), topology);
    }

private:
    std::size_t owner_of(std::size_t i) const noexcept {
        const auto guess =
            std::min(static_cast<std::size_t>(static_cast<double>(i) * ranks_per_item_), this->ranks() - 1);
        if (first_[guess] <= i && i < first_[guess + 1]) [[likely]]
            return guess;
        return static_cast<std::size_t>(std::ranges::upper_bound(first_, i) - first_.begin()) - 1;
    }

    std::vector<std::size_t> first_;
    bool in_order_;
    double ranks_per_item_;
    std::vector<T*> places_; // by item; empty where they are in order
};

} // namespace spmd::detail
