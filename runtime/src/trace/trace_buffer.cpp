#include <spmd/detail/trace/trace_buffer.hpp>

#include <algorithm>
#include <new>

namespace spmd::detail {

trace_buffer::~trace_buffer() {
    for (const chunk* next = first_.load(std::memory_order_relaxed); next != nullptr;) {
        const chunk* const done = next;
        next = next->next.load(std::memory_order_relaxed);
        delete done;
    }
}

bool trace_buffer::grow(std::atomic<std::size_t>& room) noexcept {
    std::size_t left = room.load(std::memory_order_relaxed);
    std::size_t wanted = std::min(left, chunk_size);
    while (wanted > 0 && !room.compare_exchange_weak(left, left - wanted, std::memory_order_relaxed))
        wanted = std::min(left, chunk_size);
    chunk* const added = wanted > 0 ? new (std::nothrow) chunk : nullptr;
    if (added == nullptr) {
        dropped_.fetch_add(1, std::memory_order_relaxed);
        return false;
    }
    added->size = wanted;
    (last_ == nullptr ? first_ : last_->next).store(added, std::memory_order_release);
    last_ = added;
    full_ = false;
    return true;
}

std::size_t trace_buffer::size() const noexcept {
    std::size_t sum = 0;
    for (const chunk* each = first_.load(std::memory_order_acquire); each != nullptr;
         each = each->next.load(std::memory_order_acquire))
        sum += each->used.load(std::memory_order_acquire);
    return sum;
}

} // namespace spmd::detail
