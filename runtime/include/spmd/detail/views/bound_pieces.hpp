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

/// Gets at what handles hold.
struct handle_access {
    /// A share of it.
    template <class Handle>
    static auto share(const Handle& handle) {
        if (!handle.held_) throw_empty(Handle::kind);
        return handle.held_;
    }
    template <class Handle, class Store>
    static Handle make(std::shared_ptr<Store> store) noexcept {
        Handle made;
        made.held_ = std::move(store);
        return made;
    }
};

/// Of what a map runs over: how many items there are, and what `of_index` gives for each.
template <class OfIndex>
auto items_by_index(std::size_t count, OfIndex of_index) {
    return std::views::iota(std::size_t{0}, count) | std::views::transform(std::move(of_index));
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

    // In a map: the objects of the ranks that it is called on.
    void require_for_map(const std::shared_ptr<const group>& ranks) const { require(ranks); }
    std::size_t size_in_map(const group& ranks) const noexcept { return ranks.size; }
    std::vector<placed_range> shares_in_map(const group& ranks) const { return ranks.shares; }
    auto items(const group& ranks, std::size_t count, std::span<const placed_range>) const {
        // Whoever has the job's results keeps the group.
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
    const T& piece_of(std::size_t engine) const noexcept { return store_->of(engine); }

    // In a map: the arena's copy for every item, however many others there are.
    void require_for_map(const std::shared_ptr<const group>& ranks) const { store_->require_pool_of(ranks); }
    auto items(const group&, std::size_t count, std::span<const placed_range> shares) const {
        return items_by_index(count, copy_by_index<T>(store_, shares));
    }

private:
    std::shared_ptr<copies<T>> store_;
};

// What is kept may be given to a job again: a stage of a graph does it in each run.
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
