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

/// Stacks that are mapped together, since unmapping makes all threads flush their address translations.
struct stack_slab {
    static constexpr std::size_t stacks = 32;
    static constexpr std::uint32_t all = 0xffffffff;

    std::byte* begin = nullptr;
    std::size_t stack_size = 0;
    std::size_t guard = 0; // in bytes, below each stack
    std::uint32_t free = all;
    std::list<stack_slab>::iterator place;
    std::array<void*, stacks> sanitizers{};

    std::size_t bytes() const noexcept { return stacks * (guard + stack_size); }
    fiber_stack take() noexcept {
        const auto i = static_cast<std::size_t>(std::countr_zero(free));
        free &= free - 1;
        return {begin + i * (guard + stack_size) + guard, stack_size, guard != 0, this, &sanitizers[i]};
    }
    void put(const fiber_stack& stack) noexcept {
        const auto offset = static_cast<std::size_t>(stack.bottom - begin);
        free |= std::uint32_t{1} << (offset / (guard + stack_size));
    }
};

namespace {

/// Bytes of free stacks that are kept for later use.
constexpr std::size_t most_kept = std::size_t{1} << 26;

/// Number of stacks that get a guard: each splits a mapping in two, of which a process has a limited number.
/// Half of them are left to others.
std::size_t most_guarded() {
    std::size_t mappings = 65530;
    std::ifstream("/proc/sys/vm/max_map_count") >> mappings;
    return mappings / 4;
}

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
                    map(size);
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
            if (slab.free == stack_slab::all && kept_ > most_kept) unmap(slab);
        }
    }

    void map(std::size_t size) {
        static const std::size_t most = most_guarded();
        std::list<stack_slab> made(1);
        stack_slab& slab = made.front();
        slab.stack_size = size;
        slab.guard = guarded_ + stack_slab::stacks <= most ? page_size() : 0;
        slab.place = made.begin();
        void* const mapped = ::mmap(nullptr, slab.bytes(), PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
        if (mapped == MAP_FAILED) throw std::bad_alloc();
        slab.begin = static_cast<std::byte*>(mapped);
        // A huge page would make a stack of a few touched KiB cost 2 MiB.
        ::madvise(mapped, slab.bytes(), MADV_NOHUGEPAGE);
        for (std::size_t i = 0; slab.guard != 0 && i < stack_slab::stacks; ++i) {
            if (::mprotect(slab.begin + i * (slab.guard + size), slab.guard, PROT_NONE) == 0) continue;
            ::munmap(mapped, slab.bytes());
            throw std::bad_alloc();
        }
        if (slab.guard != 0) guarded_ += stack_slab::stacks;
        kept_ += stack_slab::stacks * size;
        with_free_.splice(with_free_.begin(), made);
    }
    void unmap(stack_slab& slab) noexcept {
        // Between two other mappings that are alike it would split one, of which there may be too many.
        if (::munmap(slab.begin, slab.bytes()) != 0) return;
#if defined(SPMD_THREAD_SANITIZER)
        for (void* const each : slab.sanitizers)
            if (each != nullptr) __tsan_destroy_fiber(each);
#endif
        if (slab.guard != 0) guarded_ -= stack_slab::stacks;
        kept_ -= stack_slab::stacks * slab.stack_size;
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

/// Stacks of one size that a thread has at hand, so that it rarely needs the store.
class thread_stacks {
public:
    thread_stacks() = default;
    thread_stacks(const thread_stacks&) = delete;
    thread_stacks& operator=(const thread_stacks&) = delete;
    ~thread_stacks() { store().put(std::span(free_).first(count_)); }

    fiber_stack take(std::size_t size) {
        if (size != size_) {
            store().put(std::span(free_).first(std::exchange(count_, 0)));
            size_ = size;
        }
        if (count_ == 0) {
            store().take(size, std::span(free_).first(at_once));
            count_ = at_once;
        }
        return free_[--count_];
    }
    void put(const fiber_stack& stack) noexcept {
        if (stack.size != size_) return store().put({&stack, 1});
        if (count_ == free_.size()) {
            count_ -= at_once;
            store().put(std::span(free_).subspan(count_));
        }
        free_[count_++] = stack;
    }

private:
    static constexpr std::size_t at_once = 16;
    std::size_t size_ = 0;
    std::size_t count_ = 0;
    std::array<fiber_stack, 2 * at_once> free_;
};

thread_local thread_stacks stacks_here;

} // namespace

fiber_stack acquire_stack(std::size_t size) {
    const std::size_t page = page_size();
    return stacks_here.take((size + page - 1) / page * page);
}
void release_stack(const fiber_stack& stack) noexcept { stacks_here.put(stack); }

} // namespace spmd::detail
