#include <spmd/engine_pool.hpp>

#include "launch/tbb_launcher.hpp"
#include "trace/environment_trace.hpp"

#include <stdexcept>
#include <string>
#include <utility>

namespace spmd {
namespace {

std::shared_ptr<const detail::group> make_pool(std::size_t ranks, std::unique_ptr<detail::launcher> launch,
                                               const std::optional<trace_recorder>& trace, std::string name) {
    if (ranks == 0) throw std::invalid_argument("an engine pool has at least one rank, not 0");
    auto pool = std::make_shared<detail::pool_state>();
    pool->topology = launch->topology();
    pool->threads = pool->topology.threads();
    pool->launch = std::move(launch);
    pool->trace = trace ? detail::log_of(*trace) : detail::environment_trace();
    pool->name = std::move(name);
    pool->everyone.size = ranks;
    pool->everyone.shares = detail::deal(ranks, pool->topology);
    pool->everyone.pool = pool.get();
    for (const detail::placed_range& share : pool->everyone.shares)
        pool->topology.arenas[share.arena].ranks = share.indices;
    return {pool, &pool->everyone};
}

} // namespace

engine_pool::engine_pool(const engine_pool_options& options)
    : engine_pool(options.ranks,
                  detail::make_tbb_launcher(options.threads, options.placement, options.pin_workers),
                  options.trace, options.name) {}

engine_pool::engine_pool(std::size_t ranks, std::unique_ptr<detail::launcher> launch,
                         const std::optional<trace_recorder>& trace, std::string name)
    : view(make_pool(ranks, std::move(launch), trace, std::move(name))) {}

} // namespace spmd
