#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <unordered_map>

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

/// Items in the order of their arrival, found by their source: a list of up to 64, else tables, so that a
/// million messages to one rank are found as quickly as ten. Does not own the items, whose `from()` must not
/// change.
/// Complexity: O(1) for up to 64 items, O(log n) for many with few from each source. (messages/)
template <class Item>
class waiting_line {
public:
    waiting_line() = default;
    waiting_line(const waiting_line&) = delete;
    waiting_line& operator=(const waiting_line&) = delete;

    /// Numbers an item by its arrival, without inserting it.
    void arrive(Item& item) noexcept { place(item).number_ = next_number_++; }
    /// Inserts an item behind those that arrived before it. Requires: arrive() was called.
    void insert(Item& item) {
        if (tables_ == nullptr && ++size_ <= most_in_list) return insert_in_list(item);
        if (tables_ == nullptr) make_tables();
        insert_in_tables(item);
    }
    void add(Item& item) {
        arrive(item);
        insert(item);
    }

    /// Removes the first item that matches, among those from `sources`, or all if `sources` is empty. Returns
    /// null if none matches.
    template <class Matches>
    Item* take_first(std::span<const std::size_t> sources, const Matches& matches) {
        return tables_ == nullptr ? take_from_list(matches) : take_from_tables(sources, matches);
    }
    /// Removes an item; returns false if it is not in this line.
    bool remove(const Item& item) {
        const std::size_t source = item.from();
        return take_first({&source, 1}, [&](const Item& each) { return &each == &item; }) != nullptr;
    }

private:
    static constexpr std::size_t most_in_list = 64;
    struct tables {
        std::map<std::uint64_t, Item*> all; // by number
        std::unordered_map<std::size_t, std::set<std::uint64_t>> numbers_from;
    };
    static waiting_line_place<Item>& place(Item& item) noexcept { return item; }

    void insert_in_list(Item& item) noexcept {
        if (last_ == nullptr || place(*last_).number_ < place(item).number_) {
            (last_ == nullptr ? first_ : place(*last_).next_) = &item;
            place(item).next_ = nullptr;
            last_ = &item;
            return;
        }
        Item** link = &first_;
        while (place(**link).number_ < place(item).number_) link = &place(**link).next_;
        place(item).next_ = *link;
        *link = &item;
    }
    void insert_in_tables(Item& item) {
        tables_->all.emplace_hint(tables_->all.end(), place(item).number_, &item);
        std::set<std::uint64_t>& numbers = tables_->numbers_from[item.from()];
        numbers.emplace_hint(numbers.end(), place(item).number_);
    }
    void make_tables() {
        tables_ = std::make_unique<tables>();
        for (Item* item = first_; item != nullptr; item = place(*item).next_) insert_in_tables(*item);
        first_ = last_ = nullptr;
        size_ = 0;
    }
    template <class Matches>
    Item* take_from_list(const Matches& matches) noexcept {
        Item* before = nullptr;
        for (Item** link = &first_; *link != nullptr; link = &place(*before).next_) {
            Item* const item = *link;
            if (matches(*item)) {
                *link = place(*item).next_;
                if (last_ == item) last_ = before;
                --size_;
                return item;
            }
            before = item;
        }
        return nullptr;
    }
    template <class Matches>
    Item* take_from_tables(std::span<const std::size_t> sources, const Matches& matches) {
        auto first = tables_->all.end();
        if (sources.empty())
            first =
                std::ranges::find_if(tables_->all, [&](const auto& each) { return matches(*each.second); });
        for (const std::size_t source : sources) {
            const auto known = tables_->numbers_from.find(source);
            if (known == tables_->numbers_from.end()) continue;
            for (const std::uint64_t number : known->second) {
                const auto each = tables_->all.find(number);
                if (!matches(*each->second)) continue;
                if (first == tables_->all.end() || number < first->first) first = each;
                break;
            }
        }
        if (first == tables_->all.end()) return nullptr;
        Item* const item = first->second;
        const auto numbers = tables_->numbers_from.find(item->from());
        numbers->second.erase(first->first);
        if (numbers->second.empty()) tables_->numbers_from.erase(numbers);
        tables_->all.erase(first);
        if (tables_->all.empty()) tables_.reset();
        return item;
    }

    Item* first_ = nullptr;
    Item* last_ = nullptr;
    std::size_t size_ = 0; // of the list
    std::uint64_t next_number_ = 0;
    std::unique_ptr<tables> tables_; // instead of the list
};

} // namespace spmd::detail
