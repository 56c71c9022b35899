#pragma once

#include <spmd/detail/views/argument.hpp>
#include <spmd/detail/views/copies.hpp>
#include <spmd/detail/views/pieces.hpp>
#include <spmd/detail/views/slices.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <ranges>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace spmd::detail {

/// Access to the pieces behind a handle.
struct handle_access {
    /// Shares the pieces. Throws: std::invalid_argument for an empty handle.
    template <class Handle>
    static auto share(const Handle& handle) {
        if (!handle.held_) throw_empty(Handle::kind);
        return handle.held_;
    }
    template <class Handle, class Store>
    static Handle make(std::shared_ptr<Store> store) noexcept {
        Handle handle;
        handle.held_ = std::move(store);
        return handle;
    }
};

/// The range item(0) … item(count - 1).
template <class Item>
auto items_by_index(std::size_t count, Item item) {
    return std::views::iota(std::size_t{0}, count) | std::views::transform(std::move(item));
}

/// A share of a scattered. T is const where the handle was.
template <class T>
class bound_slices {
public:
    using store = slices<std::remove_const_t<T>>;

    template <class Handle>
        requires(!std::same_as<Handle, bound_slices>)
    explicit bound_slices(const Handle& handle) : store_(handle_access::share(handle)) {
        if constexpr (std::is_const_v<T>)
            table_ = store_->read_only_table();
        else
            table_ = store_->table();
    }

    void require(const std::shared_ptr<const group>& ranks) const { store_->require(ranks); }
    const std::span<T>& piece_of(std::size_t engine) const noexcept { return table_[engine]; }

    // In a map: all items.
    void require_for_map(const std::shared_ptr<const group>& ranks) const { store_->require_pool_of(ranks); }
    std::size_t size_in_map(const group&) const noexcept { return store_->size(); }
    std::vector<placed_range> shares_in_map(const group& ranks) const {
        return store_->shares(ranks.pool->topology);
    }
    auto items(const group&, std::size_t count, std::span<const placed_range>) const {
        return items_by_index(
            count, [store = store_](auto i) -> T& { return store->item(static_cast<std::size_t>(i)); });
    }

private:
    std::shared_ptr<store> store_;
    const std::span<T>* table_;
};

/// A share of a local.
template <class T>
class bound_objects {
public:
    using store = pieces<std::remove_const_t<T>>;

    template <class Handle>
        requires(!std::same_as<Handle, bound_objects>)
    explicit bound_objects(const Handle& handle)
        : store_(handle_access::share(handle)), table_(store_->table()) {}

    void require(const std::shared_ptr<const group>& ranks) const { store_->require(ranks); }
    T& piece_of(std::size_t engine) const noexcept { return *table_[engine].data(); }

    // In a map: the objects of the ranks of the map's view.
    void require_for_map(const std::shared_ptr<const group>& ranks) const { require(ranks); }
    std::size_t size_in_map(const group& ranks) const noexcept { return ranks.size; }
    std::vector<placed_range> shares_in_map(const group& ranks) const { return ranks.shares; }
    auto items(const group& ranks, std::size_t count, std::span<const placed_range>) const {
        // The owner of the job's results keeps the group alive.
        const std::size_t* const engines = ranks.engines.empty() ? nullptr : ranks.engines.data();
        return items_by_index(count, [objects = *this, engines](auto i) -> T& {
            const auto id = static_cast<std::size_t>(i);
            return objects.piece_of(engines == nullptr ? id : engines[id]);
        });
    }

private:
    std::shared_ptr<store> store_;
    const std::span<std::remove_const_t<T>>* table_;
};

/// A share of a replicated.
template <class T>
class bound_copies {
public:
    template <class Handle>
        requires(!std::same_as<Handle, bound_copies>)
    explicit bound_copies(const Handle& handle) : store_(handle_access::share(handle)) {}

    void require(const std::shared_ptr<const group>& ranks) const { store_->require(ranks); }
    const T& piece_of(std::size_t engine) const noexcept { return store_->for_engine(engine); }

    // In a map: the arena's copy for every item, whatever the number of items.
    void require_for_map(const std::shared_ptr<const group>& ranks) const { store_->require_pool_of(ranks); }
    auto items(const group&, std::size_t count, std::span<const placed_range> shares) const {
        return items_by_index(count, copy_by_index<T>(store_, shares));
    }

private:
    std::shared_ptr<copies<T>> store_;
};

// A share can be bound again: a stage of a graph does so in each run.
template <class T, bool IsConst>
struct bound_handle<bound_slices<T>, IsConst> {
    using type = bound_slices<T>;
};
template <class T, bool IsConst>
struct bound_handle<bound_objects<T>, IsConst> {
    using type = bound_objects<T>;
};
template <class T, bool IsConst>
struct bound_handle<bound_copies<T>, IsConst> {
    using type = bound_copies<T>;
};

} // namespace spmd::detail
