#pragma once

#include <concepts>
#include <cstddef>
#include <deque>
#include <exception>
#include <optional>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

namespace spmd {
namespace detail {

template <class T>
struct results_of {
    using type = std::vector<T>;
};
template <>
struct results_of<bool> {
    using type = std::deque<bool>;
};
template <>
struct results_of<void> {
    using type = void;
};

} // namespace detail

/// Container of the tasks' results, in order: std::vector<T>; std::deque<bool> for bool, since each result is
/// an object of its own and not a bit; void for void.
template <class T>
using results = typename detail::results_of<T>::type;

namespace detail {

template <class Part>
struct flat_of {
    using type = results<std::ranges::range_value_t<Part>>;
};
template <class Char, class Traits, class Allocator>
struct flat_of<std::basic_string<Char, Traits, Allocator>> {
    using type = std::basic_string<Char, Traits, Allocator>;
};

} // namespace detail

/// Concatenation of parts: a string for strings, `results` of the items for other ranges.
template <class Part>
using flat = typename detail::flat_of<Part>::type;

/// A result that can be concatenated: a sized range, such as a vector.
template <class Part>
concept concatenable = std::ranges::input_range<Part> && std::ranges::sized_range<Part> &&
                       std::movable<std::ranges::range_value_t<Part>>;

/// Result or error of one task: cancelled_error if it never ran.
template <class T>
class outcome {
public:
    explicit outcome(T value) : value_(std::move(value)) {}
    explicit outcome(std::exception_ptr error) noexcept : error_(std::move(error)) {}

    bool has_value() const noexcept { return error_ == nullptr; }
    explicit operator bool() const noexcept { return has_value(); }
    /// Returns the result. Throws: the task's exception.
    T& value() & {
        if (error_ != nullptr) std::rethrow_exception(error_);
        return *value_;
    }
    const T& value() const& {
        if (error_ != nullptr) std::rethrow_exception(error_);
        return *value_;
    }
    T&& value() && { return std::move(value()); }
    /// Returns the error, null if there is a result.
    const std::exception_ptr& error() const noexcept { return error_; }

private:
    std::optional<T> value_;
    std::exception_ptr error_;
};

/// Completion or error of a task without a result.
template <>
class outcome<void> {
public:
    outcome() = default;
    explicit outcome(std::exception_ptr error) noexcept : error_(std::move(error)) {}

    bool has_value() const noexcept { return error_ == nullptr; }
    explicit operator bool() const noexcept { return has_value(); }
    /// Throws: the task's exception.
    void value() const {
        if (error_ != nullptr) std::rethrow_exception(error_);
    }
    const std::exception_ptr& error() const noexcept { return error_; }

private:
    std::exception_ptr error_;
};

} // namespace spmd
