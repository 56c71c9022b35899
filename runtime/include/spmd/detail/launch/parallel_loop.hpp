#pragma once

#include <spmd/detail/launch/job.hpp>
#include <spmd/detail/launch/launcher.hpp>

#include <cstddef>
#include <span>

namespace spmd::detail {

/// A loop over [0, count) whose body does not throw, as a job.
template <class Body>
class loop_job final : public job {
public:
    loop_job(std::span<const placed_range> shares, std::size_t threads, cost_estimate& cost, const Body& body)
        : job(shares, 0, threads, cost), body_(body) {}
    bool is_done(std::size_t) const noexcept override { return finished(); }

private:
    void run(index_range range) noexcept override {
        for (std::size_t i = range.first; i < range.last; ++i) body_(i);
    }
    const Body& body_;
};

/// Runs body(0) … body(count - 1) on the launcher's threads; returns when all have run.
template <class Body>
void run_loop(launcher& launch, std::size_t count, const Body& body) {
    static cost_estimate cost;
    const placed_range all{0, {0, count}};
    const job_pointer<job> work(new loop_job<Body>({&all, 1}, launch.topology().threads(), cost, body));
    launch.join(*work);
}

} // namespace spmd::detail
