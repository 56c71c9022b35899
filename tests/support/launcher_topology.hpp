#pragma once

#include <spmd/machine.hpp>
#include <spmd/placement.hpp>

#include <cstddef>
#include <span>

namespace test_support {

/// A topology with one arena per entry, of that many threads; the pool deals its ranks to them.
inline spmd::pool_topology arenas_with(std::span<const std::size_t> threads) {
    spmd::pool_topology topology;
    for (const std::size_t here : threads) topology.arenas.push_back({.threads = here, .ranks = {}});
    return topology;
}

} // namespace test_support
