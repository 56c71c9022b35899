#pragma once

#include <spmd/results.hpp>

namespace spmd {

class task_graph;

namespace detail {
template <class T>
class value_node;
template <class T>
class ranks_node;
template <class Part>
class concat_node;
} // namespace detail

/// A stage of a task graph, the input of later ones: yields a T once per run, or in a stream once per batch.
template <class T>
class stage {
public:
    using value_type = T;

private:
    friend class task_graph;
    template <class>
    friend class rank_stage;
    template <class>
    friend class concat_stage;
    stage(const task_graph* graph, detail::value_node<T>* node) noexcept : graph_(graph), node_(node) {}

    const task_graph* graph_;
    detail::value_node<T>* node_;
};

/// A broadcast stage: yields a T per rank; to a stage that uses it as a whole, results<T>.
template <class T>
class rank_stage : public stage<results<T>> {
    friend class task_graph;
    rank_stage(const task_graph* graph, detail::ranks_node<T>* node) noexcept
        : rank_stage::stage(graph, node), ranks_(node) {}

    detail::ranks_node<T>* ranks_;
};

/// A concat stage: yields the flat sequence; to `each`, the ranks' parts in rank order.
template <class Part>
class concat_stage : public stage<flat<Part>> {
    friend class task_graph;
    concat_stage(const task_graph* graph, detail::concat_node<Part>* node) noexcept
        : concat_stage::stage(graph, node), concat_(node) {}

    detail::concat_node<Part>* concat_;
};

} // namespace spmd
