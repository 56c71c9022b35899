#pragma once

#include <spmd/detail/launch/group.hpp>

#include <memory>
#include <utility>

namespace spmd::detail {

struct pool_maker;

/// Starts a submission at the end of the statement that makes it, unless it was joined before.
///
/// As the default argument of a submitting function it is a temporary of the caller's full expression. So in
/// `auto r = pool.broadcast(task);` the tasks are under way when the next statement begins, while in
/// `pool.broadcast(task).get()` the caller joins first, and may find that no other thread is worth waking.
class statement_end {
public:
    enum class then {
        start,       ///< on other threads
        await_joiner ///< some thread joins before long: others are called where that is worth while
    };
    statement_end() = default;
    explicit statement_end(then next) noexcept : next_(next) {}
    statement_end(const statement_end&) = delete;
    statement_end& operator=(const statement_end&) = delete;
    ~statement_end() {
        if (!work_) return;
        if (next_ == then::start)
            group_->pool->launch->start(*work_);
        else if (!work_->cost().is_small(work_->count()))
            group_->pool->launch->start_ahead(*work_);
    }

    void start_here(job_pointer<job> work, std::shared_ptr<const group> where) const noexcept {
        work_ = std::move(work);
        group_ = std::move(where);
    }

private:
    then next_ = then::start;
    mutable job_pointer<job> work_;
    mutable std::shared_ptr<const group> group_; // keeps the pool while the job is being started
};

} // namespace spmd::detail
