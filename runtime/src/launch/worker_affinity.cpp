#include "launch/worker_affinity.hpp"

#include <spmd/machine.hpp>

#include <sched.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace spmd::detail {
namespace {

constexpr int nowhere = -1;

thread_local std::vector<int> all_cpus; // of the thread; empty while it is not pinned
thread_local int pinned_to = nowhere;

void allow(const std::vector<int>& cpus) {
    const auto count = static_cast<std::size_t>(cpus.back()) + 1;
    const std::size_t size = CPU_ALLOC_SIZE(count);
    const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> mask(CPU_ALLOC(count),
                                                                [](cpu_set_t* set) { CPU_FREE(set); });
    if (mask == nullptr) return;
    CPU_ZERO_S(size, mask.get());
    for (const int cpu : cpus) CPU_SET_S(static_cast<std::size_t>(cpu), size, mask.get());
    sched_setaffinity(0, size, mask.get());
}

} // namespace

void worker_affinity::pin(int avoided) {
    static std::atomic<std::size_t> workers{0};
    static thread_local const std::size_t number = workers.fetch_add(1, std::memory_order_relaxed);
    if (all_cpus.empty()) all_cpus = allowed_cpus();
    std::vector<int> cpus = all_cpus;
    if (cpus.size() > 1) std::erase(cpus, avoided);
    const int chosen = cpus[number % cpus.size()];
    if (std::exchange(pinned_to, chosen) != chosen) allow({chosen});
}

void worker_affinity::unpin() {
    if (pinned_to == nowhere) return;
    allow(std::exchange(all_cpus, {}));
    pinned_to = nowhere;
}

} // namespace spmd::detail
