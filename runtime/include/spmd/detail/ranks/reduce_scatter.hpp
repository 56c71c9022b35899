#pragma once

#include <spmd/detail/ranks/reductions.hpp>
#include <spmd/detail/ranks/value_collectives.hpp>
#include <spmd/operations.hpp>

#include <concepts>
#include <cstddef>
#include <utility>
#include <vector>

namespace spmd::detail {

/// Throws: mismatch_error unless two vectors that are combined have equal lengths.
void require_equal_lengths(std::size_t left, std::size_t right);

/// Applies `op` to the values in two ranks' vectors, even if it could combine the vectors.
template <class T, class Op>
class scattered_operation {
public:
    static constexpr bool by_elements = true;
    explicit scattered_operation(Op op) : op_(std::move(op)) {}
    T operator()(T left, T right) {
        if constexpr (detail::by_elements<T, Op>) require_equal_lengths(left.size(), right.size());
        return combine<T>(op_, std::move(left), std::move(right));
    }

private:
    [[no_unique_address]] Op op_;
};

template <class T, class Op>
class reduce_scatter_collective final
    : public reduction_collective<std::vector<T>, scattered_operation<T, Op>> {
    using base = reduction_collective<std::vector<T>, scattered_operation<T, Op>>;

public:
    static constexpr const char* name = "reduce_scatter";
    static constexpr bool has_root = false;
    using operation = Op;
    using contribution = reduction_contribution<std::vector<T>, scattered_operation<T, Op>>;
    using result = T;

    explicit reduce_scatter_collective(communicator& peers) : base(peers) {}
    void give(std::size_t id, contribution& given) { this->store(id, given); }
    result take(std::size_t id, contribution&) { return std::move(this->sum()[id]); }

private:
    void finish() override {
        require_one_each(name, this->requested().count, this->size());
        base::finish();
    }
};

/// Converts each value to what the operation combines, as for a reduction.
template <class T, class Op>
std::vector<reduced<T, Op>> each_contributed(std::vector<T> values, std::size_t id) {
    if constexpr (std::same_as<T, reduced<T, Op>>) {
        return values;
    } else {
        std::vector<reduced<T, Op>> all;
        all.reserve(values.size());
        for (T& value : values) all.push_back(reduction_of<T, Op>::from(std::move(value), id));
        return all;
    }
}

} // namespace spmd::detail
