#pragma once

#include <spmd/detail/launch/job.hpp>
#include <spmd/results.hpp>

#include <coroutine>
#include <source_location>

namespace spmd {

template <class T>
class async_result;

namespace detail {

/// Awaits an async_result in any coroutine.
template <class T>
class result_awaiter final : public continuation {
public:
    explicit result_awaiter(async_result<T>& result) noexcept : result_(&result) {}

    bool await_ready(std::source_location where = std::source_location::current());
    bool await_suspend(std::coroutine_handle<> awaiting);
    results<T> await_resume();

    async_result<T>& result() const noexcept { return *result_; }

private:
    void resume_waiter() noexcept override { awaiting_.resume(); }

    async_result<T>* result_;
    std::coroutine_handle<> awaiting_;
};

} // namespace detail
} // namespace spmd
