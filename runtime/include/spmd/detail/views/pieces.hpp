#pragma once

#include <spmd/detail/base/zeroed_array.hpp>
#include <spmd/detail/launch/group.hpp>

#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace spmd::detail {

/// To which pool the pieces of a handle belong, and which of its engines have one.
/// Thread safety: const members may be called at the same time.
class piece_owner {
public:
    /// `kind` as messages call it: "local".
    piece_owner(const char* kind, const std::shared_ptr<const group>& ranks);

    // Throw: std::invalid_argument that says which of these it is.
    /// The ranks are of the pool that the pieces belong to.
    void require_pool_of(const std::shared_ptr<const group>& ranks) const;
    /// And each of them has a piece.
    void require(const std::shared_ptr<const group>& ranks) const;
    /// The pool is still there, and the engine has a piece.
    void require(std::size_t engine) const;

    const char* kind() const noexcept { return kind_; }
    /// How many ranks it was made for.
    std::size_t ranks() const noexcept { return ranks_; }
    /// The engine of each of those; empty: id and engine are the same.
    const std::vector<std::size_t>& engines() const noexcept { return engines_; }
    std::size_t engine_of(std::size_t id) const noexcept { return engines_.empty() ? id : engines_[id]; }

private:
    bool has(std::size_t engine) const noexcept {
        return engine < pool_size_ && (present_.empty() || present_[engine]);
    }
    [[noreturn]] void throw_missing(std::size_t engine) const;

    const char* kind_;
    std::weak_ptr<const group> pool_; // by its group of all ranks
    std::size_t pool_size_;
    std::size_t ranks_;
    std::vector<std::size_t> engines_;
    std::vector<bool> present_; // by engine; empty: all of them
};

/// For a handle that was moved from, or never had anything. Throws: std::invalid_argument.
[[noreturn]] void throw_empty(const char* kind);

/// Where the pieces of some ranks lie in one block of memory.
struct piece_layout {
    std::vector<std::size_t> offsets; ///< in bytes, by id
    std::size_t bytes = 0;
    std::size_t alignment = 1;
    /// The first who writes to a page decides on which NUMA node it lies: take pages that nobody has written to.
    bool fresh_pages = false;
};

/// So many objects; of more than there can be, as many bytes as there cannot be.
inline std::size_t bytes_of(std::size_t count, std::size_t size) noexcept {
    constexpr std::size_t most = ~std::size_t{0};
    return count > most / size ? most : count * size;
}

enum class spacing {
    apart,            ///< each piece on cache lines of its own
    apart_where_cheap ///< the same, unless that can take 3 % more memory, and more than 256 KiB
};

/// Pieces of so many bytes for each id, in the order of their engines; those of different arenas on different pages.
/// Throws: std::bad_alloc where they are larger than any memory.
piece_layout lay_out(const group& ranks, std::span<const std::size_t> sizes, std::size_t alignment,
                     spacing between);

/// A block of memory, and who gives it back.
class piece_memory {
public:
    explicit piece_memory(const piece_layout& layout);
    piece_memory(const piece_memory&) = delete;
    piece_memory& operator=(const piece_memory&) = delete;
    ~piece_memory();

    std::byte* at(std::size_t offset) const noexcept { return begin_ + offset; }

private:
    std::byte* begin_ = nullptr;
    std::size_t alignment_;
    void* mapped_ = nullptr; // what the system gave; null: operator new gave it
    std::size_t mapped_bytes_ = 0;
};

/// The objects that belong to the engines of a pool, or to its arenas: a span of them for each.
///
/// Life: made (no objects) → each piece is constructed by one rank, several at the same time → used, by whoever shares
/// it: handles, and jobs in flight → destroyed, with all objects, by the one that lets go last.
template <class T>
class pieces : public piece_owner {
public:
    /// `count`: how many engines, or arenas, there are.
    pieces(const char* kind, const std::shared_ptr<const group>& ranks, const piece_layout& layout,
           std::size_t count)
        : piece_owner(kind, ranks), count_(count), memory_(layout), table_(count) {}
    pieces(const pieces&) = delete;
    pieces& operator=(const pieces&) = delete;
    ~pieces() {
        if constexpr (!std::is_trivially_destructible_v<T>)
            for (std::size_t i = 0; i < count_; ++i) std::destroy(table_[i].begin(), table_[i].end());
    }

    /// Makes piece i of make(0) … make(count - 1). Throws what they throw, and then leaves nothing.
    template <class Make>
    void construct(std::size_t i, std::size_t offset, std::size_t count, const Make& make) {
        T* const first = place(offset);
        std::size_t made = 0;
        try {
            for (; made < count; ++made) ::new (static_cast<void*>(first + made)) T(make(made));
        } catch (...) {
            std::destroy_n(first, made);
            throw;
        }
        table_[i] = std::span<T>(first, count);
    }

    T* place(std::size_t offset) const noexcept { return reinterpret_cast<T*>(memory_.at(offset)); }

    /// By engine, or by arena; empty where there is none. Spans by reference, since a coroutine may keep one.
    const std::span<T>* table() const noexcept { return &table_[0]; }
    /// The same for those who may not write. Made by the first who asks.
    const std::span<const T>* read_only_table() const {
        std::call_once(read_only_made_, [this] {
            read_only_.emplace(count_);
            for (std::size_t i = 0; i < count_; ++i) (*read_only_)[i] = table_[i];
        });
        return &(*read_only_)[0];
    }

private:
    std::size_t count_;
    piece_memory memory_;
    zeroed_array<std::span<T>> table_; // each entry is written by who constructs the piece
    mutable std::once_flag read_only_made_;
    mutable std::optional<zeroed_array<std::span<const T>>> read_only_;
};

} // namespace spmd::detail
