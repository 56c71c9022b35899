#pragma once

#include <spmd/detail/base/tree_reduce.hpp>
#include <spmd/detail/ranks/arrival.hpp>
#include <spmd/index_range.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace spmd::detail {

class launcher;

/// op(T, T) returns something that converts to T.
template <class Op, class T>
concept combines = std::is_invocable_r_v<T, Op&, T, T>;

/// True for a vector that an operation combines element by element.
template <class T, class Op>
inline constexpr bool by_elements = false;
template <class E, class A, class Op>
inline constexpr bool by_elements<std::vector<E, A>, Op> =
    combines<Op, E> && (!combines<Op, std::vector<E, A>> || requires { Op::by_elements; });

/// Contribution to a reduction: a value and the operation.
template <class T, class Op>
struct reduction_contribution : no_contribution {
    static constexpr bool has_parameters = by_elements<T, Op>;
    reduction_contribution(T v, Op o) : value(std::move(v)), op(std::move(o)), elements(count_of(value)) {}

    std::size_t count() const noexcept {
        if constexpr (by_elements<T, Op>)
            return elements;
        else
            return 0;
    }
    static auto count_of(const T& value) noexcept {
        if constexpr (by_elements<T, Op>)
            return value.size();
        else
            return no_contribution();
    }

    T value;
    [[no_unique_address]] Op op;
    [[no_unique_address]] decltype(count_of(std::declval<const T&>())) elements;
};

template <class T, class Op>
struct rooted_contribution : reduction_contribution<T, Op> {
    static constexpr bool has_parameters = true;
    rooted_contribution(T v, Op o, std::size_t r)
        : reduction_contribution<T, Op>(std::move(v), std::move(o)), root_id(r) {}
    std::size_t root() const noexcept { return root_id; }
    std::size_t root_id;
};

template <class T, class Op>
T combine(Op& op, T left, T right) {
    if constexpr (by_elements<T, Op>) {
        for (std::size_t i = 0; i < left.size(); ++i)
            left[i] = std::invoke(op, std::move(left[i]), std::move(right[i]));
        return left;
    } else {
        return std::invoke(op, std::move(left), std::move(right));
    }
}

/// Vectors that several threads can combine at once, each some of the elements.
template <class T, class Op>
inline constexpr bool shares_elements = false;
template <class E, class A, class Op>
inline constexpr bool shares_elements<std::vector<E, A>, Op> =
    by_elements<std::vector<E, A>, Op> && std::is_empty_v<Op> && std::is_trivially_copyable_v<E> &&
    std::copyable<E> && !std::is_same_v<E, bool>;

/// Calls body(range) for parts of 0 … elements-1, of which each takes `bytes_each` of memory: on all threads
/// if that is worth while. Throws what the body threw for the first part that failed.
void for_parts(launcher& launch, std::size_t elements, std::size_t bytes_each,
               const std::function<void(index_range)>& body);

/// Combines the members' values in the tree of tree_reduce.hpp: each leaf as soon as it is complete, by the
/// operation of its first member.
template <class T, class Op>
class reduction_collective : public values_collective<T> {
public:
    using operation = Op;

protected:
    explicit reduction_collective(communicator& peers)
        : values_collective<T>(peers), ops_(this->leaves()), sums_(this->leaves()) {}

    void store(std::size_t id, reduction_contribution<T, Op>& contribution) {
        if (id % collective::leaf_size == 0) ops_[id / collective::leaf_size].emplace(contribution.op);
        values_collective<T>::store(id, std::move(contribution.value));
    }
    void fold(std::size_t begin, std::size_t end) override {
        const std::size_t leaf = begin / collective::leaf_size;
        if constexpr (shares_elements<T, Op>) {
            fold_elements(begin, end, *ops_[leaf]);
            if (!delivers_) sums_[leaf].emplace(std::move(this->value(begin)));
        } else {
            auto op = [&](T left, T right) {
                return combine<T>(*ops_[leaf], std::move(left), std::move(right));
            };
            sums_[leaf].emplace(fold_leaf<T>(
                begin, end, [this](std::size_t id) -> T&& { return std::move(this->value(id)); }, op));
        }
    }
    void finish() override {
        if (sums_.size() == 1) return;
        std::vector<T> level;
        level.reserve(sums_.size());
        for (std::optional<T>& sum : sums_) level.push_back(std::move(*sum));
        auto op = [&](T left, T right) { return combine<T>(*ops_[0], std::move(left), std::move(right)); };
        sums_[0].emplace(combine_pairwise(std::move(level), op));
    }
    void clear() noexcept override {
        values_collective<T>::clear();
        for (std::optional<T>& sum : sums_) sum.reset();
        for (std::optional<Op>& op : ops_) op.reset();
    }
    T& sum() noexcept { return *sums_[0]; }
    /// True if fold() leaves the result in each member's own vector: while a part of it is in the cache, and
    /// without fresh memory, which costs more than the copy.
    bool delivers() const noexcept { return shares_elements<T, Op> && delivers_; }
    void deliver() noexcept { delivers_ = this->leaves() == 1; }

private:
    /// Adds the elements of members begin+1 … end-1 to those of `begin`, part by part.
    void fold_elements(std::size_t begin, std::size_t end, Op& op)
        requires shares_elements<T, Op>
    {
        using element = typename T::value_type;
        T& sum = this->value(begin);
        const std::size_t bytes_each = (end - begin) * sizeof(sum[0]);
        for_parts(this->peers().ranks().launch(), sum.size(), bytes_each, [&](index_range part) {
            for (std::size_t id = begin + 1; id < end; ++id) {
                const T& next = this->value(id);
                for (std::size_t i = part.first; i < part.last; ++i)
                    sum[i] = std::invoke(op, element(sum[i]), element(next[i]));
            }
            if (!delivers_) return;
            for (std::size_t id = begin + 1; id < end; ++id)
                std::copy(sum.data() + part.first, sum.data() + part.last,
                          this->value(id).data() + part.first);
        });
    }

    std::vector<std::optional<Op>> ops_; // of each leaf
    std::vector<std::optional<T>> sums_; // of each leaf; the first also of all
    bool delivers_ = false;
};

template <class T, class Op>
class all_reduce_collective final : public reduction_collective<T, Op> {
public:
    static constexpr const char* name = "all_reduce";
    static constexpr bool has_root = false;
    using contribution = reduction_contribution<T, Op>;
    using result = T;

    explicit all_reduce_collective(communicator& peers) : reduction_collective<T, Op>(peers) {
        this->deliver();
    }
    void give(std::size_t id, contribution& given) { this->store(id, given); }
    result take(std::size_t id, contribution&) {
        if (this->delivers()) return std::move(this->value(id));
        return std::as_const(this->sum());
    }
};

template <class T, class Op>
class reduce_collective final : public reduction_collective<T, Op> {
public:
    static constexpr const char* name = "reduce";
    static constexpr bool has_root = true;
    using contribution = rooted_contribution<T, Op>;
    using result = std::optional<T>;

    explicit reduce_collective(communicator& peers) : reduction_collective<T, Op>(peers) {}
    void give(std::size_t id, contribution& given) { this->store(id, given); }
    result take(std::size_t id, contribution& given) {
        return id == given.root() ? result(std::move(this->sum())) : std::nullopt;
    }
};

/// Combines each member's value with those before it: from the left within a leaf, then with the results of
/// all leaves before it, from the left.
template <class T, class Op>
class prefix_collective : public values_collective<T> {
public:
    using operation = Op;

protected:
    explicit prefix_collective(communicator& peers)
        : values_collective<T>(peers), ops_(this->leaves()), before_(this->leaves()) {}

    void store(std::size_t id, reduction_contribution<T, Op>& contribution) {
        if (id % collective::leaf_size == 0) ops_[id / collective::leaf_size].emplace(contribution.op);
        values_collective<T>::store(id, std::move(contribution.value));
    }
    void fold(std::size_t begin, std::size_t end) override {
        for (std::size_t id = begin + 1; id < end; ++id) {
            T sum = combine<T>(*ops_[begin / collective::leaf_size], std::as_const(this->value(id - 1)),
                               std::move(this->value(id)));
            this->value(id) = std::move(sum);
        }
    }
    void finish() override {
        for (std::size_t leaf = 1; leaf < before_.size(); ++leaf) {
            const T& last = this->value(leaf * collective::leaf_size - 1);
            before_[leaf].emplace(leaf == 1 ? last : combine<T>(*ops_[0], *before_[leaf - 1], last));
        }
    }
    void clear() noexcept override {
        values_collective<T>::clear();
        for (std::optional<T>& sum : before_) sum.reset();
        for (std::optional<Op>& op : ops_) op.reset();
    }
    /// Returns the combined values of members 0 … id.
    T prefix(std::size_t id, Op& op) {
        const std::size_t leaf = id / collective::leaf_size;
        const T& within = this->value(id);
        return leaf == 0 ? within : combine<T>(op, *before_[leaf], within);
    }

private:
    std::vector<std::optional<Op>> ops_;   // of each leaf
    std::vector<std::optional<T>> before_; // of each leaf: the result of all leaves before it
};

template <class T, class Op>
class scan_collective final : public prefix_collective<T, Op> {
public:
    static constexpr const char* name = "scan";
    static constexpr bool has_root = false;
    using contribution = reduction_contribution<T, Op>;
    using result = T;

    explicit scan_collective(communicator& peers) : prefix_collective<T, Op>(peers) {}
    void give(std::size_t id, contribution& given) { this->store(id, given); }
    result take(std::size_t id, contribution& given) { return this->prefix(id, given.op); }
};

template <class T, class Op>
struct exclusive_scan_contribution : reduction_contribution<T, Op> {
    exclusive_scan_contribution(T v, Op o, T f)
        : reduction_contribution<T, Op>(std::move(v), std::move(o)), first(std::move(f)) {}
    T first;
};

/// Throws: std::invalid_argument unless the initial value has as many elements as the scanned ones.
void require_as_long(std::size_t first, std::size_t elements);

template <class T, class Op>
class exclusive_scan_collective final : public prefix_collective<T, Op> {
public:
    static constexpr const char* name = "exclusive_scan";
    static constexpr bool has_root = false;
    using contribution = exclusive_scan_contribution<T, Op>;
    using result = T;

    explicit exclusive_scan_collective(communicator& peers) : prefix_collective<T, Op>(peers) {}
    void give(std::size_t id, contribution& given) {
        if constexpr (by_elements<T, Op>) {
            if (given.first.empty()) given.first.resize(given.count());
            require_as_long(given.first.size(), given.count());
        }
        this->store(id, given);
    }
    result take(std::size_t id, contribution& given) {
        if (id == 0) return std::move(given.first);
        return combine<T>(given.op, std::move(given.first), this->prefix(id - 1, given.op));
    }
};

} // namespace spmd::detail
