#include "graph/graph_flow.hpp"

#include "launch/on_thread.hpp"

#include <spmd/detail/launch/job.hpp>
#include <spmd/error.hpp>

#include <algorithm>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace spmd::detail {

graph_flow::graph_flow(const graph_nodes& nodes, std::size_t threads)
    : nodes_(nodes), arena_(static_cast<int>(std::min(threads, most_at_once(nodes))) + 1, 1) {
    arena_.execute([&] { graph_ = std::make_unique<tbb::flow::graph>(); });
    for (const auto& node : nodes_)
        if (node->in_flight() > 0) add_stream(*node);
    // A stream reports its end by a message, any other stage by an edge.
    last_ = std::make_unique<flow_node>(*graph_, static_cast<int>(streams_.size()),
                                        [this](const message&) { end(); });
    for (const auto& node : nodes_) flow_nodes_.push_back(make_flow_node(*node));
    for (std::size_t i = 0; i < nodes_.size(); ++i) connect(i);
}

graph_flow::~graph_flow() { join(); }

bool graph_flow::running() const {
    if (run_ == nullptr) return false;
    const std::lock_guard lock(run_->mutex);
    return !run_->ended;
}

std::shared_ptr<run_record> graph_flow::start() {
    if (running()) throw std::logic_error("the task graph is running");
    join(); // its nodes may still be returning
    for (const auto& node : nodes_) {
        node->reset();
        node->begin_tally();
    }
    for (const auto& each : streams_) each->flow->reset();
    stop_.store(false);
    run_ = std::make_shared<run_record>();
    run_->flow = this;
    const std::shared_ptr<run_record> started = run_;
    on_thread([&] {
        arena_.execute([&] {
            if (nodes_.empty()) end();
            for (std::size_t i = 0; i < nodes_.size(); ++i)
                if (has_flow_node(*nodes_[i]) && inputs_of(*nodes_[i]).empty())
                    flow_nodes_[i]->try_put(message());
        });
    });
    return started;
}

void graph_flow::join() {
    on_thread([&] { graph_->wait_for_all(); });
}

void graph_flow::cancel() {
    stop_.store(true);
    for (const auto& node : nodes_)
        if (node->stream() == nullptr) node->cancel();
    for (const auto& each : streams_) each->flow->cancel();
}

/// Estimates how many stages can run at the same time, at least 1. More threads in their arena would look for
/// work there while the ranks need them.
std::size_t graph_flow::most_at_once(const graph_nodes& nodes) {
    std::size_t most = 1;
    for (const auto& node : nodes) {
        if (node->stream() == nullptr)
            ++most;
        else if (node->in_flight() > 0 || !node->is_ordered())
            most += node->stream()->in_flight(); // one per batch, unless its path branches
    }
    return most;
}

/// False for a stage that runs as a part of its stream.
bool graph_flow::has_flow_node(const graph_node& node) {
    return node.stream() == nullptr || node.stream() == &node;
}

void graph_flow::add_stream(graph_node& source) {
    stream& added = *streams_.emplace_back(std::make_unique<stream>());
    std::vector<graph_node*> stages;
    for (const auto& node : nodes_)
        if (node->stream() == &source) stages.push_back(node.get());
    for (const graph_node* stage : stages)
        for (graph_node* input : stage->inputs())
            if (input->stream() == nullptr) added.before.push_back(input);
    added.flow = std::make_unique<stream_flow>(
        std::move(stages), stop_, [&added](std::size_t step) { added.steps[step]->try_put(message()); },
        [this] { last_->try_put(message()); });
    for (std::size_t step = 0; step < added.flow->steps(); ++step)
        added.steps.push_back(
            std::make_unique<flow_node>(*graph_, [&added, step](const message&) { added.flow->run(step); }));
}

std::unique_ptr<graph_flow::flow_node> graph_flow::make_flow_node(graph_node& node) {
    if (!has_flow_node(node)) return nullptr;
    if (node.stream() != nullptr)
        return std::make_unique<flow_node>(
            *graph_, [this, &source = stream_of(node)](const message&) { start(source); });
    return std::make_unique<flow_node>(*graph_, [this, &node](const message&) { node.run(stop_); });
}

void graph_flow::connect(std::size_t number) {
    const graph_node& node = *nodes_[number];
    if (!has_flow_node(node)) return;
    for (const graph_node* input : inputs_of(node)) {
        tbb::flow::make_edge(flow_node_of(*input), *flow_nodes_[number]);
        // A stage that streams from the input reads its parts or moves them away: the others run after it.
        for (const auto& other : nodes_)
            if (!node.streams() && other->streams() && std::ranges::count(other->inputs(), input) > 0)
                tbb::flow::make_edge(flow_node_of(*other), *flow_nodes_[number]);
    }
    if (node.stream() == nullptr) tbb::flow::make_edge(*flow_nodes_[number], *last_);
}

void graph_flow::start(const stream& source) {
    const job::task_mark running;
    for (graph_node* each : source.before) each->finish();
    const auto has_value = [](const graph_node* each) { return each->good(); };
    if (!stop_.load() && std::ranges::all_of(source.before, has_value))
        source.flow->start();
    else
        last_->try_put(message());
}

void graph_flow::end() noexcept {
    const job::task_mark running;
    for (const auto& node : nodes_) node->finish();
    const std::shared_ptr<run_record> run = run_;
    const std::lock_guard lock(run->mutex);
    run->failure = failure();
    run->ended = true;
    run->has_ended.notify_all();
}

graph_flow::stream& graph_flow::stream_of(const graph_node& node) const {
    const auto is_its = [&](const auto& each) { return each->flow->stages().front() == node.stream(); };
    return **std::ranges::find_if(streams_, is_its);
}

/// The stages that end before the node's flow node runs.
const std::vector<graph_node*>& graph_flow::inputs_of(const graph_node& node) const {
    return node.stream() == nullptr ? node.inputs() : stream_of(node).before;
}

graph_flow::flow_node& graph_flow::flow_node_of(const graph_node& node) {
    const auto is_same = [&](const auto& each) { return each.get() == &node; };
    return *flow_nodes_[static_cast<std::size_t>(std::ranges::find_if(nodes_, is_same) - nodes_.begin())];
}

bool graph_flow::is_good(const graph_node& node) const {
    return node.stream() == nullptr ? node.good() : stream_of(node).flow->good();
}

/// The stage_error of a stage that threw; else null.
std::exception_ptr graph_flow::failure_of(const graph_node& node) const {
    if (node.stream() == nullptr) {
        if (node.error() == nullptr || (stop_.load() && node.was_cancelled())) return nullptr;
        return std::make_exception_ptr(stage_error(node.name(), node.error()));
    }
    const stream_flow& flow = *stream_of(node).flow;
    const std::optional<stream_flow::failure>& first = flow.first_failure();
    if (!first || flow.stages()[first->stage] != &node) return nullptr;
    return std::make_exception_ptr(stage_error(node.name(), first->error, first->batch));
}

std::exception_ptr graph_flow::failure() const {
    for (const auto& node : nodes_)
        if (const std::exception_ptr error = failure_of(*node); error != nullptr) return error;
    const auto good = static_cast<std::size_t>(
        std::ranges::count_if(nodes_, [&](const auto& node) { return is_good(*node); }));
    if (good == nodes_.size()) return nullptr;
    return std::make_exception_ptr(cancelled_error("cancelled: " + std::to_string(nodes_.size() - good) +
                                                   " of " + std::to_string(nodes_.size()) +
                                                   " stages did not run to their end"));
}

} // namespace spmd::detail
