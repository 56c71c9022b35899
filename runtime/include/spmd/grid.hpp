#pragma once

#include <spmd/awaitable.hpp>
#include <spmd/detail/ranks/collectives.hpp>
#include <spmd/rank.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace spmd {

struct grid_options {
    /// True for each dimension that wraps around; empty if none does.
    std::vector<bool> periodic;
};

/// Neighbours of a rank in one direction; empty beyond the edge of a dimension that does not wrap around.
/// (MPI_PROC_NULL)
struct grid_shift {
    std::optional<std::size_t> source;
    std::optional<std::size_t> destination;
};

/// A rank's place in a grid of any number of dimensions that its group forms, ids in row-major order.
/// (MPI_Cart_create) Made by each rank on its own, without waiting; must be equal at all members.
///
///     const spmd::grid g(me, {rows, columns}, {.periodic = {true, false}});
///     spmd::rank row = co_await g.row();
///     const auto [left, right] = g.shift(1, +1);     // receives from the left, sends to the right
///     if (right) me.send(edge, *right);
///     if (left) edge = co_await me.receive<double>(*left);
class grid {
public:
    /// Throws: std::invalid_argument if the product of the extents is not me.size(), or `periodic` has
    /// another number of dimensions.
    grid(rank me, std::vector<std::size_t> extents, const grid_options& options = {});

    /// Rank that the grid was made with, in the group that forms it.
    const rank& me() const noexcept { return me_; }
    /// Number of ranks in each dimension.
    const std::vector<std::size_t>& extents() const noexcept { return extents_; }
    /// Place of this rank in each dimension. (MPI_Cart_coords)
    std::vector<std::size_t> coordinates() const;
    /// Returns the ids of the ranks `displacement` before and after this one in a dimension.
    /// (MPI_Cart_shift) Throws: std::invalid_argument if there is no such dimension.
    grid_shift shift(std::size_t dimension, std::ptrdiff_t displacement) const;

    /// Makes a group of the ranks that differ from this one in one dimension only, ids in its order. A
    /// split() of the whole group. (MPI_Cart_sub) Throws, at the call: std::invalid_argument if there is no
    /// such dimension.
    awaitable<rank> auto along(std::size_t dimension,
                               rank::location where = rank::location::current()) const {
        const std::size_t coordinate = coordinate_in(dimension);
        return me_.split(me_.id() - coordinate * stride_of(dimension), static_cast<std::int64_t>(coordinate),
                         where);
    }
    /// Makes a group of the ranks in this rank's row, of a grid of two dimensions, ids by column. Throws, at
    /// the call: std::logic_error for other grids.
    awaitable<rank> auto row(rank::location where = rank::location::current()) const {
        require_two_dimensions();
        return along(1, where);
    }
    /// Makes a group of the ranks in this rank's column, as row().
    awaitable<rank> auto column(rank::location where = rank::location::current()) const {
        require_two_dimensions();
        return along(0, where);
    }

private:
    std::size_t stride_of(std::size_t dimension) const;
    std::size_t coordinate_in(std::size_t dimension) const;
    void require_two_dimensions() const;

    rank me_;
    std::vector<std::size_t> extents_;
    std::vector<bool> periodic_;
};

} // namespace spmd
