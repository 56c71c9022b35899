#include <spmd/task_graph.hpp>

#include "graph/graph_dot.hpp"
#include "graph/graph_flow.hpp"

#include <stdexcept>
#include <string>
#include <utility>

namespace spmd {
namespace {

/// The source of the batches that a new node works on; null where it runs once.
detail::graph_node* stream_of(detail::graph_node& node) {
    detail::graph_node* stream = node.in_flight() > 0 ? &node : nullptr;
    for (const detail::graph_node* input : node.inputs()) {
        if (stream != nullptr && input->stream() != nullptr && input->stream() != stream)
            throw std::invalid_argument("stage \"" + node.name() + "\" depends on two streams, \"" +
                                        stream->name() + "\" and \"" + input->stream()->name() +
                                        "\", which may have different numbers of batches");
        if (input->stream() != nullptr) stream = input->stream();
    }
    return stream;
}

} // namespace

task_graph::task_graph(view ranks) : ranks_(std::move(ranks)) {}

task_graph::~task_graph() {
    if (flow_ != nullptr && flow_->running()) flow_->cancel();
}

void task_graph::run() { run_async().get(); }

graph_run task_graph::run_async() {
    if (flow_ == nullptr) flow_ = std::make_unique<detail::graph_flow>(nodes_, ranks_.threads());
    return graph_run(flow_->start());
}

std::string task_graph::dot() const { return detail::dot_of(nodes_); }

void task_graph::append(std::unique_ptr<detail::graph_node> node) {
    if (flow_ != nullptr && flow_->running())
        throw std::logic_error("the task graph is running: no stage can be added");
    node->set_stream(stream_of(*node));
    for (const detail::graph_node* input : node->inputs()) input->require_consumer(node->streams());
    flow_.reset();
    node->set_trace(ranks_.group_->pool->trace.get());
    for (detail::graph_node* input : node->inputs()) input->add_consumer(node->streams());
    nodes_.push_back(std::move(node));
}

std::size_t task_graph::require_in_flight(const std::string& stream, std::size_t in_flight) {
    if (in_flight == 0)
        throw std::invalid_argument("stream \"" + stream +
                                    "\": at least 1 batch must be in flight, not 0; collectives work with 1 "
                                    "too, since each batch has all its ranks");
    constexpr std::size_t most_in_flight = 65'536;
    if (in_flight > most_in_flight)
        throw std::invalid_argument("stream \"" + stream + "\": at most " + std::to_string(most_in_flight) +
                                    " batches can be in flight, not " + std::to_string(in_flight) +
                                    "; a few keep all threads busy, and each has memory of its own");
    return in_flight;
}

void task_graph::throw_no_value(const detail::graph_node& node) {
    if (node.stream() != nullptr)
        throw std::logic_error("stage \"" + node.name() +
                               "\" keeps no value: it works on the batches of stream \"" +
                               node.stream()->name() + "\", each of which is destroyed after its last stage");
    throw std::logic_error("stage \"" + node.name() +
                           "\" has no value: it did not run to its end, or a concat moved its parts away");
}

} // namespace spmd
