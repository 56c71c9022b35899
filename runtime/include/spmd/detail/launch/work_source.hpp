#pragma once

#include <spmd/partition.hpp>

#include <cstddef>
#include <functional>

namespace spmd::detail {

/// A job's work where it is more than claims of indices: indices that wait for each other, and are claimed
/// again whenever they can continue.
class work_source {
public:
    work_source() = default;
    work_source(const work_source&) = delete;
    work_source& operator=(const work_source&) = delete;

    /// Claims the next indices, at most `most`, of any arena; empty when none can be claimed now.
    virtual index_range claim(std::size_t most) noexcept = 0;
    virtual bool is_claimable() const noexcept = 0;
    /// Runs a claimed range and accounts for what ended.
    virtual void run_claimed(index_range range) noexcept = 0;
    /// A thread's part of the job: claims and runs until there is nothing left for it, or until `is_crowded`
    /// returns true. `on_first` is called once, after the first claim, unless it is null.
    virtual void run_part(std::size_t arena, const std::function<void()>* on_first,
                          const std::function<bool()>& is_crowded) noexcept = 0;

protected:
    ~work_source() = default;
};

} // namespace spmd::detail
