#include <spmd/detail/result_job.hpp>

#include <algorithm>
#include <stdexcept>

namespace spmd::detail {

tracked_job::tracked_job(std::span<const placed_range> shares, std::size_t chunk, std::size_t threads,
                         usual_cost& cost, task_kind kind, const run_options& options)
    : job(shares, chunk, threads, cost), kind_(kind), on_error_(options.on_error), states_(count()) {
    if (options.timing) {
        intervals_.resize(count());
        submitted_ = std::chrono::steady_clock::now();
    }
}

std::size_t tracked_job::ended() const noexcept {
    std::size_t ended = 0;
    for (std::size_t i = 0; i < count(); ++i)
        if (is_done(i)) ++ended;
    return ended;
}

void tracked_job::fail(std::size_t i) noexcept {
    {
        const std::lock_guard lock(mutex_);
        failures_.push_back({i, std::current_exception()});
    }
    if (on_error_ == on_error::stop) request_stop();
    set(states_[i], task_state::failed);
}

void tracked_job::skip(index_range range) noexcept {
    cancelled_.fetch_add(range.size(), std::memory_order_relaxed);
    for (std::size_t i = range.begin; i < range.end; ++i) set(states_[i], task_state::cancelled);
}

void tracked_job::throw_unless_all_done() const {
    const std::size_t not_run = cancelled_.load(std::memory_order_relaxed);
    if (!failures_.empty()) {
        std::vector<failure> sorted = failures_;
        std::ranges::sort(sorted, {}, &failure::index);
        throw composite_error(kind_, std::move(sorted), count(), not_run);
    }
    if (not_run > 0) throw cancelled(kind_, not_run, count());
}

std::exception_ptr tracked_job::error_of(std::size_t i) const {
    if (state(i) == task_state::cancelled) return std::make_exception_ptr(cancelled(kind_, i));
    const std::lock_guard lock(mutex_);
    return std::ranges::find(failures_, i, &failure::index)->error;
}

std::vector<std::exception_ptr> tracked_job::errors() const {
    std::vector<std::exception_ptr> errors(count());
    for (const failure& each : failures_) errors[each.index] = each.error;
    for (std::size_t i = 0; i < count(); ++i)
        if (state(i) == task_state::cancelled) errors[i] = error_of(i);
    return errors;
}

const std::vector<interval>& tracked_job::intervals() const {
    if (intervals_.empty() && count() > 0)
        throw std::logic_error("timing() was not asked for: submit by pool.with({.timing = true})");
    return intervals_;
}

} // namespace spmd::detail
