#pragma once

#include "ways.hpp"
#include "workload.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace spmd_bench {

/// The ways in which others run a loop in parallel: what map and SPMD are to be held against. All ways are peers, or run
/// on an engine pool.
std::span<const way_description> all_peers();

/// Why this program was built without a peer, for the user to read; empty where it was not.
std::string absence_of_peer(std::string_view name);

/// A peer on so many threads. The workload stays while it lives.
/// Requires: it is a peer, and not absent. Throws: std::invalid_argument where it is not.
std::unique_ptr<way> make_peer(std::string_view name, const workload& work, std::size_t threads);

} // namespace spmd_bench
