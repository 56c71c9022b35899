#pragma once

#include <spmd/detail/launch/group.hpp>
#include <spmd/machine.hpp>
#include <spmd/placement.hpp>
#include <spmd/trace_recorder.hpp>
#include <spmd/view.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace spmd {
namespace detail {
struct pool_maker;
} // namespace detail

/// Options for constructing an engine_pool.
struct engine_pool_options {
    /// Number of virtual ranks; they may be far more than threads.
    std::size_t ranks = available_threads();
    /// Number of threads that run them, including the waiting caller; may be more than the cores.
    std::size_t threads = available_threads();
    /// The arenas that the ranks are dealt to; engine_pool::topology() reports the outcome.
    spmd::placement placement = spmd::placement::compact;
    /// Pins each oneTBB worker of the pool to one CPU until it works for a pool that does not pin; the
    /// calling thread is not pinned.
    bool pin_workers = false;
    /// Records the pool's work; without a recorder, the environment variable SPMD_TRACE decides.
    std::optional<trace_recorder> trace = std::nullopt;
    /// The pool's name in traces and in a debugger; may be empty.
    std::string name = {};
};

/// R virtual ranks, placed on oneTBB arenas in contiguous blocks in proportion to the arenas' threads; fixed
/// for its life. As a `view` of all its ranks, it has the member functions of view. Constructing one starts
/// no thread; oneTBB starts its threads for the first work that is worth sharing.
///
///     spmd::engine_pool pool{{.ranks = 100}};
///     std::vector<md5> digests = pool.broadcast([&](spmd::rank me) {
///         std::vector<md5> mine;
///         for (const auto& path : me.part(files)) mine.push_back(md5_of(path));
///         return mine;
///     }).concat();
///
/// Results may outlive their pool; a view keeps the pool's threads alive.
class engine_pool : public view {
public:
    /// Throws: std::invalid_argument for 0 ranks, 0 threads or more than most_threads (4,096).
    explicit engine_pool(const engine_pool_options& options = {});
    engine_pool(engine_pool&&) noexcept = default;
    engine_pool& operator=(engine_pool&&) noexcept = default;
    engine_pool(const engine_pool&) = delete;
    engine_pool& operator=(const engine_pool&) = delete;
    ~engine_pool() = default;

    /// All ranks, with the default options.
    const view& all() const noexcept { return *this; }
    /// The arenas, their threads and ranks; and why they differ from those requested, if they do.
    const pool_topology& topology() const noexcept { return group_->pool->topology; }

private:
    friend struct detail::pool_maker;
    engine_pool(std::size_t ranks, std::unique_ptr<detail::launcher> launch,
                const std::optional<trace_recorder>& trace, std::string name = {});
};

namespace detail {

/// Constructs pools on a launcher other than oneTBB's, for tests.
struct pool_maker {
    static engine_pool make(std::size_t ranks, std::unique_ptr<launcher> launch,
                            const std::optional<trace_recorder>& trace = std::nullopt,
                            std::string name = {}) {
        return {ranks, std::move(launch), trace, std::move(name)};
    }
};

} // namespace detail
} // namespace spmd
