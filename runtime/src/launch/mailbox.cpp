#include "launch/mailbox.hpp"

#include <spmd/detail/base/clock.hpp>
#include <spmd/detail/launch/costs.hpp>

#include <chrono>
#include <thread>

namespace spmd::detail {
namespace {

constexpr int looks_per_yield = 16;

} // namespace

bool mailbox::offer(job& work) noexcept {
    if (content_.load(std::memory_order_relaxed) != waiting()) return false;
    work.reference();
    job* expected = waiting();
    if (content_.compare_exchange_strong(expected, &work, std::memory_order_acq_rel)) return true;
    work.release();
    return false;
}

bool mailbox::open() noexcept {
    job* expected = nullptr;
    return content_.compare_exchange_strong(expected, waiting(), std::memory_order_relaxed);
}

job_pointer<job> mailbox::wait(const std::atomic<bool>& closed,
                               const std::atomic<std::size_t>& called) noexcept {
    const auto deadline = std::chrono::steady_clock::now() + costs::linger;
    for (int look = 1; content_.load(std::memory_order_acquire) == waiting(); ++look) {
        if (look % looks_per_yield != 0) {
            relax();
            continue;
        }
        if (closed.load(std::memory_order_relaxed) || called.load(std::memory_order_relaxed) > 0 ||
            std::chrono::steady_clock::now() > deadline)
            break;
        std::this_thread::yield();
    }
    job* const content = content_.exchange(nullptr, std::memory_order_acq_rel);
    return job_pointer<job>(content == waiting() ? nullptr : content);
}

} // namespace spmd::detail
