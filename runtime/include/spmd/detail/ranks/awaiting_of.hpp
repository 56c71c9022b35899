#pragma once

#include <coroutine>
#include <source_location>

namespace spmd::detail {

/// Refers to an awaitable: GCC 12 would copy it if await_transform returned a reference.
template <class Awaitable>
class awaiting_of {
public:
    explicit awaiting_of(Awaitable& awaitable) noexcept : awaitable_(&awaitable) {}
    bool await_ready(std::source_location where = std::source_location::current()) const {
        if constexpr (requires { awaitable_->at(where); }) awaitable_->at(where);
        return awaitable_->await_ready();
    }
    auto await_suspend(std::coroutine_handle<> rank) const { return awaitable_->await_suspend(rank); }
    decltype(auto) await_resume() const { return awaitable_->await_resume(); }

private:
    Awaitable* awaitable_;
};

} // namespace spmd::detail
