#include "spmd_bench/options/way_kind.hpp"

#include "spmd_bench/options/available_peers.hpp"

namespace spmd_bench {

std::string_view description_of(way_kind way) noexcept {
    switch (way) {
        case way_kind::serial: return "a plain loop";
        case way_kind::map: return "one task per item";
        case way_kind::map_chunked: return "a map whose chunks the pool chooses";
        case way_kind::spmd: return "one task per rank, each runs its part; concat";
        case way_kind::spmd_graph: return "the same as stages of a task graph";
        case way_kind::spmd_relist: return "spmd whose ranks each list the directory (files)";
        case way_kind::openmp: return "omp parallel for schedule(static), its threads awake";
        case way_kind::openmp_dynamic: return "the same with schedule(dynamic)";
        case way_kind::std_async: return "one std::async per thread, each runs its part";
        case way_kind::std_par: return "std::for_each(std::execution::par)";
        case way_kind::tbb: return "a bare tbb::parallel_for";
        case way_kind::tbb_task_group: return "one task per item in a tbb::task_group";
        case way_kind::read: break;
    }
    return "spmd that reads and does not hash: the floor (files)";
}

bool is_peer(way_kind way) noexcept {
    switch (way) {
        case way_kind::openmp:
        case way_kind::openmp_dynamic:
        case way_kind::std_async:
        case way_kind::std_par:
        case way_kind::tbb:
        case way_kind::tbb_task_group: return true;
        case way_kind::serial:
        case way_kind::map:
        case way_kind::map_chunked:
        case way_kind::spmd:
        case way_kind::spmd_graph:
        case way_kind::spmd_relist:
        case way_kind::read: break;
    }
    return false;
}

std::string why_not(way_kind way, workload_kind kind) {
    if ((way == way_kind::spmd_relist || way == way_kind::read) && kind != workload_kind::files)
        return "it needs the workload 'files'";
    if ((way == way_kind::openmp || way == way_kind::openmp_dynamic) && !has_openmp)
        return "this spmd_bench was built by a compiler without OpenMP";
    if (way == way_kind::std_par && !has_parallel_algorithms)
        return "this spmd_bench was built with a library without parallel algorithms";
    return {};
}

} // namespace spmd_bench
