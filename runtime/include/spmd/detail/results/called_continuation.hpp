#pragma once

#include <spmd/detail/launch/completion.hpp>
#include <spmd/detail/launch/job.hpp>

#include <memory>
#include <utility>

namespace spmd::detail {

/// Calls a function, and destroys itself.
template <class F>
class called_continuation final : public continuation {
public:
    explicit called_continuation(F f) : f_(std::move(f)) {}
    void resume_waiter() noexcept override {
        const std::unique_ptr<called_continuation> owned(this);
        f_();
    }

private:
    F f_;
};

/// Calls f() when the job is finished, or now if it is.
template <class F>
void call_when_finished(job& awaited, F f) {
    auto next = std::make_unique<called_continuation<F>>(std::move(f));
    if (!awaited.continue_with(*next)) return next.release()->resume_waiter();
    [[maybe_unused]] const auto* const in_list = next.release();
}

} // namespace spmd::detail
