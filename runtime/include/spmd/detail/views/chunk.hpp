#pragma once

#include <spmd/run_options.hpp>

#include <cstddef>

namespace spmd::detail {

/// A job's chunk for "a fraction of the remaining indices".
inline constexpr std::size_t any_chunk = 0;

/// The chunk of a map's job. Throws: std::invalid_argument for 0 items.
std::size_t chunk_of(const run_options& options);

} // namespace spmd::detail
