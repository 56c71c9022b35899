#include <spmd/detail/launch/job.hpp>

#include <spmd/detail/launch/task_stack.hpp>

#include <exception>

namespace spmd::detail {
namespace {

std::size_t total_size(std::span<const placed_range> shares) noexcept {
    std::size_t size = 0;
    for (const placed_range& each : shares) size += each.indices.size();
    return size;
}

thread_local std::size_t nesting =
    0; // number of jobs whose indices this thread is running, one inside the other

/// Reports to the estimate what one thread's part of a job cost.
class part_cost {
public:
    explicit part_cost(cost_estimate& estimate) noexcept
        : estimate_(&estimate), begin_(std::chrono::steady_clock::now()) {}
    part_cost(const part_cost&) = delete;
    part_cost& operator=(const part_cost&) = delete;
    ~part_cost() {
        if (done_ > 0) estimate_->observe(std::chrono::steady_clock::now() - begin_, done_);
    }
    void add(std::size_t indices) noexcept { done_ += indices; }

private:
    std::size_t done_ = 0;
    cost_estimate* estimate_;
    std::chrono::steady_clock::time_point begin_;
};

/// Scope in which a thread works on a job and is on no fiber, though it may have begun on one: oneTBB's waits
/// run tasks wherever they are.
class off_fiber {
public:
    off_fiber() noexcept {
        if (outer_ != nullptr) task_stack::set_here(nullptr);
    }
    off_fiber(const off_fiber&) = delete;
    off_fiber& operator=(const off_fiber&) = delete;
    ~off_fiber() {
        if (outer_ != nullptr) task_stack::set_here(outer_);
    }

private:
    task_stack* outer_ = task_stack::here();
};

} // namespace

job::job(std::span<const placed_range> shares, std::size_t chunk, std::size_t threads, cost_estimate& cost)
    : cost_(&cost), threads_(threads), completion_(total_size(shares)),
      claims_(shares, chunk, threads, cost.worth_claiming()) {}

bool job::inside() noexcept { return nesting > 0; }
job::task_mark::task_mark() noexcept { ++nesting; }
job::task_mark::~task_mark() { --nesting; }

void job::run(index_range) noexcept { std::terminate(); }

void job::run_claimed(index_range range) noexcept {
    if (has_source()) return source_->run_claimed(range);
    {
        const task_mark running;
        run(range);
    }
    end_indices(range.size());
}

void job::run_part(std::size_t arena, const std::function<void()>* on_first,
                   const std::function<bool()>& is_crowded) noexcept {
    if (has_source()) return source_->run_part(arena, on_first, is_crowded);
    part_cost measured(*cost_);
    std::size_t cursor = 0;
    for (;;) {
        const index_range range = claims_.claim_in(arena, cursor);
        if (range.empty()) return;
        if (on_first != nullptr) (*std::exchange(on_first, nullptr))();
        run_claimed(range);
        measured.add(range.size());
        if (is_crowded()) return;
    }
}

void job::take_part() noexcept {
    const off_fiber shielded;
    taking_part_.fetch_add(1, std::memory_order_relaxed);
    run_part(any_arena, nullptr, [] { return false; });
    taking_part_.fetch_sub(1, std::memory_order_relaxed);
}

void job::help(std::size_t arena, const std::function<void()>& on_first) noexcept {
    // A thread that makes something claimable recruits nobody while enough threads take part. So a leaving
    // thread looks once more: each side counts before it looks, hence one of the two sees the other.
    const off_fiber shielded;
    const std::function<void()>* first = &on_first;
    do {
        bool has_left = false;
        if (taking_part_.fetch_add(1) < threads_)
            run_part(arena, std::exchange(first, nullptr), [&] { return has_left = leave_if_crowded(); });
        if (has_left) return;
    } while (taking_part_.fetch_sub(1) <= threads_ && is_claimable());
}

bool job::leave_if_crowded() noexcept {
    std::size_t now = taking_part_.load();
    while (now > threads_)
        if (taking_part_.compare_exchange_weak(now, now - 1)) return true;
    return false;
}

void job::release() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

} // namespace spmd::detail
