#pragma once

#include <cstddef>
#include <exception>
#include <optional>
#include <utility>

namespace spmd {

/// How far a submission is: `done` of `total` tasks have ended, in whatever way.
struct progress {
    std::size_t done = 0;
    std::size_t total = 0;
    std::size_t items = 0; ///< that the ranks have reported by rank::advance(); of a map, `done`
};

/// What one task gave: its result, or the error that it threw (or `cancelled`, where it never ran).
template <class T>
class outcome {
public:
    explicit outcome(T value) : value_(std::move(value)) {}
    explicit outcome(std::exception_ptr error) noexcept : error_(std::move(error)) {}

    bool has_value() const noexcept { return error_ == nullptr; }
    explicit operator bool() const noexcept { return has_value(); }
    /// The result. Throws: what the task threw.
    T& value() & {
        if (error_ != nullptr) std::rethrow_exception(error_);
        return *value_;
    }
    const T& value() const& {
        if (error_ != nullptr) std::rethrow_exception(error_);
        return *value_;
    }
    T&& value() && { return std::move(value()); }
    /// The error; null where there is a result.
    const std::exception_ptr& error() const noexcept { return error_; }

private:
    std::optional<T> value_;
    std::exception_ptr error_;
};

/// Of a task without a result: whether it ran to its end.
template <>
class outcome<void> {
public:
    outcome() = default;
    explicit outcome(std::exception_ptr error) noexcept : error_(std::move(error)) {}

    bool has_value() const noexcept { return error_ == nullptr; }
    explicit operator bool() const noexcept { return has_value(); }
    /// Throws: what the task threw.
    void value() const {
        if (error_ != nullptr) std::rethrow_exception(error_);
    }
    const std::exception_ptr& error() const noexcept { return error_; }

private:
    std::exception_ptr error_;
};

} // namespace spmd
