#pragma once

#include <spmd/detail/views/pieces.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace spmd::detail {

/// Marks an arena without ranks.
inline constexpr std::size_t no_rank = ~std::size_t{0};
/// The first of the ranks in each arena, by arena; `no_rank` for an arena without any.
std::vector<std::size_t> first_in_arenas(const group& ranks);

[[noreturn]] void throw_no_copy(std::size_t arena);

/// One object for each arena with some of the ranks.
template <class T>
class copies final : public pieces<T> {
public:
    copies(const std::shared_ptr<const group>& ranks, const piece_layout& layout)
        : copies::pieces("replicated", ranks, layout, ranks->pool->topology.arenas.size()) {
        for (const arena_place& arena : ranks->pool->topology.arenas) ends_.push_back(arena.ranks.last);
    }

    /// Number of copies.
    std::size_t size() const noexcept {
        return static_cast<std::size_t>(std::count_if(this->table(), this->table() + ends_.size(),
                                                      [](auto copy) { return !copy.empty(); }));
    }
    /// The copy of an arena, or null.
    const T* in_arena(std::size_t arena) const noexcept { return this->table()[arena].data(); }
    /// The copy that an engine uses. Requires: its arena has one. Complexity: O(arenas), which are few.
    const T& for_engine(std::size_t engine) const noexcept {
        std::size_t arena = 0;
        while (engine >= ends_[arena]) ++arena;
        return *in_arena(arena);
    }

private:
    std::vector<std::size_t> ends_; // end of the engines in each arena
};

/// Maps each index of a map to the copy of the arena that runs it.
template <class T>
class copy_by_index {
public:
    /// Throws: std::invalid_argument for an arena without a copy.
    copy_by_index(std::shared_ptr<const copies<T>> from, std::span<const placed_range> shares)
        : from_(std::move(from)) {
        for (const placed_range& share : shares) {
            if (share.indices.empty()) continue;
            const T* const copy = from_->in_arena(share.arena);
            if (copy == nullptr) throw_no_copy(share.arena);
            ends_.push_back(share.indices.last);
            copies_.push_back(copy);
        }
    }

    template <class Index>
    const T& operator()(Index i) const noexcept {
        const auto share = std::ranges::upper_bound(ends_, static_cast<std::size_t>(i));
        return *copies_[static_cast<std::size_t>(share - ends_.begin())];
    }

private:
    std::shared_ptr<const copies<T>> from_;
    std::vector<std::size_t> ends_; // end of the indices in each share
    std::vector<const T*> copies_;
};

} // namespace spmd::detail
