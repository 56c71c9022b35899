#pragma once

#include "workload.hpp"

#include <spmd/engine_pool.hpp>
#include <spmd/view.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace spmd_bench {

/// One way of running all items of a workload. Its parts are called in this order: prepare; run,
/// results and forget, once or more; settle.
class way {
public:
    /// `submissions`: the tasks that one run hands over, where that is known before; `expected`: what the serial
    /// loop gave, which stays where it is.
    way(std::string name, std::optional<std::size_t> submissions, results_view expected)
        : name_(std::move(name)), submissions_(submissions), expected_(expected) {}
    way(const way&) = delete;
    way& operator=(const way&) = delete;
    virtual ~way() = default;

    const std::string& name() const noexcept { return name_; }
    std::optional<std::size_t> submissions() const noexcept { return submissions_; }
    const results_view& expected() const noexcept { return expected_; }

    /// What is not to be measured, before.
    virtual void prepare() {}
    /// Runs all items once and collects their results: this is what is measured. Throws: what items throw.
    virtual void run() = 0;
    /// The results of the last run.
    virtual results_view results() const = 0;
    /// Frees the results: not to be measured with the next run.
    virtual void forget() {}
    /// What is not to be measured, after: no thread may spin on into the next way's run.
    virtual void settle() {}

private:
    std::string name_;
    std::optional<std::size_t> submissions_;
    results_view expected_;
};

/// A way's name, and what it does in a few words.
struct way_description {
    std::string_view name;
    std::string_view text;
};

/// All ways there are, in the order of the report; peers too that this program was built without.
std::span<const way_description> all_ways();

/// Why a way cannot run a kind of workload here, for the user to read; empty where it can.
/// Throws: std::invalid_argument for a name that no way has.
std::string why_not(std::string_view way, workload_kind kind);

/// The ways of these names, in their order, for a workload and on a pool, which both stay while the ways live; `chunk`:
/// items per task of map-chunked, or `automatic`.
/// Requires: why_not is empty for each. Throws: std::invalid_argument where it is not.
std::vector<std::unique_ptr<way>> make_ways(const workload& work, const spmd::engine_pool& pool,
                                            std::span<const std::string> names,
                                            std::optional<std::size_t> chunk = spmd::automatic);

} // namespace spmd_bench
