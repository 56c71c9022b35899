#include <spmd/detail/views/pieces.hpp>

#include "base/page_size.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <new>
#include <numeric>
#include <stdexcept>
#include <string>

namespace spmd::detail {
namespace {

constexpr std::size_t cache_line = 64;
/// Bytes that keeping pieces apart may cost where it is optional.
constexpr std::size_t cheap_bytes = std::size_t{256} << 10;

std::size_t round_up(std::size_t value, std::size_t power_of_two) noexcept {
    return (value + power_of_two - 1) & ~(power_of_two - 1);
}

/// The group of all ranks of the pool.
const std::shared_ptr<const group>& everyone(const std::shared_ptr<const group>& some) noexcept {
    const std::shared_ptr<const group>* outer = &some;
    while ((*outer)->owner) outer = &(*outer)->owner;
    return *outer;
}

std::vector<std::size_t> in_order_of_engines(const group& ranks) {
    std::vector<std::size_t> ids(ranks.size);
    std::iota(ids.begin(), ids.end(), std::size_t{0});
    if (!ranks.engines.empty()) std::ranges::sort(ids, {}, [&](std::size_t id) { return ranks.engines[id]; });
    return ids;
}

bool is_cheap(std::size_t ranks, std::span<const std::size_t> sizes) noexcept {
    const std::size_t bytes = std::accumulate(sizes.begin(), sizes.end(), std::size_t{0});
    return ranks <= std::max(cheap_bytes, bytes / 32) / cache_line;
}

} // namespace

void throw_empty(const char* kind) {
    throw std::invalid_argument("this " + std::string(kind) +
                                " is empty: it was moved from or default-constructed");
}

piece_owner::piece_owner(const char* kind, const std::shared_ptr<const group>& ranks)
    : kind_(kind), pool_(everyone(ranks)), pool_size_(ranks->pool->everyone.size), ranks_(ranks->size),
      engines_(ranks->engines) {
    if (engines_.empty()) return;
    present_.resize(pool_size_);
    for (const std::size_t engine : engines_) present_[engine] = true;
}

void piece_owner::require_pool_of(const std::shared_ptr<const group>& ranks) const {
    const std::shared_ptr<const group>& its = everyone(ranks);
    // Compares ownership, since a new pool can have the address of a destroyed one.
    if (!pool_.owner_before(its) && !its.owner_before(pool_)) return;
    throw std::invalid_argument("this " + std::string(kind_) +
                                (pool_.expired()
                                     ? " has outlived its engine pool and cannot be used with another"
                                     : " belongs to another engine pool"));
}

void piece_owner::require(const std::shared_ptr<const group>& ranks) const {
    require_pool_of(ranks);
    if (present_.empty()) return;
    for (std::size_t id = 0; id < ranks->size; ++id) {
        const std::size_t engine = ranks->engines.empty() ? id : ranks->engines[id];
        if (!has(engine)) throw_missing(engine);
    }
}

void piece_owner::require(std::size_t engine) const {
    if (pool_.expired())
        throw std::invalid_argument("this " + std::string(kind_) + " has outlived its engine pool");
    if (!has(engine)) throw_missing(engine);
}

void piece_owner::throw_missing(std::size_t engine) const {
    throw std::invalid_argument("engine " + std::to_string(engine) + " has no piece of this " + kind_ +
                                (engine < pool_size_
                                     ? ": it was created for other ranks of the pool"
                                     : ": its pool has " + std::to_string(pool_size_) + " ranks"));
}

piece_layout lay_out(const group& ranks, std::span<const std::size_t> sizes, std::size_t alignment,
                     spacing between) {
    const pool_topology& topology = ranks.pool->topology;
    const bool apart = between == spacing::apart || is_cheap(ranks.size, sizes);
    piece_layout layout;
    layout.fresh_pages = topology.arenas.size() > 1;
    layout.alignment = std::max({alignment, apart ? cache_line : 1, layout.fresh_pages ? page_size() : 1});
    layout.offsets.resize(ranks.size);
    std::size_t arena = 0;
    for (const std::size_t id : in_order_of_engines(ranks)) {
        std::size_t offset = layout.bytes;
        if (apart) offset = round_up(offset, std::max(alignment, cache_line));
        if (layout.fresh_pages) {
            const std::size_t its = topology.arena_of(ranks.engines.empty() ? id : ranks.engines[id]);
            if (std::exchange(arena, its) != its) offset = round_up(offset, layout.alignment);
        }
        if (sizes[id] > std::numeric_limits<std::ptrdiff_t>::max() - offset - 2 * layout.alignment)
            throw std::bad_array_new_length();
        layout.offsets[id] = offset;
        layout.bytes = offset + sizes[id];
    }
    layout.bytes = round_up(layout.bytes, layout.alignment);
    return layout;
}

piece_memory::piece_memory(const piece_layout& layout) : alignment_(layout.alignment) {
    if (layout.bytes == 0) return;
    if (!layout.fresh_pages) {
        begin_ = static_cast<std::byte*>(::operator new(layout.bytes, std::align_val_t(alignment_)));
        return;
    }
    mapped_bytes_ = layout.bytes + alignment_ - page_size();
    mapped_ = ::mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped_ == MAP_FAILED) throw std::bad_alloc();
    const auto address = reinterpret_cast<std::uintptr_t>(mapped_);
    begin_ = static_cast<std::byte*>(mapped_) + (round_up(address, alignment_) - address);
}

piece_memory::~piece_memory() {
    if (mapped_ != nullptr)
        ::munmap(mapped_, mapped_bytes_);
    else if (begin_ != nullptr)
        ::operator delete(begin_, std::align_val_t(alignment_));
}

} // namespace spmd::detail
