#include <spmd/detail/results/tracked_job.hpp>

#include <algorithm>
#include <iterator>
#include <stdexcept>

namespace spmd::detail {
namespace {

traced_submission submission_in(trace_log* log) noexcept {
    return log == nullptr ? traced_submission{} : traced_submission{log, log->next_submission()};
}

} // namespace

tracked_job::tracked_job(std::span<const placed_range> shares, std::size_t chunk, const pool_state& pool,
                         cost_estimate& cost, task_kind kind, const run_options& options)
    : job(shares, chunk, pool.threads, cost), label_{&pool, options.name, {}, false}, kind_(kind),
      on_error_(options.on_error), traced_(submission_in(pool.trace.get())) {
    if (records() > few_records_.size()) many_records_ = std::make_unique<std::uint8_t[]>(records());
    records_ = many_records_ ? many_records_.get() : few_records_.data();
    if (options.stop.stop_possible()) stop_callback_.emplace(options.stop, stop_request{this});
    if (options.timing) intervals_.resize(count());
}

void tracked_job::begin_at(const std::source_location& where) {
    if (label_.begun) return;
    if (traced_.log != nullptr) trace_begin(where);
    if (!intervals_.empty()) submitted_ = std::chrono::steady_clock::now();
    label_.where = where;
    label_.begun = true;
}

void tracked_job::trace_begin(const std::source_location& where) const {
    trace_log& log = *traced_.log;
    const auto number_of = [&](const std::string& name) {
        return name.empty() ? trace_event::no_name : log.number_of(name);
    };
    const std::uint64_t now = trace_ticks();
    log.record({.kind = trace_kind::submission,
                .submission = traced_.number,
                .subject = number_of(label_.name),
                .count = count(),
                .operation = kind_ == task_kind::item ? "map" : "broadcast",
                .where = where,
                .begin = now,
                .end = now,
                .pool = number_of(label_.pool->name)});
}

tracked_job::~tracked_job() { delete trouble_.load(std::memory_order_relaxed); }

void tracked_job::dispose() noexcept {
    stop_callback_.reset(); // blocks while it runs
    delete trouble_.exchange(nullptr);
    many_records_.reset();
    intervals_ = {};
}

task_state tracked_job::state(std::size_t i) const noexcept {
    if (!is_done(i)) return task_state::pending;
    trouble* const bad = trouble_.load(std::memory_order_acquire);
    if (bad == nullptr) return task_state::done;
    const std::lock_guard lock(bad->mutex);
    if (bad->failures.contains(i)) return task_state::failed;
    return bad->was_cancelled(i) ? task_state::cancelled : task_state::done;
}

std::size_t tracked_job::ended() const noexcept {
    std::size_t ended = 0;
    for (std::size_t record = 0; record < records(); ++record)
        ended += std::atomic_ref(records_[record]).load(std::memory_order_acquire);
    return ended;
}

tracked_job::trouble& tracked_job::troubles() noexcept {
    trouble* bad = trouble_.load(std::memory_order_acquire);
    if (bad != nullptr) return *bad;
    auto created = std::make_unique<trouble>();
    if (!trouble_.compare_exchange_strong(bad, created.get(), std::memory_order_acq_rel)) return *bad;
    return *created.release();
}

void tracked_job::fail(std::size_t i, std::exception_ptr error) noexcept {
    {
        trouble& bad = troubles();
        const std::lock_guard lock(bad.mutex);
        bad.failures.emplace(i, std::move(error));
    }
    if (on_error_ == on_error::stop) request_stop();
    end(records_, i, grain());
}

void tracked_job::skip(index_range range) noexcept {
    {
        trouble& bad = troubles();
        const std::lock_guard lock(bad.mutex);
        const auto after = bad.cancelled.upper_bound(range.first);
        if (after != bad.cancelled.begin() && std::prev(after)->second == range.first)
            std::prev(after)->second = range.last;
        else
            bad.cancelled.emplace_hint(after, range.first, range.last);
        bad.cancelled_count += range.size();
    }
    for (std::size_t i = range.first; i < range.last; ++i) end(records_, i, grain());
}

void tracked_job::throw_unless_all_done() const {
    const trouble* const bad = trouble_.load(std::memory_order_acquire);
    if (bad == nullptr) return;
    if (bad->failures.empty()) throw cancelled_error(kind_, bad->cancelled_count, count());
    std::vector<failure> failures;
    failures.reserve(bad->failures.size());
    for (const auto& [index, error] : bad->failures) failures.push_back({index, error});
    throw composite_error(kind_, std::move(failures), count(), bad->cancelled_count);
}

std::exception_ptr tracked_job::error_of(std::size_t i) const {
    trouble& bad = *trouble_.load(std::memory_order_acquire);
    const std::lock_guard lock(bad.mutex);
    const auto found = bad.failures.find(i);
    return found != bad.failures.end() ? found->second : std::make_exception_ptr(cancelled_error(kind_, i));
}

std::vector<std::exception_ptr> tracked_job::errors() const {
    std::vector<std::exception_ptr> errors(count());
    const trouble* const bad = trouble_.load(std::memory_order_acquire);
    if (bad == nullptr) return errors;
    for (const auto& [index, error] : bad->failures) errors[index] = error;
    for (const auto& [begin, end] : bad->cancelled)
        for (std::size_t i = begin; i < end; ++i)
            errors[i] = std::make_exception_ptr(cancelled_error(kind_, i));
    return errors;
}

const std::vector<interval>& tracked_job::intervals() const {
    if (intervals_.empty() && count() > 0)
        throw std::logic_error("timing was not requested: submit with pool.with({.timing = true})");
    return intervals_;
}

} // namespace spmd::detail
