#pragma once

#include <spmd/async_result.hpp>
#include <spmd/detail/ranks/rank_worker.hpp>
#include <spmd/detail/results/result_awaiter.hpp>

#include <coroutine>
#include <cstddef>
#include <source_location>

namespace spmd::detail {

/// Wakes a rank that waits for another submission's job.
class rank_continuation final : public continuation {
public:
    /// Suspends the rank that runs on this thread until the job is finished; returns false if it is.
    bool suspend_until_finished(job& awaited, std::coroutine_handle<> rank,
                                const std::source_location& where);

private:
    void resume_waiter() noexcept override;

    rank_scheduler* ranks_ = nullptr;
    std::size_t rank_ = 0;
};

/// Awaits an async_result in a rank, which takes part in the work before it is suspended.
template <class T>
class rank_result_awaiter {
public:
    explicit rank_result_awaiter(const result_awaiter<T>& awaiter) noexcept : result_(&awaiter.result()) {}
    rank_result_awaiter(const rank_result_awaiter&) = delete;
    rank_result_awaiter& operator=(const rank_result_awaiter&) = delete;

    bool await_ready(std::source_location where = std::source_location::current()) {
        rank_worker::here().record().throw_if_failed();
        const ordered_access<T> results(*result_);
        results.begin_at(where);
        where_ = where;
        if (!results.finished()) results.take_part();
        return results.finished();
    }
    bool await_suspend(std::coroutine_handle<> rank) {
        const job_pointer<job> awaited = ordered_access<T>(*result_).work();
        return continuation_.suspend_until_finished(*awaited, rank, where_);
    }
    results<T> await_resume() { return result_->get(); }

private:
    async_result<T>* result_;
    std::source_location where_;
    rank_continuation continuation_;
};

} // namespace spmd::detail
