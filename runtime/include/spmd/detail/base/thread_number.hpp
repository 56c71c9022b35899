#pragma once

#include <atomic>
#include <cstddef>

namespace spmd::detail {

/// A number of its own for each thread that ever asked for it, from 0.
inline std::size_t thread_number() noexcept {
    static std::atomic<std::size_t> next{0};
    static thread_local const std::size_t number = next.fetch_add(1, std::memory_order_relaxed);
    return number;
}

} // namespace spmd::detail
