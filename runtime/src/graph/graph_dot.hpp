#pragma once

#include <spmd/detail/graph/graph_node.hpp>

#include <memory>
#include <span>
#include <string>

namespace spmd::detail {

/// The stages and their edges in Graphviz's language, as task_graph::dot() says. Requires: no run.
std::string dot_of(std::span<const std::unique_ptr<graph_node>> nodes);

} // namespace spmd::detail
