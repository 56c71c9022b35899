#include <spmd/task_graph.hpp>

#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace spmd {
namespace detail {

void graph_node::reset() noexcept {
    started_ = false;
    finished_ = false;
    error_ = nullptr;
    forget();
}

void graph_node::run(const std::atomic<bool>& stop) noexcept {
    for (graph_node* input : inputs_) {
        if (streams() && input->started_) continue; // it waits for its input part by part
        input->finish();
        if (!input->good()) return;
    }
    if (stop.load()) return;
    started_ = true;
    try {
        start();
    } catch (...) {
        fail(std::current_exception());
    }
    if (stop.load()) cancel(); // it may have come while the stage was being started
}

void graph_node::finish() noexcept {
    const std::lock_guard lock(mutex_);
    if (std::exchange(finished_, true) || !good()) return;
    try {
        collect();
    } catch (...) {
        fail(std::current_exception());
    }
}

/// The stages as nodes of a oneTBB flow graph that carries messages without content: values stay in the stages.
///
/// The graph has an arena of its own in which only stages run; what they launch runs on the pool. Its one
/// reserved slot is for the thread that waits for the run, which thus never has to wait for a slot.
class graph_flow {
public:
    graph_flow(const std::vector<std::unique_ptr<graph_node>>& nodes, std::size_t threads)
        : nodes_(nodes), arena_(static_cast<int>(threads) + 1, 1) {
        arena_.execute([&] { graph_ = std::make_unique<tbb::flow::graph>(); });
        last_ = std::make_unique<flow_node>(*graph_, [this](const message&) { end(); });
        for (const auto& node : nodes_) add(*node);
    }

    bool running() const {
        const std::lock_guard lock(mutex_);
        return running_;
    }
    void start() {
        if (running()) throw std::logic_error("the task graph is running");
        graph_->wait_for_all(); // its nodes may still be on their way out
        for (const auto& node : nodes_) node->reset();
        stop_.store(false);
        {
            const std::lock_guard lock(mutex_);
            running_ = true;
        }
        arena_.execute([&] {
            if (nodes_.empty()) end();
            for (std::size_t i = 0; i < nodes_.size(); ++i)
                if (nodes_[i]->inputs().empty()) flow_nodes_[i]->try_put(message());
        });
    }
    void wait() {
        graph_->wait_for_all();
        std::unique_lock lock(mutex_);
        ended_.wait(lock, [&] { return !running_; });
    }
    bool wait_for(std::chrono::nanoseconds time) {
        std::unique_lock lock(mutex_);
        return ended_.wait_until(lock, deadline_in(time), [&] { return !running_; });
    }
    void cancel() {
        stop_.store(true);
        for (const auto& node : nodes_) node->cancel();
    }
    void throw_if_failed() const {
        for (const auto& node : nodes_)
            if (node->error() != nullptr && !(stop_.load() && was_cancelled(*node)))
                throw stage_error(node->name(), node->error());
        const auto is_good = [](const auto& node) { return node->good(); };
        const auto good = static_cast<std::size_t>(std::ranges::count_if(nodes_, is_good));
        if (good < nodes_.size())
            throw cancelled("cancelled: " + std::to_string(nodes_.size() - good) + " of " +
                            std::to_string(nodes_.size()) + " stages did not run to their end");
    }

private:
    using message = tbb::flow::continue_msg;
    using flow_node = tbb::flow::continue_node<message>;

    void add(graph_node& node) {
        auto made = std::make_unique<flow_node>(*graph_, [this, &node](const message&) { node.run(stop_); });
        for (const graph_node* input : node.inputs()) {
            tbb::flow::make_edge(at(*input), *made);
            // What streams from the input may move its parts away or look at them: others come after.
            for (const auto& other : nodes_)
                if (other.get() == &node)
                    break;
                else if (!node.streams() && other->streams() &&
                         std::ranges::count(other->inputs(), input) > 0)
                    tbb::flow::make_edge(at(*other), *made);
        }
        tbb::flow::make_edge(*made, *last_);
        flow_nodes_.push_back(std::move(made));
    }
    flow_node& at(const graph_node& node) {
        const auto is_it = [&](const auto& each) { return each.get() == &node; };
        return *flow_nodes_[static_cast<std::size_t>(std::ranges::find_if(nodes_, is_it) - nodes_.begin())];
    }
    static bool was_cancelled(const graph_node& node) {
        try {
            std::rethrow_exception(node.error());
        } catch (const cancelled&) {
            return true;
        } catch (...) {
            return false;
        }
    }
    void end() noexcept {
        for (const auto& node : nodes_) node->finish();
        const std::lock_guard lock(mutex_);
        running_ = false;
        ended_.notify_all();
    }

    const std::vector<std::unique_ptr<graph_node>>& nodes_;
    tbb::task_arena arena_;
    std::unique_ptr<tbb::flow::graph> graph_;
    std::unique_ptr<flow_node> last_;
    std::vector<std::unique_ptr<flow_node>> flow_nodes_;
    std::atomic<bool> stop_{false};
    mutable std::mutex mutex_;
    std::condition_variable ended_;
    bool running_ = false; // guarded by mutex_
};

} // namespace detail

graph_run::~graph_run() {
    if (flow_ == nullptr) return;
    if (flow_->running()) flow_->cancel();
    flow_->wait();
}

void graph_run::get() {
    wait();
    std::exchange(flow_, nullptr)->throw_if_failed();
}
void graph_run::wait() { required().wait(); }
bool graph_run::wait_for(std::chrono::nanoseconds time) { return required().wait_for(time); }
bool graph_run::ready() const { return !required().running(); }
void graph_run::cancel() { required().cancel(); }

detail::graph_flow& graph_run::required() const {
    if (flow_ == nullptr)
        throw std::logic_error("graph_run is empty: it was moved from, or its end was taken by get()");
    return *flow_;
}

task_graph::task_graph(const engine_pool& pool) : task_graph(pool.all()) {}
task_graph::task_graph(view ranks) : ranks_(std::move(ranks)) {}

task_graph::~task_graph() {
    if (flow_ == nullptr) return;
    if (flow_->running()) flow_->cancel();
    flow_->wait();
}

void task_graph::run() { run_async().get(); }

graph_run task_graph::run_async() {
    if (flow_ == nullptr) flow_ = std::make_unique<detail::graph_flow>(nodes_, ranks_.threads());
    flow_->start();
    return graph_run(*flow_);
}

std::string task_graph::dot() const {
    const auto quoted = [](std::string_view text) {
        std::string escaped;
        for (const char c : text) {
            if (c == '"' || c == '\\') escaped += '\\';
            escaped += c;
        }
        return escaped;
    };
    std::string text = "digraph spmd {\n    rankdir=LR;\n    node [shape=box];\n";
    const auto number = [&](const detail::graph_node* node) {
        const auto is_it = [&](const auto& each) { return each.get() == node; };
        return std::to_string(std::ranges::find_if(nodes_, is_it) - nodes_.begin());
    };
    for (const auto& node : nodes_)
        text += "    s" + number(node.get()) + " [label=\"" + quoted(node->name()) + "\\n" + node->kind() +
                "\"];\n";
    for (const auto& node : nodes_)
        for (const detail::graph_node* input : node->inputs())
            text += "    s" + number(input) + " -> s" + number(node.get()) + ";\n";
    return text + "}\n";
}

void task_graph::append(std::unique_ptr<detail::graph_node> node) {
    if (flow_ != nullptr && flow_->running())
        throw std::logic_error("the task graph is running: no stage can be added");
    flow_.reset();
    for (detail::graph_node* input : node->inputs()) input->add_consumer(node->streams());
    nodes_.push_back(std::move(node));
}

void task_graph::throw_no_value(const detail::graph_node& node) {
    throw std::logic_error("stage \"" + node.name() +
                           "\" has no value: it did not run to its end, or a concat moved its parts away");
}

} // namespace spmd
