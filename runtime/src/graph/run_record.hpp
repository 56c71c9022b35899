#pragma once

#include <condition_variable>
#include <exception>
#include <mutex>

namespace spmd::detail {

class graph_flow;

/// State of one run of a task graph, shared by the graph_run and the flow.
struct run_record {
    graph_flow* flow = nullptr; ///< lives until `ended`
    std::mutex mutex;
    std::condition_variable has_ended;
    bool ended = false;         ///< guarded by mutex
    std::exception_ptr failure; ///< written before `ended`
};

} // namespace spmd::detail
