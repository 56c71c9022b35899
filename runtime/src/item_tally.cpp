#include <spmd/detail/item_tally.hpp>

#include <memory>

namespace spmd::detail {
namespace {

std::size_t number_of_this_thread() noexcept {
    static std::atomic<std::size_t> next{0};
    static thread_local const std::size_t number = next.fetch_add(1, std::memory_order_relaxed);
    return number;
}

} // namespace

item_tally::~item_tally() { delete[] counters_.load(std::memory_order_relaxed); }

void item_tally::add(std::size_t items) {
    counter* counters = counters_.load(std::memory_order_acquire);
    if (counters == nullptr) [[unlikely]]
        counters = make_counters();
    counters[number_of_this_thread() % count].items.fetch_add(items, std::memory_order_relaxed);
}

item_tally::counter* item_tally::make_counters() {
    auto made = std::make_unique<counter[]>(count);
    counter* first = nullptr;
    return counters_.compare_exchange_strong(first, made.get(), std::memory_order_acq_rel) ? made.release()
                                                                                           : first;
}

std::size_t item_tally::total() const noexcept {
    const counter* const counters = counters_.load(std::memory_order_acquire);
    if (counters == nullptr) return 0;
    std::size_t total = 0;
    for (std::size_t i = 0; i < count; ++i) total += counters[i].items.load(std::memory_order_relaxed);
    return total;
}

} // namespace spmd::detail
