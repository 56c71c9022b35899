#define TBB_PREVIEW_TASK_ARENA_CONSTRAINTS_EXTENSION 1

#include <spmd/topology.hpp>

#include <oneapi/tbb/info.h>
#include <oneapi/tbb/task_arena.h>

namespace spmd {
namespace {

namespace tbb = oneapi::tbb;

template <class Constrain>
std::vector<machine_part> parts_of(const std::vector<int>& ids, const Constrain& constrain) {
    std::vector<machine_part> parts;
    for (const int id : ids) {
        if (id < 0) return {}; // what oneTBB gives where it cannot tell
        const int threads = tbb::info::default_concurrency(constrain(id));
        parts.push_back({id, static_cast<std::size_t>(threads)});
    }
    return parts;
}

} // namespace

machine_topology this_machine() {
    using constraints = tbb::task_arena::constraints;
    return {parts_of(tbb::info::numa_nodes(), [](int id) { return constraints{}.set_numa_id(id); }),
            parts_of(tbb::info::core_types(), [](int id) { return constraints{}.set_core_type(id); })};
}

} // namespace spmd
