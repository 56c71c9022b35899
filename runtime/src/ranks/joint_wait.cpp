#include <spmd/detail/ranks/joint_wait.hpp>

#include <spmd/detail/base/describe.hpp>
#include <spmd/detail/ranks/rank_worker.hpp>
#include <spmd/detail/ranks/started_operation.hpp>
#include <spmd/error.hpp>

#include <algorithm>
#include <new>

namespace spmd::detail {
namespace {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

/// Upper bound on the operations that a message lists.
constexpr std::size_t most_named = 4;

std::string in_words(nanoseconds time) {
    constexpr std::int64_t in_us = 1'000;
    constexpr std::int64_t in_ms = 1'000'000;
    const std::int64_t count = time.count();
    if (count % in_ms == 0) return std::to_string(count / in_ms) + " ms";
    if (count % in_us == 0) return std::to_string(count / in_us) + " us";
    return std::to_string(count) + " ns";
}

} // namespace

bool joint_wait::is_over() const {
    const auto is_ready = [](const started_operation* each) { return each->is_ready(); };
    return needed_ == extent::any ? std::ranges::any_of(operations_, is_ready)
                                  : std::ranges::all_of(operations_, is_ready);
}

bool joint_wait::begin(std::span<started_operation* const> operations) {
    if (operations.empty() && needed_ == extent::any)
        throw std::invalid_argument("when_any needs at least one operation");
    operations_ = operations;
    return is_over() || (time_ && *time_ <= nanoseconds::zero());
}

bool joint_wait::suspend(std::coroutine_handle<> rank) {
    rank_worker& here = rank_worker::here();
    wait_record& record = here.record();
    record.throw_if_failed();
    has_begun_ = true;
    gate_ = wait_gate(needed_ == extent::any ? 1 : operations_.size());
    record.wait_for(*this, where_);
    record.continue_at(rank);
    try {
        const steady_clock::time_point now = time_ ? steady_clock::now() : steady_clock::time_point();
        if (time_ && *time_ < steady_clock::time_point::max() - now) {
            deadline_.set(now + *time_, gate_, here.ranks(), here.rank());
            has_deadline_ = true;
        }
        is_watching_ = true;
        for (const started_operation* const each : operations_)
            if (!each->watch(here.rank(), gate_)) gate_.count();
    } catch (...) {
        gate_.close();
        leave();
        throw;
    }
    return gate_.release(); // from then on, another thread may continue the rank
}

void joint_wait::leave() noexcept {
    if (!std::exchange(has_begun_, false)) return;
    if (std::exchange(is_watching_, false))
        for (const started_operation* const each : operations_) each->unwatch(gate_);
    if (std::exchange(has_deadline_, false)) deadline_.remove();
    rank_worker::here().record().forget(*this);
}

void joint_wait::end() {
    leave();
    rank_worker::here().record().throw_if_failed();
    if (!is_over()) throw_timeout();
}

std::size_t joint_wait::first_ready() const {
    const auto first =
        std::ranges::find_if(operations_, [](const started_operation* each) { return each->is_ready(); });
    return static_cast<std::size_t>(first - operations_.begin());
}

std::string joint_wait::operation() const {
    if (operations_.size() == 1) return operations_.front()->text();
    std::string text = name_;
    text += '(';
    for (std::size_t i = 0; i < std::min(operations_.size(), most_named); ++i) {
        if (i > 0) text += ", ";
        text += operations_[i]->text();
    }
    if (operations_.size() > most_named) {
        text += " and ";
        text += std::to_string(operations_.size() - most_named);
        text += " more";
    }
    text += ')';
    return text;
}

std::exception_ptr joint_wait::cause() const {
    std::exception_ptr first;
    for (const started_operation* const each : operations_) {
        const std::exception_ptr cause = each->cause(where_);
        if (cause == nullptr && needed_ == extent::any) return nullptr;
        if (first == nullptr) first = cause;
    }
    return first;
}

void joint_wait::give_up(const std::exception_ptr& failure, extent failed) {
    for (const started_operation* const each : operations_)
        if (failed == extent::all || each->cause(where_) != nullptr) each->give_up(failure);
    gate_.close();
}

void joint_wait::throw_timeout() const {
    std::string text = "timeout: rank ";
    text += std::to_string(rank_worker::here().rank());
    text += " waited ";
    text += in_words(*time_);
    text += " for ";
    text += operation();
    text += " at ";
    text += text_of(where_);
    throw timeout_error(text);
}

} // namespace spmd::detail
