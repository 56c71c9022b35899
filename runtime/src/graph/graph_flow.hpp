#pragma once

#include "graph/run_record.hpp"
#include "graph/stream_flow.hpp"

#include <spmd/detail/graph/graph_node.hpp>

#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/task_arena.h>

#include <atomic>
#include <cstddef>
#include <exception>
#include <memory>
#include <vector>

namespace spmd::detail {

/// Runs the stages of a task graph as a oneTBB flow graph whose messages have no content: values stay in the
/// stages. A stream is one flow node, for its source and every stage that depends on it; each of its steps is
/// a node that is called.
///
/// The flow graph has an arena of its own in which only stages run; the work they launch runs on the pool.
/// Its reserved slot is for the thread that waits for the run, which thus never waits for a slot.
class graph_flow {
public:
    using graph_nodes = std::vector<std::unique_ptr<graph_node>>;

    /// `nodes` must outlive it; `threads` bounds the threads that run stages.
    graph_flow(const graph_nodes& nodes, std::size_t threads);
    graph_flow(const graph_flow&) = delete;
    graph_flow& operator=(const graph_flow&) = delete;
    /// Blocks: until the run has ended.
    ~graph_flow();

    bool running() const;
    /// Begins a run. Throws: std::logic_error while one is in flight.
    std::shared_ptr<run_record> start();
    /// Works on what is left of the run.
    void join();
    void cancel();

private:
    using message = tbb::flow::continue_msg;
    using flow_node = tbb::flow::continue_node<message>;

    /// A source and every stage that depends on it.
    struct stream {
        std::vector<graph_node*> before;               // inputs of its stages from outside the stream
        std::vector<std::unique_ptr<flow_node>> steps; // a message runs the step
        std::unique_ptr<stream_flow> flow;
    };

    static std::size_t most_at_once(const graph_nodes& nodes);
    static bool has_flow_node(const graph_node& node);

    void add_stream(graph_node& source);
    std::unique_ptr<flow_node> make_flow_node(graph_node& node);
    void connect(std::size_t number);
    void start(const stream& source);
    void end() noexcept;

    stream& stream_of(const graph_node& node) const;
    const std::vector<graph_node*>& inputs_of(const graph_node& node) const;
    flow_node& flow_node_of(const graph_node& node);
    bool is_good(const graph_node& node) const;
    std::exception_ptr failure_of(const graph_node& node) const;
    std::exception_ptr failure() const;

    const graph_nodes& nodes_;
    tbb::task_arena arena_;
    std::unique_ptr<tbb::flow::graph> graph_;
    std::unique_ptr<flow_node> last_;
    std::vector<std::unique_ptr<stream>> streams_;
    std::vector<std::unique_ptr<flow_node>> flow_nodes_; // by stage; null for those that a stream runs
    std::atomic<bool> stop_{false};
    std::shared_ptr<run_record> run_; // the last one
};

} // namespace spmd::detail
