#include <spmd/detail/launch/completion.hpp>

#include <array>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace spmd::detail {
namespace {

/// Mutex and condition variable shared by the waiters of many jobs: few jobs are waited for at the same time.
struct waiting_place {
    std::mutex mutex;
    std::condition_variable wake;
};

waiting_place& place_of(const completion* awaited) {
    // Never destroyed: a detached thread may end a job while the process ends.
    // (rank_scheduler::wake_by_deadline)
    static auto& places = *new std::array<waiting_place, 61>;
    return places[reinterpret_cast<std::uintptr_t>(awaited) / 64 % places.size()];
}

} // namespace

void completion::end(std::size_t indices) noexcept {
    const bool is_last = unfinished_.fetch_sub(indices) == indices;
    wake_waiters();
    // Either this thread sees a continuation, or its continue_with() sees is_finished(): each stores before
    // it loads.
    if (!is_last || continuations_.load() == nullptr) [[likely]]
        return;
    for (continuation* next = continuations_.exchange(nullptr); next != nullptr;)
        std::exchange(next, next->after_)->resume_waiter();
}

bool completion::continue_with(continuation& next) noexcept {
    continuation* first = continuations_.load();
    do next.after_ = first;
    while (!continuations_.compare_exchange_weak(first, &next));
    if (!is_finished()) return true;
    // Whoever takes the list runs what is in it, and only that.
    bool is_taken = true;
    for (continuation* each = continuations_.exchange(nullptr); each != nullptr;) {
        continuation* const now = std::exchange(each, each->after_);
        if (now == &next)
            is_taken = false;
        else
            now->resume_waiter();
    }
    return is_taken;
}

bool completion::sleep_until(std::chrono::steady_clock::time_point deadline, bool (*holds)(const void*),
                             const void* predicate, std::atomic<std::uint32_t>& counter) {
    waiting_place& place = place_of(this);
    counter.fetch_add(1);
    std::unique_lock lock(place.mutex);
    const bool value = place.wake.wait_until(lock, deadline, [&] {
        // No wake is missed: this is either after a worker's fetch_sub, and then sees that worker's results,
        // or before it, and then the worker sees the counter.
        unfinished_.fetch_add(0);
        return holds(predicate);
    });
    lock.unlock();
    counter.fetch_sub(1);
    return value;
}

void completion::wake() const noexcept {
    waiting_place& place = place_of(this);
    {
        const std::lock_guard lock(place.mutex);
    } // a waiter is now either before its evaluation or asleep
    place.wake.notify_all();
}

} // namespace spmd::detail
