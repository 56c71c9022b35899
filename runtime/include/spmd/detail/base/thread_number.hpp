#pragma once

#include <spmd/detail/base/reads_thread_local.hpp>

#include <atomic>
#include <cstddef>

namespace spmd::detail {

/// Unique number of the calling thread: 0, 1, … in the order of their first calls.
SPMD_READS_THREAD_LOCAL inline std::size_t thread_number() noexcept {
    static std::atomic<std::size_t> next{0};
    static thread_local const std::size_t number = next.fetch_add(1, std::memory_order_relaxed);
    return number;
}

} // namespace spmd::detail
