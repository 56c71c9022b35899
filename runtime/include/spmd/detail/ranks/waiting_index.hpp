#pragma once

#include <spmd/detail/ranks/match_key.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <utility>

namespace spmd::detail {

/// Many items of a waiting_line, found by sender and tag. Each item has a key() and a number in the order of
/// arrival.
///
/// Invariant `found-by-wildcards`: of an item and the key that it is looked up by, at most one has wildcards.
/// Items that have them (`Item::has_wildcards`, receives) are listed once, each under its own key, and a
/// lookup tries the wanted key and its three widened forms. Otherwise (messages) an item is listed under its
/// key widened by each combination of wildcards that a lookup had so far, and a lookup tries one key.
/// Complexity: O(log n) in the items, whatever their keys, for each operation; but the first lookup by a
/// combination of wildcards lists all items by it.
template <class Item>
class waiting_index {
public:
    bool empty() const noexcept { return all_.empty(); }

    /// Throws: std::bad_alloc, and is then as before.
    void insert(std::uint64_t number, Item& item) {
        try {
            all_.emplace_hint(all_.end(), number, &item);
            for (wildcards wild = 0; wild < lists_.size(); ++wild)
                if (is_listed(item, wild)) insert_in(lists_[wild].items, wild, number, item);
        } catch (...) {
            remove(number, item);
            throw;
        }
    }
    /// Removes the first item that matches; returns null if none does. Throws: std::bad_alloc, and is then as
    /// before.
    Item* take_first(const match_key& wanted) {
        if (!Item::has_wildcards && !lists_[wanted.wild()].is_complete) complete(wanted.wild());
        auto first = all_.end();
        for (wildcards wild = 0; wild < lists_.size(); ++wild) {
            if (!Item::has_wildcards && wild != wanted.wild()) continue;
            const auto found = lists_[wild].items.find(wanted.widened(wild));
            if (found == lists_[wild].items.end()) continue;
            const std::uint64_t number = found->second.begin()->first;
            if (first == all_.end() || number < first->first) first = all_.find(number);
        }
        if (first == all_.end()) return nullptr;
        Item* const item = first->second;
        remove(first->first, *item);
        return item;
    }
    /// Returns false if the item is not here.
    bool remove(std::uint64_t number, const Item& item) noexcept {
        for (wildcards wild = 0; wild < lists_.size(); ++wild) {
            if (!is_listed(item, wild)) continue;
            const auto found = lists_[wild].items.find(item.key().widened(wild));
            if (found == lists_[wild].items.end()) continue;
            found->second.erase(number);
            if (found->second.empty()) lists_[wild].items.erase(found);
        }
        return all_.erase(number) != 0;
    }

private:
    using wildcards = match_key::wildcards;
    using by_number = std::map<std::uint64_t, Item*>;
    using by_key = std::unordered_map<match_key, by_number, match_key::hash>;
    struct list {
        by_key items;
        bool is_complete = false; // lists all items; for items without wildcards
    };

    bool is_listed(const Item& item, wildcards wild) const noexcept {
        return Item::has_wildcards ? item.key().wild() == wild : lists_[wild].is_complete;
    }
    static void insert_in(by_key& items, wildcards wild, std::uint64_t number, Item& item) {
        by_number& same_key = items[item.key().widened(wild)];
        same_key.emplace_hint(same_key.end(), number, &item);
    }
    void complete(wildcards wild) {
        by_key items;
        for (const auto& [number, item] : all_) insert_in(items, wild, number, *item);
        lists_[wild] = {std::move(items), true};
    }

    by_number all_;
    std::array<list, match_key::all_wildcards + 1> lists_; // by the wildcards of their keys
};

} // namespace spmd::detail
