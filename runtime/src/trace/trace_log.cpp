#include <spmd/detail/trace/trace_log.hpp>

#include <algorithm>
#include <cmath>
#include <new>
#include <thread>

namespace spmd::detail {
namespace {

std::uint64_t next_log() noexcept {
    static std::atomic<std::uint64_t> next{1};
    return next.fetch_add(1, std::memory_order_relaxed);
}

} // namespace

trace_log::trace_log(std::size_t capacity)
    : number_(next_log()), room_(capacity), first_ticks_(trace_ticks()),
      first_time_(std::chrono::steady_clock::now()) {}

trace_buffer* trace_log::attach() noexcept {
    const std::thread::id me = std::this_thread::get_id();
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find(buffers_, me, [](const auto& each) { return each->thread(); });
    if (found != buffers_.end()) {
        here_ = {number_, found->get()};
        return here_.buffer;
    }
    try {
        here_ = {number_, buffers_.emplace_back(std::make_unique<trace_buffer>(me)).get()};
        return here_.buffer;
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

std::uint64_t trace_log::number_of(std::string_view name) {
    const std::lock_guard lock(mutex_);
    if (const auto found = numbers_.find(name); found != numbers_.end()) return found->second;
    names_.emplace_back(name);
    return numbers_.emplace(name, names_.size() - 1).first->second;
}

std::string trace_log::name(std::uint64_t number) const {
    const std::lock_guard lock(mutex_);
    return names_.at(number);
}

std::vector<const trace_buffer*> trace_log::buffers() const {
    const std::lock_guard lock(mutex_);
    std::vector<const trace_buffer*> all;
    all.reserve(buffers_.size());
    for (const auto& each : buffers_) all.push_back(each.get());
    return all;
}

std::size_t trace_log::size() const {
    std::size_t sum = 0;
    for (const trace_buffer* each : buffers()) sum += each->size();
    return sum;
}

std::size_t trace_log::dropped() const {
    std::size_t sum = without_buffer_.load(std::memory_order_relaxed);
    for (const trace_buffer* each : buffers()) sum += each->dropped();
    return sum;
}

trace_log::clock::clock(const trace_log& log) : first_ticks_(log.first_ticks_) {
    const std::uint64_t ticks = trace_ticks() - log.first_ticks_;
    const std::chrono::nanoseconds time = std::chrono::steady_clock::now() - log.first_time_;
    per_tick_ = ticks == 0 ? 1.0 : static_cast<double>(time.count()) / static_cast<double>(ticks);
}

std::int64_t trace_log::clock::nanoseconds(std::uint64_t ticks) const noexcept {
    return std::llround(static_cast<double>(static_cast<std::int64_t>(ticks - first_ticks_)) * per_tick_);
}

} // namespace spmd::detail
