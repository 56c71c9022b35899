#pragma once

#include "spmd_bench/options/names.hpp"
#include "spmd_bench/options/workload_options.hpp"

#include <array>
#include <string>
#include <string_view>

namespace spmd_bench {

/// The ways in which this program can run all items of a workload; those that it was built without, too.
enum class way_kind {
    serial,
    map,
    map_chunked,
    spmd,
    spmd_graph,
    spmd_relist,
    openmp,
    openmp_dynamic,
    std_async,
    std_par,
    tbb,
    tbb_task_group,
    read,
};

template <>
inline constexpr std::array names<way_kind>{named{"serial", way_kind::serial},
                                            named{"map", way_kind::map},
                                            named{"map-chunked", way_kind::map_chunked},
                                            named{"spmd", way_kind::spmd},
                                            named{"spmd-graph", way_kind::spmd_graph},
                                            named{"spmd-relist", way_kind::spmd_relist},
                                            named{"openmp", way_kind::openmp},
                                            named{"openmp-dynamic", way_kind::openmp_dynamic},
                                            named{"std-async", way_kind::std_async},
                                            named{"std-par", way_kind::std_par},
                                            named{"tbb", way_kind::tbb},
                                            named{"tbb-task-group", way_kind::tbb_task_group},
                                            named{"read", way_kind::read}};

/// The ways of a sweep unless others are chosen: those that its answer is about.
inline constexpr std::array sweep_ways{way_kind::serial, way_kind::map, way_kind::map_chunked,
                                       way_kind::spmd};

/// The way in a few words, for --help.
std::string_view description_of(way_kind way) noexcept;

/// A parallel loop of another library, against which map and SPMD are measured. All other ways run on an
/// engine pool, or serially.
bool is_peer(way_kind way) noexcept;

/// The reason why a way cannot run a kind of workload in this build, for the user; empty where it can.
std::string why_not(way_kind way, workload_kind kind);

} // namespace spmd_bench
