#pragma once

#include <spmd/detail/base/clock.hpp>

#include <atomic>
#include <thread>

namespace spmd::detail {

/// A mutex of one byte, for sections of some nanoseconds that are hardly ever contended.
class spin_lock {
public:
    void lock() noexcept {
        for (int tries = 1; taken_.test_and_set(std::memory_order_acquire); ++tries) {
            if (tries % tries_per_yield == 0)
                std::this_thread::yield();
            else
                relax();
        }
    }
    void unlock() noexcept { taken_.clear(std::memory_order_release); }

private:
    static constexpr int tries_per_yield = 16;
    std::atomic_flag taken_;
};

} // namespace spmd::detail
