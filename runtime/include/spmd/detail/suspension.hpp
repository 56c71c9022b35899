#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <source_location>
#include <string>
#include <utility>

namespace spmd::detail {

/// What a rank waits for. Lives in the rank's frame, or with its pending operation, while the rank is suspended.
class suspension {
public:
    suspension(const suspension&) = delete;
    suspension& operator=(const suspension&) = delete;

    const std::source_location& where() const noexcept { return where_; }
    void resume() const { continuation_.resume(); }
    /// What its `co_await` will throw.
    void fail(std::exception_ptr error) noexcept { error_ = std::move(error); }

    /// For messages: "barrier", "receive(from 3, tag 0)".
    virtual std::string operation() const = 0;
    /// Why it can never go on, where that does not depend on ranks that wait themselves; else null.
    /// Requires: no rank of the gang can run.
    virtual std::exception_ptr cause() const = 0;

protected:
    explicit suspension(const std::source_location& where) noexcept : where_(where) {}
    virtual ~suspension() = default;

    void continue_at(std::coroutine_handle<> continuation) noexcept { continuation_ = continuation; }
    bool failed() const noexcept { return error_ != nullptr; }
    void throw_if_failed() {
        if (error_ != nullptr) [[unlikely]]
            std::rethrow_exception(std::move(error_));
    }

private:
    std::coroutine_handle<> continuation_;
    std::exception_ptr error_;
    std::source_location where_;
};

} // namespace spmd::detail
