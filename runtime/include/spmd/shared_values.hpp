#pragma once

#include <spmd/detail/results/slots.hpp>

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace spmd {

/// Values shared by the ranks of a group, without a copy for each: the result of all_gather. A random access
/// range that is cheap to copy; the values live as long as one of its copies.
///
///     for (double each : co_await me.all_gather(mine)) sum += each;
template <class T>
class shared_values {
public:
    using value_type = T;

    explicit shared_values(std::shared_ptr<const results<T>> values) noexcept : values_(std::move(values)) {}

    std::size_t size() const noexcept { return values_->size(); }
    bool empty() const noexcept { return values_->empty(); }
    const T& operator[](std::size_t i) const noexcept { return (*values_)[i]; }
    auto begin() const noexcept { return values_->begin(); }
    auto end() const noexcept { return values_->end(); }
    /// A copy of the values.
    std::vector<T> to_vector() const { return std::vector<T>(begin(), end()); }

private:
    std::shared_ptr<const results<T>> values_;
};

} // namespace spmd
