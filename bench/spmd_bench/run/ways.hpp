#pragma once

#include "spmd_bench/options/way_kind.hpp"
#include "spmd_bench/run/workload.hpp"

#include <spmd/engine_pool.hpp>
#include <spmd/view.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace spmd_bench {

/// One way of running all items of a workload. The calls come in this order: prepare; run, results and
/// forget, once or more; settle.
class way {
public:
    /// `submissions`: the tasks of one run, where that is known before; `expected`: the results of the serial
    /// loop, which must outlive the way.
    way(way_kind kind, std::optional<std::size_t> submissions, results_view expected)
        : kind_(kind), submissions_(submissions), expected_(expected) {}
    way(const way&) = delete;
    way& operator=(const way&) = delete;
    virtual ~way() = default;

    way_kind kind() const noexcept { return kind_; }
    std::optional<std::size_t> submissions() const noexcept { return submissions_; }
    const results_view& expected() const noexcept { return expected_; }

    /// Unmeasured preparation.
    virtual void prepare() {}
    /// Runs all items once and collects their results: the measured part. Throws: exceptions of the items.
    virtual void run() = 0;
    /// The results of the last run.
    virtual results_view results() const = 0;
    /// Frees the results, so that the next run is not measured with that.
    virtual void forget() {}
    /// Unmeasured clean-up: no thread may spin on into the next way's run.
    virtual void settle() {}

private:
    way_kind kind_;
    std::optional<std::size_t> submissions_;
    results_view expected_;
};

/// The ways of these kinds, in their order. The workload and the pool must outlive them. `chunk`: items per
/// task of map_chunked, or `automatic`.
/// Requires: why_not() is empty for each. Throws: std::invalid_argument where it is not.
std::vector<std::unique_ptr<way>> make_ways(const workload& work, const spmd::engine_pool& pool,
                                            std::span<const way_kind> kinds,
                                            std::optional<std::size_t> chunk = spmd::automatic);

} // namespace spmd_bench
