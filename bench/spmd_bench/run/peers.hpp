#pragma once

#include "spmd_bench/options/way_kind.hpp"
#include "spmd_bench/run/ways.hpp"
#include "spmd_bench/run/workload.hpp"

#include <cstddef>
#include <memory>

namespace spmd_bench {

/// A peer on this many threads. The workload must outlive it.
/// Requires: is_peer(kind), and why_not() is empty. Throws: std::invalid_argument where not.
std::unique_ptr<way> make_peer(way_kind kind, const workload& work, std::size_t threads);

} // namespace spmd_bench
