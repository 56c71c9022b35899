#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace spmd::detail {

/// Estimated cost of one index of a kind of job: a decaying maximum of what was measured. It decides only
/// whether the caller wakes other threads at once or first sees whether there is work worth sharing.
class cost_estimate {
public:
    /// True if `count` indices are known to cost less than waking a thread does.
    bool is_small(std::size_t count) const noexcept;
    /// Number of indices that are known to take so long that claiming them costs little; 1 if nothing is
    /// known.
    std::size_t worth_claiming() const noexcept;
    void observe(std::chrono::nanoseconds elapsed, std::size_t count) noexcept;

private:
    static constexpr std::uint64_t unknown = ~std::uint64_t{0};
    std::atomic<std::uint64_t> picoseconds_{unknown};
};

} // namespace spmd::detail
