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

/// The pool that the pieces of a handle belong to, and its engines that have one.
/// Thread safety: const members may be called at the same time.
class piece_owner {
public:
    /// `kind`: the handle's name in messages, such as "local".
    piece_owner(const char* kind, const std::shared_ptr<const group>& ranks);

    // Throw: std::invalid_argument naming the condition that does not hold.
    /// Requires the ranks to be of the pool that the pieces belong to.
    void require_pool_of(const std::shared_ptr<const group>& ranks) const;
    /// As require_pool_of(), and requires each of them to have a piece.
    void require(const std::shared_ptr<const group>& ranks) const;
    /// Requires the pool to exist, and the engine to have a piece.
    void require(std::size_t engine) const;

    const char* kind() const noexcept { return kind_; }
    /// Number of ranks that it was constructed for.
    std::size_t ranks() const noexcept { return ranks_; }
    /// The engine of each rank; empty: id and engine are the same.
    const std::vector<std::size_t>& engines() const noexcept { return engines_; }
    std::size_t engine_of(std::size_t id) const noexcept { return engines_.empty() ? id : engines_[id]; }

private:
    bool has(std::size_t engine) const noexcept {
        return engine < pool_size_ && (present_.empty() || present_[engine]);
    }
    [[noreturn]] void throw_missing(std::size_t engine) const;

    const char* kind_;
    std::weak_ptr<const group> pool_; // the group of all its ranks
    std::size_t pool_size_;
    std::size_t ranks_;
    std::vector<std::size_t> engines_;
    std::vector<bool> present_; // by engine; empty: all of them
};

/// Throws: std::invalid_argument, for a handle that was moved from or default-constructed.
[[noreturn]] void throw_empty(const char* kind);

/// The places of some ranks' pieces in one block of memory.
struct piece_layout {
    std::vector<std::size_t> offsets; ///< in bytes, by id
    std::size_t bytes = 0;
    std::size_t alignment = 1;
    /// Needs pages that were never written: the first write to a page decides its NUMA node.
    bool fresh_pages = false;
};

/// Bytes for `count` objects, saturating so that allocation fails.
inline std::size_t bytes_of(std::size_t count, std::size_t size) noexcept {
    constexpr std::size_t most = ~std::size_t{0};
    return count > most / size ? most : count * size;
}

enum class spacing {
    apart,            ///< each piece on cache lines of its own
    apart_where_cheap ///< as apart, unless that can cost 3 % more memory and more than 256 KiB
};

/// Lays out pieces of `sizes` bytes, by id, in the order of their engines; different arenas on different
/// pages.
/// Throws: std::bad_alloc where they would exceed the address space.
piece_layout lay_out(const group& ranks, std::span<const std::size_t> sizes, std::size_t alignment,
                     spacing between);

/// Owns a block of memory for pieces.
class piece_memory {
public:
    explicit piece_memory(const piece_layout& layout);
    piece_memory(const piece_memory&) = delete;
    piece_memory& operator=(const piece_memory&) = delete;
    ~piece_memory();

    std::byte* address(std::size_t offset) const noexcept { return begin_ + offset; }

private:
    std::byte* begin_ = nullptr;
    std::size_t alignment_;
    void* mapped_ = nullptr; // by mmap; null: operator new allocated the block
    std::size_t mapped_bytes_ = 0;
};

/// The objects that belong to the engines of a pool, or to its arenas: one span for each.
///
/// Life: empty → each piece is constructed by one rank, several at the same time → shared by handles and jobs
/// in flight → destroyed with all objects by the last of them.
template <class T>
class pieces : public piece_owner {
public:
    /// `count`: number of engines, or of arenas.
    pieces(const char* kind, const std::shared_ptr<const group>& ranks, const piece_layout& layout,
           std::size_t count)
        : piece_owner(kind, ranks), count_(count), memory_(layout), table_(count) {}
    pieces(const pieces&) = delete;
    pieces& operator=(const pieces&) = delete;
    ~pieces() {
        if constexpr (!std::is_trivially_destructible_v<T>)
            for (std::size_t i = 0; i < count_; ++i) std::destroy(table_[i].begin(), table_[i].end());
    }

    /// Constructs piece i from make(0) … make(count - 1). Throws: what they throw, and then constructs
    /// nothing.
    template <class Make>
    void construct(std::size_t i, std::size_t offset, std::size_t count, const Make& make) {
        T* const first = place(offset);
        std::size_t done = 0;
        try {
            for (; done < count; ++done) ::new (static_cast<void*>(first + done)) T(make(done));
        } catch (...) {
            std::destroy_n(first, done);
            throw;
        }
        table_[i] = std::span<T>(first, count);
    }

    T* place(std::size_t offset) const noexcept { return reinterpret_cast<T*>(memory_.address(offset)); }

    /// The pieces by engine, or by arena; empty for one without. A pointer, since a coroutine may keep a
    /// span's address.
    const std::span<T>* table() const noexcept { return &table_[0]; }
    /// As table(), of const items; constructed at the first call.
    const std::span<const T>* read_only_table() const {
        std::call_once(read_only_once_, [this] {
            read_only_.emplace(count_);
            for (std::size_t i = 0; i < count_; ++i) (*read_only_)[i] = table_[i];
        });
        return &(*read_only_)[0];
    }

private:
    std::size_t count_;
    piece_memory memory_;
    zeroed_array<std::span<T>> table_; // each entry is written by the rank that constructs the piece
    mutable std::once_flag read_only_once_;
    mutable std::optional<zeroed_array<std::span<const T>>> read_only_;
};

} // namespace spmd::detail
