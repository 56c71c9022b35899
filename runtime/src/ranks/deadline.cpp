#include <spmd/detail/ranks/deadline.hpp>

#include <spmd/detail/ranks/rank_scheduler.hpp>
#include <spmd/detail/ranks/wait_gate.hpp>

#include <algorithm>
#include <condition_variable>
#include <set>
#include <thread>
#include <utility>
#include <vector>

namespace spmd::detail {
namespace {

using std::chrono::steady_clock;

/// Upper bound on the time after which a stop ends a wait that has a deadline.
constexpr std::chrono::milliseconds between_looks{10};

} // namespace

/// The thread, and all deadlines that have not passed.
class deadline::watch {
public:
    /// Never destroyed: its thread runs until the process ends.
    static watch& of_process() {
        static watch& only = *new watch;
        return only;
    }

    void add(deadline& each) {
        const std::lock_guard lock(mutex_);
        all_.insert(&each);
        if (!std::exchange(is_running_, true)) {
            try {
                std::thread([this] { run(); }).detach();
            } catch (...) {
                is_running_ = false;
                all_.erase(&each);
                throw;
            }
        }
        each.ranks_->count_timed_wait();
        if (*all_.begin() == &each) changed_.notify_one();
    }
    void remove(deadline& each) noexcept {
        const std::lock_guard lock(mutex_);
        if (!each.passed_) all_.erase(&each);
        if (!each.woke_) each.ranks_->withdraw_timed_wait();
    }

    std::unique_lock<std::mutex> hold() { return std::unique_lock(mutex_); }

private:
    struct earlier {
        bool operator()(const deadline* a, const deadline* b) const noexcept {
            return std::pair(a->time_, a) < std::pair(b->time_, b);
        }
    };
    struct waiter {
        rank_scheduler* ranks;
        std::size_t rank;
    };

    [[noreturn]] void run() {
        std::vector<waiter> woken;
        std::unique_lock lock(mutex_);
        steady_clock::time_point next_look{};
        for (;;) {
            if (all_.empty()) {
                changed_.wait(lock);
            } else {
                // A copy: the first deadline may be gone when the wait compares the time.
                const steady_clock::time_point next = std::min((*all_.begin())->time_, next_look);
                changed_.wait_until(lock, next);
            }
            const auto now = steady_clock::now();
            const bool looks_for_stops = now >= next_look;
            if (looks_for_stops) next_look = now + between_looks;
            for (auto next = all_.begin();
                 next != all_.end() && (looks_for_stops || (*next)->time_ <= now);) {
                deadline& each = **next;
                if (each.time_ > now && !each.ranks_->is_stopped()) {
                    ++next;
                    continue;
                }
                next = all_.erase(next);
                each.passed_ = true;
                if (!each.gate_->close()) continue;
                each.woke_ = true;
                each.ranks_->end_timed_wait();
                woken.push_back({each.ranks_, each.rank_});
            }
            // Without the lock, since the ranks may set and remove deadlines at once.
            lock.unlock();
            for (const waiter& each : woken) each.ranks->wake_by_deadline(each.rank);
            woken.clear();
            lock.lock();
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::set<deadline*, earlier> all_; // guarded by mutex_
    bool is_running_ = false;          // guarded by mutex_
};

void deadline::set(steady_clock::time_point time, wait_gate& gate, rank_scheduler& ranks, std::size_t rank) {
    time_ = time;
    gate_ = &gate;
    ranks_ = &ranks;
    rank_ = rank;
    passed_ = false;
    woke_ = false;
    watch::of_process().add(*this);
}

bool deadline::remove() noexcept {
    watch::of_process().remove(*this);
    return passed_;
}

std::unique_lock<std::mutex> deadline::hold_all() { return watch::of_process().hold(); }

} // namespace spmd::detail
