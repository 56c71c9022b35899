#pragma once

/// All of spmd: an SPMD task-graph runtime for one many-core node.

#include <spmd/async_result.hpp>
#include <spmd/awaitable.hpp>
#include <spmd/engine_pool.hpp>
#include <spmd/error.hpp>
#include <spmd/fibers.hpp>
#include <spmd/graph_run.hpp>
#include <spmd/grid.hpp>
#include <spmd/handles.hpp>
#include <spmd/index_range.hpp>
#include <spmd/machine.hpp>
#include <spmd/measured_costs.hpp>
#include <spmd/message.hpp>
#include <spmd/operations.hpp>
#include <spmd/ordered_results.hpp>
#include <spmd/partition.hpp>
#include <spmd/pending.hpp>
#include <spmd/placement.hpp>
#include <spmd/progress.hpp>
#include <spmd/rank.hpp>
#include <spmd/rank_state.hpp>
#include <spmd/ready_event.hpp>
#include <spmd/results.hpp>
#include <spmd/run_options.hpp>
#include <spmd/shared_values.hpp>
#include <spmd/stage.hpp>
#include <spmd/submission.hpp>
#include <spmd/task.hpp>
#include <spmd/task_graph.hpp>
#include <spmd/timing.hpp>
#include <spmd/trace_recorder.hpp>
#include <spmd/version.hpp>
#include <spmd/view.hpp>
#include <spmd/waits.hpp>
