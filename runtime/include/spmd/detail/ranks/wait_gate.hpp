#pragma once

#include <atomic>
#include <cstddef>

namespace spmd::detail {

/// Decides what wakes a rank that waits for several operations, or for a deadline too: it is woken once. The
/// rank holds the gate until it is about to be suspended.
class wait_gate {
public:
    /// `needed`: number of operations that have to complete.
    explicit wait_gate(std::size_t needed) noexcept : left_(held + static_cast<std::ptrdiff_t>(needed)) {}

    /// Counts a completed operation; returns true if the caller has to wake the rank.
    bool count() noexcept { return left().fetch_sub(1, std::memory_order_acq_rel) == 1; }
    /// Ends the wait early; returns true if the caller has to wake the rank.
    bool close() noexcept {
        const std::ptrdiff_t before = left().exchange(-held, std::memory_order_acq_rel);
        return before > 0 && before < held / 2;
    }
    /// Lets go of the gate; returns false if the wait is over, and nobody will wake the rank.
    bool release() noexcept { return left().fetch_sub(held, std::memory_order_acq_rel) > held; }

private:
    static constexpr std::ptrdiff_t held = std::ptrdiff_t{1} << 40;
    std::atomic_ref<std::ptrdiff_t> left() noexcept { return std::atomic_ref(left_); }

    // Operations to complete. Plus `held` before the rank is suspended; below 1 when the wait is over.
    std::ptrdiff_t left_;
};

} // namespace spmd::detail
