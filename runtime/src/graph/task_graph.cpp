#include <spmd/task_graph.hpp>

#include <spmd/detail/graph/stream_flow.hpp>

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

void graph_node::set_trace(trace_log* log) {
    trace_ = log;
    if (log != nullptr) name_in_trace_ = log->number_of(name_);
}

bool graph_node::was_cancelled() const noexcept {
    if (error_ == nullptr) return false;
    try {
        std::rethrow_exception(error_);
    } catch (const cancelled_error&) {
        return true;
    } catch (...) {
        return false;
    }
}

void graph_node::fail(std::exception_ptr error) noexcept {
    error_ = std::move(error);
    if (was_cancelled())
        tally_.add_cancelled(1);
    else
        tally_.add_failures(1);
}

void graph_node::count_time() noexcept {
    const auto now = std::chrono::steady_clock::now();
    tally_.add_time(now - std::exchange(counted_until_, now));
}

void graph_node::run(const std::atomic<bool>& stop) noexcept {
    const job::task_mark running;
    for (graph_node* input : inputs_) {
        if (streams() && input->good()) continue; // it waits for its input part by part
        input->finish();
        if (!input->good()) return;
    }
    if (stop.load()) return;
    started_ = true;
    counted_until_ = std::chrono::steady_clock::now();
    try {
        const trace_span span = works_in_start() ? traced() : trace_span();
        start();
    } catch (...) {
        fail(std::current_exception());
    }
    if (started_) tally_.add_runs(1);
    count_time();
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

/// One run: whether it has ended, and how. While it has not, its flow lives.
struct run_record {
    graph_flow* flow = nullptr;
    std::mutex mutex;
    std::condition_variable ended_now;
    bool ended = false;         // guarded by mutex
    std::exception_ptr failure; // written before ended
};

/// The stages as nodes of a oneTBB flow graph that carries messages without content: values stay in the stages.
/// A stream is one such node, for its source and all that depends on it; each of its steps is a node to be called.
///
/// The graph has an arena of its own in which only stages run; what they launch runs on the pool. Its one
/// reserved slot is for the thread that waits for the run, which thus never has to wait for a slot.
class graph_flow {
public:
    graph_flow(const std::vector<std::unique_ptr<graph_node>>& nodes, std::size_t threads)
        : nodes_(nodes), arena_(static_cast<int>(std::min(threads, most_at_once(nodes))) + 1, 1) {
        arena_.execute([&] { graph_ = std::make_unique<tbb::flow::graph>(); });
        for (const auto& node : nodes_)
            if (node->in_flight() > 0) add_stream(*node);
        // Each stream tells it by a message when it has ended, and everything else by an edge.
        last_ = std::make_unique<flow_node>(*graph_, static_cast<int>(streams_.size()),
                                            [this](const message&) { end(); });
        for (const auto& node : nodes_) flow_nodes_.push_back(make_flow_node(*node));
        for (std::size_t i = 0; i < nodes_.size(); ++i) connect(i);
    }
    graph_flow(const graph_flow&) = delete;
    graph_flow& operator=(const graph_flow&) = delete;
    ~graph_flow() { graph_->wait_for_all(); }

    bool running() const {
        if (run_ == nullptr) return false;
        const std::lock_guard lock(run_->mutex);
        return !run_->ended;
    }
    std::shared_ptr<run_record> start() {
        if (running()) throw std::logic_error("the task graph is running");
        graph_->wait_for_all(); // its nodes may still be on their way out
        for (const auto& node : nodes_) {
            node->reset();
            node->begin_tally();
        }
        for (const auto& each : streams_) each->flow->reset();
        stop_.store(false);
        run_ = std::make_shared<run_record>();
        run_->flow = this;
        const std::shared_ptr<run_record> started = run_;
        arena_.execute([&] {
            if (nodes_.empty()) end();
            for (std::size_t i = 0; i < nodes_.size(); ++i)
                if (has_flow_node(*nodes_[i]) && inputs_of(*nodes_[i]).empty())
                    flow_nodes_[i]->try_put(message());
        });
        return started;
    }
    /// Takes part in what is left of the run.
    void join() { graph_->wait_for_all(); }
    void cancel() {
        stop_.store(true);
        for (const auto& node : nodes_)
            if (node->stream() == nullptr) node->cancel();
        for (const auto& each : streams_) each->flow->cancel();
    }

private:
    using message = tbb::flow::continue_msg;
    using flow_node = tbb::flow::continue_node<message>;

    /// About how many stages can run at the same time, at least 1. More threads in their arena would look for work there
    /// while the ranks want them.
    static std::size_t most_at_once(const std::vector<std::unique_ptr<graph_node>>& nodes) {
        std::size_t most = 1;
        for (const auto& node : nodes) {
            if (node->stream() == nullptr)
                ++most;
            else if (node->in_flight() > 0 || !node->is_ordered())
                most += node->stream()->in_flight(); // a batch has one at a time, but where its way branches
        }
        return most;
    }

    /// A source, with all that depends on it.
    struct stream {
        std::vector<graph_node*> before;               // what its stages take that is no batch
        std::vector<std::unique_ptr<flow_node>> steps; // to call one is to have it run
        std::unique_ptr<stream_flow> flow;
    };

    void add_stream(graph_node& source) {
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
            added.steps.push_back(std::make_unique<flow_node>(
                *graph_, [&added, step](const message&) { added.flow->run(step); }));
    }
    void start(const stream& source) {
        const job::task_mark running;
        for (graph_node* each : source.before) each->finish();
        const auto is_good = [](const graph_node* each) { return each->good(); };
        if (!stop_.load() && std::ranges::all_of(source.before, is_good))
            source.flow->start();
        else
            last_->try_put(message());
    }
    stream& stream_of(const graph_node& node) const {
        const auto is_its = [&](const auto& each) { return each->flow->stages().front() == node.stream(); };
        return **std::ranges::find_if(streams_, is_its);
    }
    /// Those that are run by a node of their own, not as a part of their stream.
    static bool has_flow_node(const graph_node& node) {
        return node.stream() == nullptr || node.stream() == &node;
    }
    /// What has to end before its flow node's turn comes.
    const std::vector<graph_node*>& inputs_of(const graph_node& node) const {
        return node.stream() == nullptr ? node.inputs() : stream_of(node).before;
    }
    std::unique_ptr<flow_node> make_flow_node(graph_node& node) {
        if (!has_flow_node(node)) return nullptr;
        if (node.stream() != nullptr)
            return std::make_unique<flow_node>(
                *graph_, [this, &source = stream_of(node)](const message&) { start(source); });
        return std::make_unique<flow_node>(*graph_, [this, &node](const message&) { node.run(stop_); });
    }
    void connect(std::size_t number) {
        const graph_node& node = *nodes_[number];
        if (!has_flow_node(node)) return;
        for (const graph_node* input : inputs_of(node)) {
            tbb::flow::make_edge(at(*input), *flow_nodes_[number]);
            // What streams from the input may move its parts away or look at them: others come after.
            for (const auto& other : nodes_)
                if (!node.streams() && other->streams() && std::ranges::count(other->inputs(), input) > 0)
                    tbb::flow::make_edge(at(*other), *flow_nodes_[number]);
        }
        if (node.stream() == nullptr) tbb::flow::make_edge(*flow_nodes_[number], *last_);
    }
    flow_node& at(const graph_node& node) {
        const auto is_it = [&](const auto& each) { return each.get() == &node; };
        return *flow_nodes_[static_cast<std::size_t>(std::ranges::find_if(nodes_, is_it) - nodes_.begin())];
    }
    bool is_good(const graph_node& node) const {
        return node.stream() == nullptr ? node.good() : stream_of(node).flow->good();
    }
    /// The stage_error of a node that threw; null for others.
    std::exception_ptr failure_of(const graph_node& node) const {
        if (node.stream() == nullptr) {
            if (node.error() == nullptr || (stop_.load() && node.was_cancelled())) return nullptr;
            return std::make_exception_ptr(stage_error(node.name(), node.error()));
        }
        const stream_flow& flow = *stream_of(node).flow;
        const std::optional<stream_flow::failure>& first = flow.first_failure();
        if (!first || flow.stages()[first->stage] != &node) return nullptr;
        return std::make_exception_ptr(stage_error(node.name(), first->error, first->batch));
    }
    std::exception_ptr failure() const {
        for (const auto& node : nodes_)
            if (const std::exception_ptr error = failure_of(*node); error != nullptr) return error;
        const auto good = static_cast<std::size_t>(
            std::ranges::count_if(nodes_, [&](const auto& node) { return is_good(*node); }));
        if (good == nodes_.size()) return nullptr;
        return std::make_exception_ptr(cancelled_error("cancelled: " + std::to_string(nodes_.size() - good) +
                                                       " of " + std::to_string(nodes_.size()) +
                                                       " stages did not run to their end"));
    }
    void end() noexcept {
        const job::task_mark running;
        for (const auto& node : nodes_) node->finish();
        const std::shared_ptr<run_record> run = run_;
        const std::lock_guard lock(run->mutex);
        run->failure = failure();
        run->ended = true;
        run->ended_now.notify_all();
    }

    const std::vector<std::unique_ptr<graph_node>>& nodes_;
    tbb::task_arena arena_;
    std::unique_ptr<tbb::flow::graph> graph_;
    std::unique_ptr<flow_node> last_;
    std::vector<std::unique_ptr<stream>> streams_;
    std::vector<std::unique_ptr<flow_node>> flow_nodes_; // of each stage; null for those that a stream runs
    std::atomic<bool> stop_{false};
    std::shared_ptr<run_record> run_; // the last one
};

} // namespace detail

graph_run::~graph_run() {
    if (record_ == nullptr || ready()) return;
    cancel();
    wait();
}

void graph_run::get() {
    wait();
    if (const auto ended = std::exchange(record_, nullptr); ended->failure != nullptr)
        std::rethrow_exception(ended->failure);
}

void graph_run::wait() {
    if (ready()) return;
    record_->flow->join();
    wait_until(std::chrono::steady_clock::time_point::max());
}

bool graph_run::wait_until(std::chrono::steady_clock::time_point deadline) {
    detail::run_record& run = required();
    {
        std::unique_lock lock(run.mutex);
        if (run.ended_now.wait_until(lock, deadline, [&] { return run.ended; })) return true;
    }
    if (!detail::job::inside()) return false;
    wait();
    return true;
}

bool graph_run::ready() const {
    detail::run_record& run = required();
    const std::lock_guard lock(run.mutex);
    return run.ended;
}

void graph_run::cancel() {
    detail::run_record& run = required();
    const std::lock_guard lock(run.mutex); // the run cannot end, nor its flow go, meanwhile
    if (!run.ended) run.flow->cancel();
}

detail::run_record& graph_run::required() const {
    if (record_ == nullptr)
        throw std::logic_error("graph_run is empty: it was moved from, or its end was taken by get()");
    return *record_;
}

task_graph::task_graph(const engine_pool& pool) : task_graph(pool.all()) {}
task_graph::task_graph(view ranks) : ranks_(std::move(ranks)) {}

task_graph::~task_graph() {
    if (flow_ != nullptr && flow_->running()) flow_->cancel();
}

void task_graph::run() { run_async().get(); }

graph_run task_graph::run_async() {
    if (flow_ == nullptr) flow_ = std::make_unique<detail::graph_flow>(nodes_, ranks_.threads());
    return graph_run(flow_->start());
}

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

detail::graph_node* task_graph::stream_of(detail::graph_node& node) {
    detail::graph_node* stream = node.in_flight() > 0 ? &node : nullptr;
    for (const detail::graph_node* input : node.inputs()) {
        if (stream != nullptr && input->stream() != nullptr && input->stream() != stream)
            throw std::invalid_argument("stage \"" + node.name() + "\" takes batches of two streams, \"" +
                                        stream->name() + "\" and \"" + input->stream()->name() +
                                        "\": whose number differs");
        if (input->stream() != nullptr) stream = input->stream();
    }
    return stream;
}

std::size_t task_graph::require_in_flight(const std::string& stream, std::size_t in_flight) {
    if (in_flight == 0)
        throw std::invalid_argument("stream \"" + stream +
                                    "\": at least 1 batch is in flight, not 0; each runs all its ranks, "
                                    "so they can meet even where it is 1");
    constexpr std::size_t most_in_flight = 65'536;
    if (in_flight > most_in_flight)
        throw std::invalid_argument("stream \"" + stream + "\": at most " + std::to_string(most_in_flight) +
                                    " batches are in flight, not " + std::to_string(in_flight) +
                                    "; a few keep all threads busy, and each has memory of its own");
    return in_flight;
}

void task_graph::throw_no_value(const detail::graph_node& node) {
    if (node.stream() != nullptr)
        throw std::logic_error(
            "stage \"" + node.name() + "\" keeps no value: it works on the batches of stream \"" +
            node.stream()->name() + "\", each of which is gone when all stages are done with it");
    throw std::logic_error("stage \"" + node.name() +
                           "\" has no value: it did not run to its end, or a concat moved its parts away");
}

} // namespace spmd
