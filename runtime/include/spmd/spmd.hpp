#pragma once

/// All of spmd: an in-process SPMD runtime for one many-core node.

#include <spmd/async_result.hpp>
#include <spmd/concat.hpp>
#include <spmd/engine_pool.hpp>
#include <spmd/error.hpp>
#include <spmd/into_result.hpp>
#include <spmd/machine.hpp>
#include <spmd/measured_costs.hpp>
#include <spmd/member.hpp>
#include <spmd/message.hpp>
#include <spmd/partition.hpp>
#include <spmd/pending.hpp>
#include <spmd/placement.hpp>
#include <spmd/rank.hpp>
#include <spmd/rank_state.hpp>
#include <spmd/shared_values.hpp>
#include <spmd/state_verbs.hpp>
#include <spmd/task.hpp>
#include <spmd/task_graph.hpp>
#include <spmd/timing.hpp>
#include <spmd/trace_recorder.hpp>
#include <spmd/view.hpp>
