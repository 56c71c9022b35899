#include <spmd/detail/launch/completion.hpp>

#include <array>
#include <condition_variable>
#include <mutex>
#include <new>

namespace spmd::detail {
namespace {

/// Mutex and condition variable shared by the waiters of many jobs: few jobs are waited for at the same time.
struct waiting_place {
    std::mutex mutex;
    std::condition_variable wake;
};

waiting_place& place_of(const completion* awaited) noexcept {
    static std::array<waiting_place, 61> places;
    return places[reinterpret_cast<std::uintptr_t>(awaited) / 64 % places.size()];
}

/// Several continuations of one job: fibers that wait for it.
class pair_of_continuations final : public continuation {
public:
    continuation* first = nullptr;
    continuation* second = nullptr;

    void set(continuation* a, continuation* b) noexcept {
        first = a;
        second = b;
    }
    void resume_waiter() noexcept override {
        continuation* const both[]{first, second};
        delete this;
        for (continuation* const each : both) each->resume_waiter();
    }
};

void resume_all_but(const continuation& excluded, continuation& some) noexcept {
    if (&some == &excluded) return;
    auto* const pair = dynamic_cast<pair_of_continuations*>(&some);
    if (pair == nullptr) return some.resume_waiter();
    continuation* const both[]{pair->first, pair->second};
    delete pair;
    for (continuation* const each : both) resume_all_but(excluded, *each);
}

} // namespace

void completion::end(std::size_t indices) noexcept {
    const bool is_last = unfinished_.fetch_sub(indices) == indices;
    wake_waiters();
    // Either this thread sees the continuation, or continue_with() sees is_finished(): each stores before it
    // loads.
    if (is_last && next_.load() != nullptr) [[unlikely]]
        if (continuation* const next = next_.exchange(nullptr)) next->resume_waiter();
}

bool completion::continue_with(continuation& next) noexcept {
    pair_of_continuations* pair = nullptr;
    continuation* before = next_.load();
    for (bool stored = false; !stored;) {
        if (before != nullptr && pair == nullptr) {
            pair = new (std::nothrow) pair_of_continuations;
            if (pair == nullptr) {
                wait([&] { return is_finished(); });
                return false;
            }
        }
        if (before != nullptr) pair->set(before, &next);
        stored = next_.compare_exchange_weak(before, before == nullptr ? &next : pair);
        if (stored && before == nullptr) delete pair;
    }
    if (!is_finished()) return true;
    continuation* const taken = next_.exchange(nullptr);
    if (taken == nullptr) return true;
    resume_all_but(next, *taken);
    return false;
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
