#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>
#include <type_traits>
#include <utility>

namespace spmd::detail {

/// A zero-initialised array. The pages of a large one are first touched by the threads that use them.
template <class T>
class zeroed_array {
    static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

public:
    explicit zeroed_array(std::size_t count)
        // NOLINTNEXTLINE(cppcoreguidelines-no-malloc): unlike new, calloc does not touch the pages
        : values_(static_cast<T*>(std::calloc(count == 0 ? 1 : count, sizeof(T)))) {
        if (values_ == nullptr) throw std::bad_alloc();
    }
    zeroed_array(const zeroed_array&) = delete;
    zeroed_array& operator=(const zeroed_array&) = delete;
    ~zeroed_array() { std::free(values_); } // NOLINT(cppcoreguidelines-no-malloc): as above

    T& operator[](std::size_t i) noexcept { return values_[i]; }
    const T& operator[](std::size_t i) const noexcept { return values_[i]; }

private:
    T* values_;
};

} // namespace spmd::detail
