#include <spmd/detail/base/item_tally.hpp>

#include <spmd/detail/base/thread_number.hpp>

#include <memory>

namespace spmd::detail {

item_tally::~item_tally() { delete[] counters_.load(std::memory_order_relaxed); }

void item_tally::add(std::size_t items) {
    counter* counters = counters_.load(std::memory_order_acquire);
    if (counters == nullptr) [[unlikely]]
        counters = make_counters();
    counters[thread_number() % count].items.fetch_add(items, std::memory_order_relaxed);
}

item_tally::counter* item_tally::make_counters() {
    auto counters = std::make_unique<counter[]>(count);
    counter* first = nullptr;
    if (!counters_.compare_exchange_strong(first, counters.get(), std::memory_order_acq_rel)) return first;
    return counters.release();
}

std::size_t item_tally::total() const noexcept {
    const counter* const counters = counters_.load(std::memory_order_acquire);
    if (counters == nullptr) return 0;
    std::size_t total = 0;
    for (std::size_t i = 0; i < count; ++i) total += counters[i].items.load(std::memory_order_relaxed);
    return total;
}

} // namespace spmd::detail
