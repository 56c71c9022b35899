#pragma once

#include "spmd_bench/options/names.hpp"

#include <spmd/placement.hpp>

#include <array>

namespace spmd_bench {

template <>
inline constexpr std::array names<spmd::placement>{named{"compact", spmd::placement::compact},
                                                   named{"per_numa_node", spmd::placement::per_numa_node},
                                                   named{"per_core_type", spmd::placement::per_core_type}};

} // namespace spmd_bench
