#pragma once

#include <spmd/detail/launch/launcher.hpp>
#include <spmd/placement.hpp>

#include <cstddef>
#include <memory>

namespace spmd::detail {

/// Makes the launcher on oneTBB arenas. Throws: std::invalid_argument unless `threads` is from 1 to
/// most_threads.
std::unique_ptr<launcher> make_tbb_launcher(std::size_t threads, placement requested, bool pin_workers);

} // namespace spmd::detail
