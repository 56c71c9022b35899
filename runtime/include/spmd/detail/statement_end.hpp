#pragma once

#include <spmd/detail/launcher.hpp>

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
    statement_end() = default;
    statement_end(const statement_end&) = delete;
    statement_end& operator=(const statement_end&) = delete;
    ~statement_end() {
        if (work_) launch_->start(*work_);
    }

    /// The launcher lives while the job is not started: the job's async_result, which would join before it
    /// goes, keeps the pool.
    void start_here(job_pointer<job> work, launcher& launch) const noexcept {
        work_ = std::move(work);
        launch_ = &launch;
    }

private:
    mutable job_pointer<job> work_;
    mutable launcher* launch_ = nullptr;
};

} // namespace spmd::detail
