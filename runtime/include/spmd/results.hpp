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

/// The results of many tasks, in order: a vector; for bool a deque, in which each result is an object of its
/// own and not a bit; for void nothing.
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

/// What parts become when they are concatenated: strings a string, other ranges the `results` of their items.
template <class Part>
using flat = typename detail::flat_of<Part>::type;

/// A result that can be concatenated: a sized range, such as a vector.
template <class Part>
concept concatenable = std::ranges::input_range<Part> && std::ranges::sized_range<Part> &&
                       std::movable<std::ranges::range_value_t<Part>>;

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
