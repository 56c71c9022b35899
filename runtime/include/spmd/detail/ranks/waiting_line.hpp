#pragma once

#include <spmd/detail/ranks/match_key.hpp>
#include <spmd/detail/ranks/waiting_index.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace spmd::detail {

/// Base of the items of a waiting_line; each is in one line at most.
template <class Item>
class waiting_line_place {
private:
    friend Item;
    template <class>
    friend class waiting_line;
    waiting_line_place() = default;
    Item* next_ = nullptr;
    std::uint64_t number_ = 0; // in the order of arrival
};

/// Items in the order of their arrival, found by sender and tag: a list, until a search has to look at many
/// of them; then an index, until that is empty. So a million messages that are received in the order of their
/// arrival cost no more than ten, and in any other order hardly more. Does not own the items, whose `key()`
/// must not change.
///
/// Invariant `list-or-index`: all items are in the list, linked in the order of their numbers, and index_ is
/// null; or all are in index_, which is not empty, and the list is.
/// Complexity: O(1) for items found among the first 64, else that of waiting_index. (messages/)
template <class Item>
class waiting_line {
public:
    waiting_line() = default;
    waiting_line(const waiting_line&) = delete;
    waiting_line& operator=(const waiting_line&) = delete;

    /// Numbers an item by its arrival, without inserting it.
    void arrive(Item& item) noexcept { place(item).number_ = next_number_++; }
    /// Inserts an item behind those that arrived before it. Requires: arrive() was called. Throws:
    /// std::bad_alloc, and the line is then as before.
    void insert(Item& item) {
        if (index_ == nullptr) insert_in_list(item);
        if (index_ != nullptr) index_->insert(place(item).number_, item);
    }
    void add(Item& item) {
        arrive(item);
        insert(item);
    }

    /// Removes the first item that matches; returns null if none does.
    Item* take_first(const match_key& wanted) {
        if (index_ == nullptr) {
            Item* const item = take_from_list([&](const Item& each) { return wanted.matches(each.key()); });
            if (index_ == nullptr) [[likely]]
                return item;
        }
        Item* const item = index_->take_first(wanted);
        if (index_->empty()) index_.reset();
        return item;
    }
    /// Removes an item; returns false if it is not in this line.
    bool remove(const Item& item) {
        if (index_ == nullptr) {
            const Item* const removed = take_from_list([&](const Item& each) { return &each == &item; });
            if (index_ == nullptr) return removed != nullptr;
        }
        const bool removed = index_->remove(item.number_, item);
        if (index_->empty()) index_.reset();
        return removed;
    }

private:
    static constexpr int most_looks = 64;
    static waiting_line_place<Item>& place(Item& item) noexcept { return item; }

    /// Makes the index, without the item, if the search for its place takes long.
    void insert_in_list(Item& item) {
        Item** link = &first_;
        if (last_ != nullptr && place(*last_).number_ < place(item).number_) {
            link = &place(*last_).next_;
        } else {
            for (int looks = 0; *link != nullptr && place(**link).number_ < place(item).number_; ++looks) {
                if (looks == most_looks) return make_index();
                link = &place(**link).next_;
            }
        }
        place(item).next_ = *link;
        if (*link == nullptr) last_ = &item;
        *link = &item;
    }
    /// Makes the index and returns null if the search takes long.
    template <class Matches>
    Item* take_from_list(const Matches& matches) {
        Item* before = nullptr;
        Item* item = first_;
        for (int looks = 0; item != nullptr && !matches(*item); ++looks) {
            if (looks == most_looks) {
                make_index();
                return nullptr;
            }
            before = std::exchange(item, place(*item).next_);
        }
        if (item == nullptr) return nullptr;
        (before == nullptr ? first_ : place(*before).next_) = place(*item).next_;
        if (last_ == item) last_ = before;
        return item;
    }
    void make_index() {
        auto index = std::make_unique<waiting_index<Item>>();
        for (Item* item = first_; item != nullptr; item = place(*item).next_)
            index->insert(place(*item).number_, *item);
        index_ = std::move(index);
        first_ = last_ = nullptr;
    }

    Item* first_ = nullptr;
    Item* last_ = nullptr;
    std::uint64_t next_number_ = 0;
    std::unique_ptr<waiting_index<Item>> index_; // instead of the list
};

} // namespace spmd::detail
