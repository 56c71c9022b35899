#include "ranks/fiber_stacks.hpp"

#include "base/page_size.hpp"
#include "ranks/sanitizers.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <fstream>
#include <list>
#include <mutex>
#include <new>
#include <span>
#include <utility>

namespace spmd::detail {
namespace {

/// Bytes below a stack that cannot be accessed: more than one page, which a large frame would step over.
constexpr std::size_t guard_bytes = std::size_t{64} << 10;
constexpr std::size_t most_stack_bytes = std::size_t{1} << 40;
/// Bytes of a slab, of the stacks that a thread keeps, and of free stacks that all keep; at least one stack.
constexpr std::size_t most_in_slab = std::size_t{64} << 20;
constexpr std::size_t most_at_hand = std::size_t{2} << 20;
constexpr std::size_t most_kept = std::size_t{64} << 20;

/// Number of stacks that get a guard: each splits a mapping in two, of which a process has a limited number.
/// Half of them are left to others.
std::size_t most_guarded() {
    std::size_t mappings = 65530;
    std::ifstream("/proc/sys/vm/max_map_count") >> mappings;
    return mappings / 4;
}

} // namespace

/// Stacks that are mapped together, since unmapping makes all threads flush their address translations.
/// Without guards between the stacks there is one below the lowest.
struct stack_slab {
    static constexpr std::size_t most_stacks = 32;

    std::byte* begin = nullptr; // of the mapping
    std::size_t count = 0;      // of stacks
    std::size_t stack_size = 0;
    bool is_guarded = false;
    std::uint32_t free = 0; // a bit for each stack
    std::uint32_t all = 0;
    std::list<stack_slab>::iterator place;
    std::array<void*, most_stacks> sanitizers{};

    std::size_t stride() const noexcept { return stack_size + (is_guarded ? guard_bytes : 0); }
    std::size_t bytes() const noexcept { return guard_bytes + (count - 1) * stride() + stack_size; }
    fiber_stack take() noexcept {
        const auto i = static_cast<std::size_t>(std::countr_zero(free));
        free &= free - 1;
        return {begin + guard_bytes + i * stride(), stack_size, is_guarded, this, &sanitizers[i]};
    }
    void put(const fiber_stack& stack) noexcept {
        const auto offset = static_cast<std::size_t>(stack.bottom - begin) - guard_bytes;
        free |= std::uint32_t{1} << (offset / stride());
    }
    /// Maps `count` stacks; returns false where that fails.
    bool map() noexcept {
        void* const mapped = ::mmap(nullptr, bytes(), PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
        if (mapped == MAP_FAILED) return false;
        begin = static_cast<std::byte*>(mapped);
        // A huge page would make a stack of a few touched KiB cost 2 MiB.
        ::madvise(mapped, bytes(), MADV_NOHUGEPAGE);
        for (std::size_t i = 0; i < (is_guarded ? count : 1); ++i)
            if (::mprotect(begin + i * stride(), guard_bytes, PROT_NONE) != 0) {
                ::munmap(mapped, bytes());
                return false;
            }
        return true;
    }
};

namespace {

/// The stacks of the process that no thread holds.
class stack_store {
public:
    /// Fills `taken`. Throws: std::bad_alloc; then it is unchanged.
    void take(std::size_t size, std::span<fiber_stack> taken) {
        const std::lock_guard lock(mutex_);
        std::size_t found = 0;
        try {
            for (auto slab = with_free_.begin(); found < taken.size();) {
                if (slab == with_free_.end()) {
                    add_slab(size);
                    slab = with_free_.begin();
                }
                if (slab->stack_size != size) {
                    ++slab;
                    continue;
                }
                while (slab->free != 0 && found < taken.size()) {
                    taken[found++] = slab->take();
                    kept_ -= size;
                }
                if (slab->free == 0) used_.splice(used_.begin(), with_free_, slab++);
            }
        } catch (...) {
            put_locked(taken.first(found));
            throw;
        }
    }
    void put(std::span<const fiber_stack> stacks) noexcept {
        const std::lock_guard lock(mutex_);
        put_locked(stacks);
    }

private:
    void put_locked(std::span<const fiber_stack> stacks) noexcept {
        for (const fiber_stack& stack : stacks) {
            stack_slab& slab = *stack.slab;
            if (slab.free == 0) with_free_.splice(with_free_.begin(), used_, slab.place);
            slab.put(stack);
            kept_ += stack.size;
            if (slab.free == slab.all && kept_ > most_kept) remove_slab(slab);
        }
    }

    void add_slab(std::size_t size) {
        static const std::size_t most = most_guarded();
        std::list<stack_slab> made(1);
        stack_slab& slab = made.front();
        slab.stack_size = size;
        slab.count = std::clamp<std::size_t>(most_in_slab / size, 1, stack_slab::most_stacks);
        slab.all = static_cast<std::uint32_t>((std::uint64_t{1} << slab.count) - 1);
        slab.free = slab.all;
        slab.place = made.begin();
        slab.is_guarded = guarded_ + slab.count <= most;
        if (!slab.map()) {
            // Others may have most of the mappings.
            if (!std::exchange(slab.is_guarded, false) || !slab.map()) throw std::bad_alloc();
        }
        if (slab.is_guarded) guarded_ += slab.count;
        kept_ += slab.count * size;
        with_free_.splice(with_free_.begin(), made);
    }
    void remove_slab(stack_slab& slab) noexcept {
        // Between two other mappings that are alike it would split one, of which there may be too many.
        if (::munmap(slab.begin, slab.bytes()) != 0) return;
#if defined(SPMD_THREAD_SANITIZER)
        for (void* const each : slab.sanitizers)
            if (each != nullptr) __tsan_destroy_fiber(each);
#endif
        if (slab.is_guarded) guarded_ -= slab.count;
        kept_ -= slab.count * slab.stack_size;
        with_free_.erase(slab.place);
    }

    std::mutex mutex_;
    std::list<stack_slab> with_free_; // guarded by mutex_, as all below
    std::list<stack_slab> used_;      // whose stacks are all in use
    std::size_t kept_ = 0;            // bytes of free stacks
    std::size_t guarded_ = 0;         // stacks that have a guard
};

/// Never destroyed: threads return their stacks when they end, which may be after main.
stack_store& store() {
    static auto* const made = new stack_store;
    return *made;
}

/// True once the thread has returned its stacks, because it ends.
constinit thread_local bool has_returned_stacks = false;

/// Stacks of one size that a thread has at hand, so that it rarely needs the store.
class thread_stacks {
public:
    thread_stacks() = default;
    thread_stacks(const thread_stacks&) = delete;
    thread_stacks& operator=(const thread_stacks&) = delete;
    ~thread_stacks() {
        store().put(std::span(free_).first(count_));
        has_returned_stacks = true;
    }

    fiber_stack take(std::size_t size) {
        if (size != size_) {
            store().put(std::span(free_).first(std::exchange(count_, 0)));
            size_ = size;
            at_once_ = std::clamp<std::size_t>(most_at_hand / 2 / size, 1, most_at_once);
        }
        if (count_ == 0) {
            store().take(size, std::span(free_).first(at_once_));
            count_ = at_once_;
        }
        return free_[--count_];
    }
    void put(const fiber_stack& stack) noexcept {
        if (stack.size != size_) return store().put({&stack, 1});
        if (count_ == 2 * at_once_) {
            count_ -= at_once_;
            store().put(std::span(free_).subspan(count_, at_once_));
        }
        free_[count_++] = stack;
    }

private:
    static constexpr std::size_t most_at_once = 16;
    std::size_t size_ = 0;
    std::size_t at_once_ = 1;
    std::size_t count_ = 0;
    std::array<fiber_stack, 2 * most_at_once> free_;
};

thread_local thread_stacks stacks_here;

} // namespace

fiber_stack acquire_stack(std::size_t size) {
    if (size > most_stack_bytes) throw std::bad_alloc();
    const std::size_t page = page_size();
    const std::size_t whole = (size + page - 1) / page * page;
    if (!has_returned_stacks) return stacks_here.take(whole);
    fiber_stack found;
    store().take(whole, {&found, 1});
    return found;
}
void release_stack(const fiber_stack& stack) noexcept {
    if (has_returned_stacks) return store().put({&stack, 1});
    stacks_here.put(stack);
}
std::size_t guard_of(const fiber_stack& stack) noexcept { return stack.is_guarded ? guard_bytes : 0; }

} // namespace spmd::detail
