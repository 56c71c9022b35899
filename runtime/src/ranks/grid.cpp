#include <spmd/grid.hpp>

#include <spmd/detail/base/describe.hpp>

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>

namespace spmd {
namespace {

/// Saturates, so that no overflow can equal the number of ranks.
std::size_t product_of(const std::vector<std::size_t>& extents) {
    std::size_t product = 1;
    for (const std::size_t extent : extents) {
        constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
        product = extent > 0 && product > most / extent ? most : product * extent;
    }
    return product;
}

std::string text_of(const std::vector<std::size_t>& extents) {
    std::string text;
    for (const std::size_t extent : extents) {
        if (!text.empty()) text += " x ";
        text += std::to_string(extent);
    }
    return text;
}

} // namespace

grid::grid(rank me, std::vector<std::size_t> extents, const grid_options& options)
    : me_(std::move(me)), extents_(std::move(extents)), periodic_(options.periodic) {
    const std::size_t ranks = product_of(extents_);
    if (ranks != me_.size())
        throw std::invalid_argument("a grid of " + text_of(extents_) + " has " + std::to_string(ranks) +
                                    " ranks, but the group has " + std::to_string(me_.size()));
    if (periodic_.empty()) periodic_.resize(extents_.size());
    if (periodic_.size() != extents_.size())
        throw std::invalid_argument("a grid of " + text_of(extents_) + " has " +
                                    std::to_string(extents_.size()) + " dimensions, but `periodic` has " +
                                    std::to_string(periodic_.size()));
}

std::vector<std::size_t> grid::coordinates() const {
    std::vector<std::size_t> all;
    all.reserve(extents_.size());
    for (std::size_t dimension = 0; dimension < extents_.size(); ++dimension)
        all.push_back(coordinate_in(dimension));
    return all;
}

grid_shift grid::shift(std::size_t dimension, std::ptrdiff_t displacement) const {
    const auto here = static_cast<std::ptrdiff_t>(coordinate_in(dimension));
    const auto extent = static_cast<std::ptrdiff_t>(extents_[dimension]);
    const auto stride = static_cast<std::ptrdiff_t>(stride_of(dimension));
    const auto neighbour = [&](std::ptrdiff_t steps) -> std::optional<std::size_t> {
        std::ptrdiff_t there = here + steps;
        if (periodic_[dimension])
            there = (there + extent) % extent;
        else if (there < 0 || there >= extent)
            return std::nullopt;
        return static_cast<std::size_t>(static_cast<std::ptrdiff_t>(me_.id()) + (there - here) * stride);
    };
    const std::ptrdiff_t steps =
        periodic_[dimension] ? displacement % extent : std::clamp(displacement, -extent, extent);
    return {neighbour(-steps), neighbour(steps)};
}

std::size_t grid::stride_of(std::size_t dimension) const {
    return std::accumulate(extents_.begin() + static_cast<std::ptrdiff_t>(dimension) + 1, extents_.end(),
                           std::size_t{1}, std::multiplies<>{});
}

std::size_t grid::coordinate_in(std::size_t dimension) const {
    if (dimension >= extents_.size())
        throw std::invalid_argument(detail::not_below("dimension", dimension, extents_.size()));
    return me_.id() / stride_of(dimension) % extents_[dimension];
}

void grid::require_two_dimensions() const {
    if (extents_.size() == 2) return;
    throw std::logic_error("a grid of " + text_of(extents_) +
                           " has no rows and columns; use along(dimension)");
}

} // namespace spmd
